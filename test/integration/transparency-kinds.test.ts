import Anthropic from '@anthropic-ai/sdk'
import OpenAI, { AzureOpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Attempt, Exchange } from '../../src/domain/exchange.ts'
import type { Spent } from '../../src/simulator/ask.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { configOf } from '../fakes/a-config.ts'
import { recorderOf, type Pair } from '../fakes/direct-and-proxied.ts'
import { ANTHROPIC_KINDS, chargeOf, KIND_MANNERS, type KindManners } from '../fakes/kind-manners.ts'
import { startProxy, type TestProxy } from '../fakes/proxy.ts'
import { headersOf } from '../fakes/same-through-the-proxy.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const SERVER_KEY = 'server-key'
const CLIENT_KEY = 'client-key'
const API_VERSION = '2024-10-21'
const KEY_HEADERS = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key']
/** Longer than what a provider caches: asked twice, it is read from the cache. */
const LONG = 'Remember this. '.repeat(600)

/** The client of someone who calls the provider itself. */
function straight(kind: string, { url }: Simulator, { manners }: KindManners): OpenAI {
  if (kind === 'azure-deployments')
    return new AzureOpenAI({ endpoint: url, apiKey: SERVER_KEY, apiVersion: API_VERSION, maxRetries: 0 })
  const headers = manners.keyHeader === 'authorization' ? {} : { [manners.keyHeader]: SERVER_KEY }
  return new OpenAI({ apiKey: SERVER_KEY, baseURL: url + manners.root, defaultHeaders: headers, maxRetries: 0 })
}

/** The same client with another base URL, and a key that is none of the provider's. */
function throughProxy(kind: string, { url }: TestProxy): OpenAI {
  const endpoint = `${url}/p/${kind}`
  return kind === 'azure-deployments'
    ? new AzureOpenAI({ endpoint, apiKey: CLIENT_KEY, apiVersion: API_VERSION, maxRetries: 0 })
    : new OpenAI({ apiKey: CLIENT_KEY, baseURL: `${endpoint}/v1`, maxRetries: 0 })
}

const asking = (model: string, content: string) => ({ model, messages: [{ role: 'user' as const, content }] })

const CALLS: readonly (readonly [string, (client: OpenAI) => Promise<unknown>])[] = [
  ['a chat', (client) => client.chat.completions.create(asking('sim-reasoning', 'What is 17 + 25?'))],
  [
    'a streamed chat',
    async (client) => {
      const chunks = []
      const body = { ...asking('sim-reasoning', 'What is 18 + 25?'), stream: true as const }
      for await (const chunk of await client.chat.completions.create(body)) chunks.push(chunk)
      return chunks
    },
  ],
  ['a long chat', (client) => client.chat.completions.create(asking('sim-plain', LONG))],
  ['the long chat again', (client) => client.chat.completions.create(asking('sim-plain', LONG))],
]

type Kind = {
  readonly direct: Simulator
  readonly behind: Simulator
  readonly proxy: TestProxy
  readonly recordOf: Pair['recordOf']
}

async function startKind(kind: string, { manners, prefix, isCharged }: KindManners): Promise<Kind> {
  const isKeyless = manners.keyHeader === 'none'
  const options = { now: () => NOW, manners, ...(isKeyless ? {} : { apiKey: SERVER_KEY }) }
  const [direct, behind] = [await startSimulator(options), await startSimulator(options)]
  const key = isKeyless ? '' : `, api_key: ${SERVER_KEY}`
  const prices = isCharged ? '[]' : "[{ model: '*', input: 1, cache_read: 0.25, output: 4 }]"
  const { policy } = configOf(
    `providers:\n  ${kind}: { kind: ${kind}, base_url: '${behind.url}${prefix}'${key} }\nprices: ${prices}\n`,
  )
  const proxy = await startProxy(behind.url, { policy: { providers: policy.providers, prices: policy.prices } })
  return { direct, behind, proxy, recordOf: recorderOf(proxy) }
}

/** What all models of a simulator have used together. */
function spentBy({ counters }: Simulator): Spent {
  const sum = (bucket: keyof Spent): number =>
    [...counters.spent.values()].reduce((total, spent) => total + spent[bucket], 0)
  return {
    uncachedInput: sum('uncachedInput'),
    cacheRead: sum('cacheRead'),
    cacheWrite5m: sum('cacheWrite5m'),
    cacheWrite1h: sum('cacheWrite1h'),
    visibleOutput: sum('visibleOutput'),
    reasoning: sum('reasoning'),
  }
}

function minus(after: Spent, before: Spent): Spent {
  return {
    uncachedInput: after.uncachedInput - before.uncachedInput,
    cacheRead: after.cacheRead - before.cacheRead,
    cacheWrite5m: after.cacheWrite5m - before.cacheWrite5m,
    cacheWrite1h: after.cacheWrite1h - before.cacheWrite1h,
    visibleOutput: after.visibleOutput - before.visibleOutput,
    reasoning: after.reasoning - before.reasoning,
  }
}

function onlyAttempt({ attempts }: Exchange): Attempt {
  const [attempt] = attempts
  if (attempt === undefined) throw new Error('no attempt')
  return attempt
}

/** What is to be recorded of a call on which the provider spent so much. */
function expectedOf(isStream: boolean, spent: Spent, { hides, isCharged }: KindManners): object {
  if (hides.includes('stream') && isStream) return { usage: undefined, cost: { kind: 'unpriced', why: 'no_usage' } }
  const read = hides.includes('cache') ? 0 : spent.cacheRead
  const reasoning = hides.includes('reasoning') ? 0 : spent.reasoning
  const fresh = spent.uncachedInput + spent.cacheRead - read
  const text = spent.visibleOutput + spent.reasoning - reasoning
  const usage = {
    uncachedInputTokens: fresh,
    cacheReadTokens: read,
    textOutputTokens: text,
    reasoningTokens: reasoning,
    isPartial: false,
  }
  const picoUsd = isCharged ? chargeOf(spent) : fresh * 1_000_000 + read * 250_000 + (text + reasoning) * 4_000_000
  return { usage, cost: { kind: 'priced', picoUsd: BigInt(picoUsd), source: isCharged ? 'provider' : 'config' } }
}

describe.each([...KIND_MANNERS])('%s', (kind, manners) => {
  let started: Kind
  beforeAll(async () => {
    started = await startKind(kind, manners)
  })
  afterAll(async () => {
    await started.direct.close()
    await started.behind.close()
    await started.proxy.close(200)
  })

  it.each(CALLS)('answers %s as it does without the proxy, which records its tokens and cost', async (_, call) => {
    const { direct, behind, proxy, recordOf } = started
    const expected = await call(straight(kind, direct, manners))
    const before = spentBy(behind)
    const [record, answer] = await recordOf(() => call(throughProxy(kind, proxy)))
    expect(answer).toEqual(expected)
    expect(record.request.api).toBe('chat_completions')
    const spent = minus(spentBy(behind), before)
    expect(onlyAttempt(record)).toMatchObject(expectedOf(record.request.isStream, spent, manners))
    expect(behind.requests().at(-1)?.path).toBe(direct.requests().at(-1)?.path)
  })

  it('got the server’s key in its own header and no other key', () => {
    const received = started.behind.requests()
    expect(received).toHaveLength(CALLS.length)
    for (const request of received) {
      const keys = headersOf(request).filter(([name]) => KEY_HEADERS.includes(name.toLowerCase()))
      const { keyHeader } = manners.manners
      const value = keyHeader === 'authorization' ? `Bearer ${SERVER_KEY}` : SERVER_KEY
      expect(keys).toEqual(keyHeader === 'none' ? [] : [[keyHeader, value]])
      expect(JSON.stringify(request.rawHeaders)).not.toContain(CLIENT_KEY)
    }
  })
})

it.each(ANTHROPIC_KINDS)(
  '%s answers as it does without the proxy, with the server’s key',
  async (kind, prefix, header) => {
    const usage = { shape: () => ({}), inStream: 'asked' as const }
    const manners = { root: `${prefix}/v1`, keyHeader: header, usage, refuses: [] }
    const [direct, behind] = await Promise.all(
      [1, 2].map(() => startSimulator({ now: () => NOW, apiKey: SERVER_KEY, manners })),
    )
    if (direct === undefined || behind === undefined) throw new Error('no simulators')
    const { policy } = configOf(
      `providers:\n  ${kind}: { kind: ${kind}, base_url: '${behind.url}${prefix}', api_key: ${SERVER_KEY} }\n`,
    )
    const proxy = await startProxy(behind.url, { policy: { providers: policy.providers } })
    const ask = async (client: Anthropic): Promise<unknown> => {
      const body = { model: 'sim-reasoning', max_tokens: 500, messages: asking('', 'What is 17 + 25?').messages }
      const events = []
      for await (const event of await client.messages.create({ ...body, stream: true })) events.push(event)
      return [await client.messages.create(body), events]
    }
    // The SDK's own header is authorization.
    const defaultHeaders = header === 'x-api-key' ? { [header]: SERVER_KEY } : {}
    const straightTo = { apiKey: SERVER_KEY, baseURL: direct.url + prefix, defaultHeaders, maxRetries: 0 }
    const expected = await ask(new Anthropic(straightTo))
    const baseURL = `${proxy.url}/p/${kind}`
    expect(await ask(new Anthropic({ apiKey: CLIENT_KEY, baseURL, maxRetries: 0 }))).toEqual(expected)
    const records = await proxy.recorded(2)
    const counted = records.map((record) => onlyAttempt(record).usage)
    expect(counted.reduce((sum, one) => sum + (one?.textOutputTokens ?? 0) + (one?.reasoningTokens ?? 0), 0)).toBe(
      spentBy(behind).visibleOutput + spentBy(behind).reasoning,
    )
    const value = header === 'authorization' ? `Bearer ${SERVER_KEY}` : SERVER_KEY
    for (const request of behind.requests()) {
      const keys = headersOf(request).filter(([name]) => KEY_HEADERS.includes(name.toLowerCase()))
      expect(keys).toEqual([[header, value]])
    }
    await proxy.close(200)
    await Promise.all([direct.close(), behind.close()])
  },
)

it('a client’s own key goes to its provider as it came, and a server’s key to its own alone', async () => {
  const names = ['azure', 'groq', 'mistral', 'ollama']
  const servers = await Promise.all(names.map((name) => startSimulator({ manners: mannersOf(name).manners })))
  const entries = names.map((name, index) => {
    const key = name === 'azure' || name === 'groq' ? `, api_key: key-of-${name}` : ''
    return `  ${name}: { kind: ${name}, base_url: '${servers[index]?.url}${mannersOf(name).prefix}'${key} }\n`
  })
  const { providers } = configOf(`providers:\n${entries.join('')}`).policy
  const proxy = await startProxy(servers[0]?.url ?? '', { policy: { providers } })
  for (const name of names) await throughProxy(name, proxy).models.list()
  const keys = servers.map((server) =>
    server.requests().map((request) => headersOf(request).filter(([header]) => KEY_HEADERS.includes(header))),
  )
  expect(keys).toEqual([
    [[['api-key', 'key-of-azure']]],
    [[['authorization', 'Bearer key-of-groq']]],
    [[['authorization', `Bearer ${CLIENT_KEY}`]]],
    [[]],
  ])
  await proxy.close(200)
  await Promise.all(servers.map((server) => server.close()))
})

function mannersOf(kind: string): KindManners {
  const found = KIND_MANNERS.get(kind)
  if (found === undefined) throw new Error(`no manners of ${kind}`)
  return found
}
