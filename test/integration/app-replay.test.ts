import { createServer, request } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemWorld } from '../../src/compose.ts'
import type { Api } from '../../src/domain/request.ts'
import type { Usage } from '../../src/domain/usage.ts'
import { startApp } from '../fakes/an-app.ts'
import type { Row, TestApp } from '../fakes/an-app.ts'
import { loadAnswers, PRICED_AT } from '../fixtures/answers/load.ts'
import type { AnswerFixture } from '../fixtures/answers/load.ts'

const ANSWERS = loadAnswers()
/** Streams on which the proxy asks for usage when the client does not. */
const SPLICED = ANSWERS.filter(({ isStream, api }) => isStream && (api === 'chat_completions' || api === 'completions'))

const PATHS: Readonly<Record<Exclude<Api, 'generate_content' | 'embed_content'>, string>> = {
  chat_completions: '/v1/chat/completions',
  responses: '/v1/responses',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
  messages: '/v1/messages',
  count_tokens: '/v1/messages/count_tokens',
  passthrough: '/v1/unknown',
}

/** Gemini's path names the model, and whether to stream, and how. */
function pathOf({ api, provider, isStream, isArray }: AnswerFixture): string {
  const model = '/v1beta/models/as-asked'
  if (api === 'generate_content') {
    if (!isStream) return `${model}:generateContent`
    return `${model}:streamGenerateContent${isArray ? '' : '?alt=sse'}`
  }
  if (api === 'embed_content') return `${model}:batchEmbedContents`
  return provider === 'gemini' ? `${model}:countTokens` : PATHS[api]
}

/** What a client got: everything to the end, or to where it was cut. */
type Got = {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly isCut: boolean
}

let origin: Server
let app: TestApp
/** By file: with usage asked for by the client, so that the proxy has no reason to touch a byte. */
const asked = new Map<string, Got>()
/** By file: with usage asked for by the proxy, which takes it out again. */
const unasked = new Map<string, Got>()
let traces: ReadonlyMap<unknown, Row>
let attempts: ReadonlyMap<unknown, Row>

beforeAll(async () => {
  origin = await aRecordedOrigin()
  const address = origin.address()
  const base_url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const providers = Object.fromEntries(
    ANSWERS.map(({ provider }) => [
      provider,
      { dialect: dialectOf(provider), base_url, include_usage: dialectOf(provider) === 'openai' },
    ]),
  )
  // Prices have dates: the table of expected costs was worked out for this one. Rows of then must not expire by now.
  const retention = { traces: '3650d', attempts: '3650d' }
  app = await startApp({ providers, retention }, { ...systemWorld, now: () => PRICED_AT })
  for (const fixture of ANSWERS) asked.set(fixture.file, await ask(fixture, true))
  for (const fixture of SPLICED) unasked.set(fixture.file, await ask(fixture, false))
  const count = ANSWERS.length + SPLICED.length
  traces = byTrace(await app.rowsOf('SELECT *, input_tokens, output_tokens FROM understudy.traces', count))
  attempts = byTrace(await app.rowsOf('SELECT * FROM understudy.attempts', count))
})
afterAll(async () => {
  await app.close()
  origin.close()
})

describe.each(ANSWERS.map((fixture) => [fixture.file, fixture] as const))('%s', (file, fixture) => {
  it('reaches the client byte for byte', () => {
    const got = asked.get(file)
    expect(got?.status).toBe(fixture.status)
    expect(got?.bytes.toString('latin1')).toBe(fixture.bytes.toString('latin1'))
    expect(got?.isCut).toBe(fixture.isCut)
  })

  it('is a row with the right buckets, and its cost to the pico-dollar', () => {
    const id = asked.get(file)?.headers['x-understudy-trace-id']
    const [trace, attempt] = [traces.get(id), attempts.get(id)]
    expect(attempt).toMatchObject({
      provider: fixture.provider,
      api: fixture.api,
      status: fixture.status,
      outcome: outcomeOf(fixture),
      error_type: fixture.errorType ?? '',
      served_model: fixture.model ?? '',
      response_id: fixture.id ?? '',
      finish_reason: fixture.finish ?? '',
      service_tier: fixture.usage?.serviceTier ?? '',
      ...bucketsOf(fixture.usage),
      provider_input_tokens: fixture.usage?.providerInputTokens ?? null,
      provider_output_tokens: fixture.usage?.providerOutputTokens ?? null,
      unpriced_why: typeof fixture.cost === 'bigint' ? '' : fixture.cost,
      response_bytes: fixture.bytes.length,
    })
    expect(picoUsdOf(attempt?.['cost_usd'])).toBe(typeof fixture.cost === 'bigint' ? fixture.cost : null)
    expect(trace).toMatchObject({
      provider: fixture.provider,
      status: fixture.status,
      outcome: outcomeOf(fixture),
      is_stream: fixture.isStream,
      injects_usage: false,
      attempts: 1,
      served_model: fixture.model ?? '',
      ...bucketsOf(fixture.usage),
      cost_usd: attempt?.['cost_usd'],
      response_bytes: fixture.bytes.length,
    })
  })
})

describe.each(SPLICED.map((fixture) => [fixture.file, fixture] as const))(
  '%s, usage unasked by the client',
  (file, fixture) => {
    it('looks as if the proxy had not asked either, and is recorded as if the client had', () => {
      const got = unasked.get(file)
      expect(got?.bytes.toString()).toBe(withoutUsage(fixture.bytes.toString()))
      expect(got?.isCut).toBe(fixture.isCut)
      const id = got?.headers['x-understudy-trace-id']
      expect(traces.get(id)).toMatchObject({
        injects_usage: true,
        outcome: outcomeOf(fixture),
        ...bucketsOf(fixture.usage),
      })
      expect(picoUsdOf(attempts.get(id)?.['cost_usd'])).toBe(typeof fixture.cost === 'bigint' ? fixture.cost : null)
    })
  },
)

it('made exactly one trace and one attempt of each', () => {
  expect(traces.size).toBe(ANSWERS.length + SPLICED.length)
  expect(attempts.size).toBe(ANSWERS.length + SPLICED.length)
})

/** An upstream that serves the recorded answer that a request header names, exactly. */
async function aRecordedOrigin(): Promise<Server> {
  const byFile = new Map(ANSWERS.map((fixture) => [fixture.file, fixture]))
  const server = createServer((incoming, response) => {
    incoming.resume().once('end', () => {
      const fixture = byFile.get(String(incoming.headers['x-fixture']))
      if (fixture === undefined) return void response.writeHead(404).end()
      response.writeHead(fixture.status, { 'content-type': fixture.contentType })
      if (!fixture.isCut) return void response.end(fixture.bytes)
      response.write(fixture.bytes, () => response.socket?.end())
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return server
}

function ask(fixture: AnswerFixture, asksUsage: boolean): Promise<Got> {
  const { file, provider, isStream } = fixture
  const body = { model: 'as-asked', ...(isStream ? { stream: true } : {}), ...(asksUsage ? askingUsage(fixture) : {}) }
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-fixture': file }
    const outgoing = request(`${app.url}/p/${provider}${pathOf(fixture)}`, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = []
      const done = (isCut: boolean) => (): void =>
        resolve({ status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks), isCut })
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('end', done(false))
      response.once('error', done(true))
    })
    outgoing.once('error', reject)
    outgoing.end(JSON.stringify(body))
  })
}

function dialectOf(provider: string): string {
  return provider === 'anthropic' || provider === 'gemini' ? provider : 'openai'
}

function askingUsage({ api, isStream }: AnswerFixture): object {
  return isStream && (api === 'chat_completions' || api === 'completions')
    ? { stream_options: { include_usage: true } }
    : {}
}

/** What the stream would have been without `include_usage`: no usage-only event, no `usage` that is null. */
function withoutUsage(text: string): string {
  return text
    .split(/(?<=\r?\n\r?\n)/)
    .filter((event) => !/"choices": ?\[\]/.test(event) || !/"usage": ?\{/.test(event))
    .map((event) => event.replace(/, ?"usage": ?null/, ''))
    .join('')
}

function outcomeOf({ status, ends, errorType }: AnswerFixture): string {
  if (status >= 400 || errorType !== undefined) return 'refused'
  return ends === 'cut' ? 'interrupted' : 'completed'
}

function bucketsOf(usage: Usage | undefined): Row {
  return {
    uncached_input_tokens: usage?.uncachedInputTokens ?? null,
    cache_read_tokens: usage?.cacheReadTokens ?? null,
    cache_write_5m_tokens: usage?.cacheWrite5mTokens ?? null,
    cache_write_1h_tokens: usage?.cacheWrite1hTokens ?? null,
    audio_input_tokens: usage?.audioInputTokens ?? null,
    text_output_tokens: usage?.textOutputTokens ?? null,
    reasoning_tokens: usage?.reasoningTokens ?? null,
    audio_output_tokens: usage?.audioOutputTokens ?? null,
    web_search_requests: usage?.webSearchRequests ?? null,
    usage_is_partial: usage?.isPartial ?? false,
  }
}

/** `0.000118` as pico-dollars, digit by digit. */
function picoUsdOf(decimal: unknown): bigint | null {
  if (typeof decimal !== 'string') return null
  const [whole = '', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(12, '0'))
}

function byTrace(rows: readonly Row[]): ReadonlyMap<unknown, Row> {
  return new Map(rows.map((row) => [row['trace_id'], row]))
}
