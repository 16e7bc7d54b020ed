import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_CATALOGUE } from '../../src/simulator/catalogue.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import type { Simulator } from '../../src/simulator/start-simulator.ts'
import { traffic } from '../../src/simulator/traffic.ts'
import type { TrafficCall } from '../../src/simulator/traffic.ts'
import { z } from 'zod'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import type { ProxyHome, ProxyProcess } from '../fakes/proxy-process.ts'

const CALLS = 500
const CLIENTS = 12

type Prices = {
  readonly input: number
  readonly cacheRead?: number
  readonly cacheWrite5m?: number
  readonly cacheWrite1h?: number
  readonly output: number
}

/** Dollars per million tokens, as the providers publish them. Reasoning is output to all of them. */
const PRICES: Readonly<Record<string, Prices>> = {
  'gpt-4o-2024-08-06': { input: 2.5, cacheRead: 1.25, output: 10 },
  'gpt-4o-mini-2024-07-18': { input: 0.15, cacheRead: 0.075, output: 0.6 },
  'gpt-5-mini-2025-08-07': { input: 0.25, cacheRead: 0.025, output: 2 },
  'claude-sonnet-4-5-20250929': { input: 3, cacheRead: 0.3, cacheWrite5m: 3.75, cacheWrite1h: 6, output: 15 },
  'claude-haiku-4-5-20251001': { input: 1, cacheRead: 0.1, cacheWrite5m: 1.25, cacheWrite1h: 2, output: 5 },
  'gemini-2.5-flash': { input: 0.3, cacheRead: 0.03, output: 2.5 },
  'text-embedding-3-small': { input: 0.02, output: 0 },
}

type Post = { readonly path: string; readonly body: object; readonly fault?: string }

const PATHS: Readonly<Record<TrafficCall['api'], string>> = {
  chat_completions: '/openai/v1/chat/completions',
  responses: '/openai/v1/responses',
  messages: '/anthropic/v1/messages',
  embeddings: '/openai/v1/embeddings',
}
const LONG = 'Every answer follows the house rules that are written here. '.repeat(300)

/** Ordinary traffic, and every tenth call each: a cached prompt for five minutes, for an hour, at OpenAI; Gemini; an error. */
function* posts(): Generator<Post> {
  const ordinary = traffic({ seed: 15, count: CALLS, anthropicModels: ['claude-sonnet-4-5', 'claude-haiku-4-5'] })
  for (const { ordinal, call } of ordinary) {
    const stream = ordinal % 20 < 10
    const question = `Question ${ordinal}: what is ${ordinal} + 25?`
    const cached = (ttl: '5m' | '1h'): Post => ({
      path: PATHS.messages,
      body: {
        model: ttl === '5m' ? 'claude-haiku-4-5' : 'claude-sonnet-4-5',
        max_tokens: 200,
        stream,
        // Five prompts, ten times each.
        system: [{ type: 'text', text: `${ordinal % 50}${LONG}`, cache_control: { type: 'ephemeral', ttl } }],
        messages: [{ role: 'user', content: question }],
      },
    })
    switch (ordinal % 10) {
      case 1:
        yield cached('5m')
        break
      case 3:
        yield cached('1h')
        break
      case 5:
        yield {
          path: PATHS.chat_completions,
          body: {
            model: 'gpt-4o',
            stream,
            messages: [
              { role: 'system', content: LONG },
              { role: 'user', content: question },
            ],
          },
        }
        break
      case 7:
        yield {
          path: `/gemini/v1beta/models/gemini-2.5-flash:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
          body: { contents: [{ role: 'user', parts: [{ text: question }] }] },
        }
        break
      case 9:
        yield { path: PATHS[call.api], body: call.body, fault: ordinal % 20 < 10 ? 'status@503' : 'status@429' }
        break
      default:
        yield { path: PATHS[call.api], body: call.body }
    }
  }
}

const EmbeddingUsage = z.object({ model: z.string(), usage: z.object({ prompt_tokens: z.number() }) })
const KEYS = {
  'content-type': 'application/json',
  authorization: 'Bearer sk-test',
  'x-api-key': 'sk-ant-test',
  'x-goog-api-key': 'AIza-test',
  'anthropic-version': '2023-06-01',
}

let simulator: Simulator
let home: ProxyHome
let proxy: ProxyProcess
/** Tokens of embeddings as their clients were told, for the simulator bills texts only. */
const embedded = new Map<string, number>()
const statuses = new Map<number, number>()

beforeAll(async () => {
  // As they are, but without their pauses.
  const models = DEFAULT_CATALOGUE.map((model) => ({
    ...model,
    firstByteMs: 0,
    firstTokenMs: 0,
    tokensPerSecond: undefined,
  }))
  simulator = await startSimulator({ models })
  const base_url = simulator.url
  home = await aProxyHome(
    settingsFor(base_url, {
      providers: {
        openai: { dialect: 'openai', base_url, include_usage: true },
        anthropic: { dialect: 'anthropic', base_url },
        gemini: { dialect: 'gemini', base_url },
      },
    }),
  )
  proxy = await home.start()
  const left = posts()
  await Promise.all(Array.from({ length: CLIENTS }, () => askAll(left)))
  await proxy.drained()
})
afterAll(async () => {
  await home?.close()
  await simulator?.close()
})

async function askAll(left: Iterator<Post>): Promise<void> {
  for (let next = left.next(); next.done !== true; next = left.next()) {
    const { path, body, fault } = next.value
    const headers = { ...KEYS, ...(fault === undefined ? {} : { 'x-sim-fault': fault }) }
    const answer = await fetch(`${home.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.text()
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    if (path !== PATHS.embeddings || !answer.ok) continue
    const { model, usage } = EmbeddingUsage.parse(JSON.parse(text))
    embedded.set(model, (embedded.get(model) ?? 0) + usage.prompt_tokens)
  }
}

/** What the provider charges for each model, in pico-dollars: its own count of tokens at its published prices. */
function charged(): Readonly<Record<string, bigint>> {
  const charges = [...simulator.counters.spent].map(([model, spent]) => {
    const { input, cacheRead, cacheWrite5m, cacheWrite1h, output } = pricesOf(model)
    return [
      model,
      at(spent.uncachedInput, input) +
        at(spent.cacheRead, cacheRead) +
        at(spent.cacheWrite5m, cacheWrite5m) +
        at(spent.cacheWrite1h, cacheWrite1h) +
        at(spent.visibleOutput + spent.reasoning, output),
    ] as const
  })
  const ofEmbeddings = [...embedded].map(([model, tokens]) => [model, at(tokens, pricesOf(model).input)] as const)
  return Object.fromEntries([...charges, ...ofEmbeddings])
}

function pricesOf(model: string): Prices {
  const prices = PRICES[model]
  if (prices === undefined) throw new Error(`no price was written down for ${model}`)
  return prices
}

function at(tokens: number, dollarsPerMillion: number | undefined): bigint {
  if (tokens > 0 && dollarsPerMillion === undefined) throw new Error('tokens of a kind that has no price')
  return BigInt(tokens) * BigInt(Math.round((dollarsPerMillion ?? 0) * 1_000_000))
}

describe('five hundred mixed calls, whole and streamed, of three providers, cached ones and failures among them', () => {
  it('use every kind of token that has a price of its own', () => {
    const sum = (kind: 'cacheRead' | 'cacheWrite5m' | 'cacheWrite1h' | 'reasoning'): number =>
      [...simulator.counters.spent.values()].reduce((total, spent) => total + spent[kind], 0)
    expect(Math.min(sum('cacheRead'), sum('cacheWrite5m'), sum('cacheWrite1h'), sum('reasoning'))).toBeGreaterThan(1000)
    expect(new Set([...simulator.counters.spent.keys(), ...embedded.keys()])).toEqual(new Set(Object.keys(PRICES)))
    expect(new Set(statuses.keys())).toEqual(new Set([200, 429, 503]))
    expect(simulator.counters.received).toBe(CALLS)
  })

  it('cost in the store what the provider charges, to the pico-dollar for each model', async () => {
    const rows = await proxy.rows<{ readonly model: string; readonly pico: string }>(
      `SELECT served_model AS model, toString(toInt128(sum(cost_usd) * 1000000000000)) AS pico
       FROM attempts WHERE outcome = 'completed' GROUP BY model`,
    )
    const recorded = Object.fromEntries(rows.map(({ model, pico }) => [model, BigInt(pico)]))
    expect(recorded).toEqual(charged())
    const [trace] = await proxy.rows<{ readonly pico: string; readonly unpriced: number }>(
      `SELECT toString(toInt128(sum(cost_usd) * 1000000000000)) AS pico,
         countIf(cost_usd IS NULL AND outcome = 'completed') AS unpriced FROM traces`,
    )
    const whole = Object.values(charged()).reduce((sum, charge) => sum + charge, 0n)
    expect(trace).toEqual({ pico: String(whole), unpriced: 0 })
    expect(whole).toBeGreaterThan(0n)
  })

  it('and are one row each', async () => {
    const rows = await proxy.rows(
      'SELECT outcome, status, toUInt32(count()) AS calls FROM traces GROUP BY ALL ORDER BY status',
    )
    expect(rows).toEqual([
      { outcome: 'completed', status: 200, calls: statuses.get(200) },
      { outcome: 'refused', status: 429, calls: statuses.get(429) },
      { outcome: 'refused', status: 503, calls: statuses.get(503) },
    ])
  })
})
