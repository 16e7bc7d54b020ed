import { afterAll, beforeAll, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApp } from '../fakes/an-app.ts'
import type { TestApp } from '../fakes/an-app.ts'
import { parseExposition } from '../fakes/parse-exposition.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import type { Simulator } from '../../src/simulator/start-simulator.ts'

/** Prices of the test: USD per million tokens. */
const USD = { input: 1.25, output: 10 }
const PATIENCE_MS = 30_000

/** What the client knows of one request. */
type Sent = {
  readonly provider: string
  readonly api: string
  readonly status: number
  readonly inputTokens: number
  readonly outputTokens: number
}

let simulator: Simulator
let app: TestApp
const sent: Sent[] = []

beforeAll(async () => {
  simulator = await startSimulator({ seed: 7 })
  app = await startApp({
    providers: {
      openai: { dialect: 'openai', base_url: simulator.url, include_usage: true },
      anthropic: { dialect: 'anthropic', base_url: simulator.url },
    },
    prices: [{ model: 'sim-*', ...USD }],
  })
})
afterAll(async () => {
  await app.close()
  await simulator.close()
})

it('after known traffic the metrics, the rows and the client agree on requests, tokens and cost', async () => {
  for (let i = 0; i < 12; i++) await ask('openai', 'chat_completions', '/v1/chat/completions')
  for (let i = 0; i < 6; i++)
    await ask('openai', 'chat_completions', '/v1/chat/completions', {
      stream: true,
      stream_options: { include_usage: true },
    })
  for (let i = 0; i < 5; i++)
    await ask('openai', 'responses', '/v1/responses', { input: 'hello', model: 'sim-reasoning' })
  for (let i = 0; i < 4; i++) await ask('anthropic', 'messages', '/v1/messages', { max_tokens: 500 })
  for (let i = 0; i < 3; i++) await ask('openai', 'chat_completions', '/v1/chat/completions', {}, 'status@503')
  for (let i = 0; i < 2; i++) await ask('anthropic', 'messages', '/v1/messages', { max_tokens: 500 }, 'status@429')

  const rows = await app.rowsOf(
    'SELECT provider, api, status, input_tokens, output_tokens, cost_usd FROM understudy.traces',
    sent.length,
  )
  const [total] = await app.rows('SELECT sum(t.cost_usd) AS usd FROM understudy.traces AS t')
  const samples = await scrape()

  const kindOf = (facts: Readonly<Record<string, unknown>>): string =>
    [facts['provider'], facts['api'], facts['status']].join(' ')
  const expected = countBy(sent.map(kindOf))
  expect(expected.size).toBe(5)
  const requests = samples.filter(({ name }) => name === 'understudy_requests_total')
  expect(countBy(requests.flatMap(({ labels, value }) => Array<string>(value).fill(kindOf(labels))))).toEqual(expected)
  expect(countBy(rows.map(kindOf))).toEqual(expected)
  expect(sum(samples, 'understudy_requests_total', () => true)).toBe(sent.length)
  expect(sum(samples, 'understudy_errors_total', ({ code }) => code === 'upstream_error')).toBe(5)
  expect(sum(samples, 'understudy_request_duration_seconds_count', () => true)).toBe(sent.length)

  const isInput = ({ bucket = '' }: Labels): boolean => /input|cache/.test(bucket)
  const inputTokens = sent.reduce((tokens, request) => tokens + request.inputTokens, 0)
  const outputTokens = sent.reduce((tokens, request) => tokens + request.outputTokens, 0)
  expect(outputTokens).toBeGreaterThan(500)
  expect(sum(samples, 'understudy_tokens_total', isInput)).toBe(inputTokens)
  expect(sum(samples, 'understudy_tokens_total', (labels) => !isInput(labels))).toBe(outputTokens)
  expect(sum(samples, 'understudy_tokens_total', ({ bucket }) => bucket === 'reasoning')).toBeGreaterThan(0)

  const usd = (inputTokens * USD.input + outputTokens * USD.output) / 1e6
  expect(sum(samples, 'understudy_cost_usd_total', () => true)).toBeCloseTo(usd, 12)
  expect(Number(total?.['usd'])).toBeCloseTo(usd, 12)
  expect(sum(samples, 'understudy_unpriced_total', () => true)).toBe(0)
  // Stored and acknowledged: one trace and one attempt of each.
  const inserted = await eventually(
    async () => sum(await scrape(), 'understudy_store_inserted_rows_total', () => true),
    (found) => found === 2 * sent.length,
  )
  expect(inserted).toBe(2 * sent.length)
  expect(sum(await scrape(), 'understudy_spool_rows', () => true)).toBe(0)
})

it('in-flight requests are counted while they last, and none is left when they are over or given up', async () => {
  const leave = new AbortController()
  const waiting = [1, 2, 3].map(() =>
    send('/openai/v1/chat/completions', {}, 'hang', leave.signal).catch(() => undefined),
  )
  const inFlight = async (): Promise<number> => sum(await scrape(), 'understudy_in_flight_requests', () => true)
  expect(await eventually(inFlight, (found) => found === 3)).toBe(3)
  leave.abort()
  await Promise.all(waiting)
  expect(await eventually(inFlight, (found) => found === 0)).toBe(0)
  const cancelled = async (): Promise<number> =>
    sum(await scrape(), 'understudy_requests_total', ({ outcome }) => outcome === 'cancelled')
  expect(await eventually(cancelled, (found) => found === 3)).toBe(3)
})

/** One call to its end, with its usage as the provider told the client. */
async function ask(provider: string, api: string, path: string, changes: object = {}, fault?: string): Promise<void> {
  const answer = await send(`/${provider}${path}`, changes, fault)
  const text = await answer.text()
  // In a stream the last usage is the whole one.
  const [inputTokens, outputTokens] = answer.ok
    ? [
        lastNumber(text, /"(?:prompt|input)_tokens": ?(\d+)/g),
        lastNumber(text, /"(?:completion|output)_tokens": ?(\d+)/g),
      ]
    : [0, 0]
  sent.push({ provider, api, status: answer.status, inputTokens, outputTokens })
}

function send(path: string, changes: object, fault?: string, signal?: AbortSignal): Promise<Response> {
  const body = { model: 'sim-plain', messages: [{ role: 'user', content: 'Say something long.' }], ...changes }
  const headers = {
    authorization: 'Bearer sk-test',
    'x-api-key': 'sk-test',
    'anthropic-version': '2023-06-01',
    'content-type': 'application/json',
    ...(fault === undefined ? {} : { 'x-sim-fault': fault }),
  }
  return fetch(app.url + path, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
}

type Labels = Readonly<Record<string, string>>
type Samples = readonly { readonly name: string; readonly labels: Labels; readonly value: number }[]

async function scrape(): Promise<Samples> {
  const text = await (await fetch(`${app.adminUrl}/metrics`)).text()
  return [...parseExposition(text).values()].flatMap(({ samples }) => samples)
}

function sum(samples: Samples, name: string, isMeant: (labels: Labels) => boolean): number {
  return samples
    .filter((sample) => sample.name === name && isMeant(sample.labels))
    .reduce((total, { value }) => total + value, 0)
}

/** How often each text occurs. */
function countBy(texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length]))
}

function lastNumber(text: string, pattern: RegExp): number {
  return Number([...text.matchAll(pattern)].at(-1)?.[1])
}

/** What `read` gives once it is as wished, or the last it gave. */
async function eventually<T>(read: () => Promise<T>, isWished: (found: T) => boolean): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  let found = await read()
  while (!isWished(found) && performance.now() < deadline) {
    await sleep(20)
    found = await read()
  }
  return found
}
