import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { calcPrice, findProvider } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { costOf, type Rates } from '../../src/domain/cost.ts'
import { inputTokens, NOTHING_USED, outputTokens, type Usage } from '../../src/domain/usage.ts'
import { LIBRARY_VERSION, libraryRates } from '../../src/pricing/library-rates.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const SOURCE = `genai-prices@${LIBRARY_VERSION}`

function aUsage(buckets: Partial<Usage>): Usage {
  return { ...NOTHING_USED, ...buckets }
}

function ratesOf(known: Partial<Rates>): Rates {
  return {
    uncachedInput: undefined,
    cacheRead: undefined,
    cacheWrite5m: undefined,
    cacheWrite1h: undefined,
    audioInput: undefined,
    textOutput: undefined,
    reasoning: undefined,
    audioOutput: undefined,
    webSearch: undefined,
    ...known,
  }
}

const ONE_IN = aUsage({ uncachedInputTokens: 1 })
const library = createPriceBook({ prices: [], providers: new Map() })
const price = (provider: string, model: string, usage: Usage = ONE_IN, at = NOW): unknown => {
  const cost = library.price({ provider, model, usage, at })
  return cost.kind === 'priced' ? cost.picoUsd : cost.why
}

describe('prices of the library', () => {
  it('are those of the installed version, which every row names', () => {
    const manifest = join(import.meta.dirname, '../../node_modules/@pydantic/genai-prices/package.json')
    expect(JSON.parse(readFileSync(manifest, 'utf8'))).toMatchObject({ version: LIBRARY_VERSION })
    expect(library.price({ provider: 'openai', model: 'gpt-4o', usage: ONE_IN, at: NOW })).toMatchObject({
      source: SOURCE,
    })
  })

  const models = [
    'openai',
    'anthropic',
    'azure',
    'x-ai',
    'deepseek',
    'groq',
    'mistral',
    'google',
    'aws',
    'openrouter',
  ].flatMap((provider) =>
    (findProvider({ providerId: provider })?.models ?? []).map((model) => [provider, model.id] as const),
  )

  it('agree with the library’s own floating-point totals, for any model, usage and time', () => {
    const tokens = fc.oneof(fc.nat(5000), fc.nat(500_000))
    const rarely = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: tokens })
    const usage = fc.record({
      uncachedInputTokens: tokens,
      cacheReadTokens: tokens,
      cacheWrite5mTokens: rarely,
      cacheWrite1hTokens: rarely,
      audioInputTokens: rarely,
      textOutputTokens: tokens,
      reasoningTokens: tokens,
      audioOutputTokens: rarely,
      webSearchRequests: rarely,
    })
    const at = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2026, 11, 31) })
    let compared = 0
    const agrees = (provider: string, model: string, buckets: Partial<Usage>, time: number): boolean => {
      // Resellers' Claude: the library takes the five-minute price for an hour, we do not (tested below).
      const used = aUsage(provider === 'anthropic' ? buckets : { ...buckets, cacheWrite1hTokens: 0 })
      const ours = library.price({ provider, model, usage: used, at: time })
      if (ours.kind === 'unpriced') return true
      const theirs = calcPrice(libraryUsage(used), model, { providerId: provider, timestamp: new Date(time) })
      compared++
      const totalUsd = theirs?.total_price ?? Number.NaN
      return Math.abs(Number(ours.picoUsd) / 1e12 - totalUsd) <= 1e-9 + totalUsd * 1e-5
    }
    fc.assert(
      fc.property(fc.constantFrom(...models), usage, at, ([provider, model], buckets, time) =>
        agrees(provider, model, buckets, time),
      ),
      { numRuns: 3000 },
    )
    expect(compared).toBeGreaterThan(500)
  })

  it('change on whole minutes, as the price list is kept', () => {
    const times = models.flatMap(([provider, id]) => {
      const prices = findProvider({ providerId: provider })?.models.find((model) => model.id === id)?.prices
      const dated = Array.isArray(prices) ? prices.map((conditional) => conditional.constraint) : []
      return dated.flatMap((constraint) =>
        constraint?.type === 'time_of_date' ? [constraint.start_time, constraint.end_time] : [],
      )
    })
    expect(times.length).toBeGreaterThan(0)
    for (const time of times) expect(time).toMatch(/^\d\d:\d\d:00Z$/)
  })

  it('hold at the time of the call: by date, and by time of day', () => {
    const day = (month: number, date: number): number => Date.UTC(2026, month - 1, date)
    expect(price('openai', 'gpt-5.6-sol', ONE_IN, day(8, 21) - 1)).toBe(5_000_000n)
    expect(price('openai', 'gpt-5.6-sol', ONE_IN, day(8, 21))).toBe(4_000_000n)
    expect(price('openai', 'gpt-5.6-sol', ONE_IN, day(8, 20))).toBe(5_000_000n)
    const hours = (hour: number, minute: number): number => Date.UTC(2026, 10, 20, hour, minute)
    expect(price('deepseek', 'deepseek-chat', ONE_IN, hours(16, 29))).toBe(270_000n)
    expect(price('deepseek', 'deepseek-chat', ONE_IN, hours(16, 30))).toBe(135_000n)
    expect(price('deepseek', 'deepseek-chat', ONE_IN, hours(0, 29))).toBe(135_000n)
    expect(price('deepseek', 'deepseek-chat', ONE_IN, hours(0, 30))).toBe(270_000n)
  })

  it('step up for the whole call when the prompt, cached tokens included, passes the threshold', () => {
    const input = (fresh: number, read: number): Usage => aUsage({ uncachedInputTokens: fresh, cacheReadTokens: read })
    expect(price('anthropic', 'claude-sonnet-4-5', input(100_000, 100_000))).toBe(
      100_000n * 3_000_000n + 100_000n * 300_000n,
    )
    expect(price('anthropic', 'claude-sonnet-4-5', input(100_001, 100_000))).toBe(
      100_001n * 6_000_000n + 100_000n * 600_000n,
    )
  })

  it('find dated names, aliases and new snapshots, and say when a family’s price was taken', () => {
    expect(price('openai', 'gpt-4o-2024-05-13')).toBe(5_000_000n) // not the price of gpt-4o
    expect(price('openai', 'gpt-4o-2024-08-06')).toBe(2_500_000n)
    expect(price('anthropic', 'claude-sonnet-4-5-20250929')).toBe(3_000_000n)
    expect(price('anthropic', 'claude-3-7-sonnet-latest')).toBe(3_000_000n)
    expect(library.price({ provider: 'openai', model: 'gpt-4.1-2027-01-31', usage: ONE_IN, at: NOW })).toMatchObject({
      picoUsd: 2_000_000n,
      source: `${SOURCE} as gpt-4.1`,
    })
    expect(price('openai', 'gpt-99-2027-01-31')).toBe('unknown_model')
  })

  it('are not lent to a model of the same name at a provider that the library does not know', () => {
    expect(price('our-own-cluster', 'gpt-4o')).toBe('unknown_model')
    expect(price('openai', '')).toBe('unknown_model')
    expect(price('openai', 'x'.repeat(100_000))).toBe('unknown_model')
  })

  it('take twice the input for an hour in the cache, where the list has the five-minute price alone', () => {
    expect(libraryRates('google', 'claude-sonnet-4-5', NOW)?.bands[0]?.rates).toMatchObject({
      uncachedInput: 3_000_000,
      cacheWrite5m: 3_750_000,
      cacheWrite1h: 6_000_000,
    })
  })

  it('leave a call unpriced, rather than too cheap, when a bucket that it used has no rate', () => {
    expect(price('openai', 'gpt-4o-audio-preview', aUsage({ audioInputTokens: 1 }))).toBe('missing_rate')
    expect(price('openai', 'gpt-4o', aUsage({ cacheWrite5mTokens: 1 }))).toBe('missing_rate')
    expect(price('perplexity', 'sonar')).toBe('missing_rate') // a fee per request that tokens do not show
  })

  it('are for the normal tier: another one is unpriced, unless the provider charges the same for it', () => {
    for (const serviceTier of ['default', 'standard', 'auto', 'Default']) {
      expect(price('openai', 'gpt-4o', aUsage({ uncachedInputTokens: 1, serviceTier }))).toBe(2_500_000n)
    }
    for (const serviceTier of ['flex', 'priority', 'batch', 'fast', 'scale', 'something-new']) {
      expect(price('openai', 'gpt-4o', aUsage({ uncachedInputTokens: 1, serviceTier }))).toBe('service_tier')
    }
    expect(price('groq', 'llama-3.3-70b-versatile', aUsage({ uncachedInputTokens: 1, serviceTier: 'flex' }))).toBe(
      590_000n,
    )
  })

  it('bear Anthropic’s surcharge for inference in the United States on tokens, not on searches', () => {
    const usage = aUsage({ uncachedInputTokens: 1, webSearchRequests: 1, serviceTier: 'standard/us' })
    expect(price('anthropic', 'claude-opus-4-6', usage)).toBe(5_500_000n + 10_000_000_000n)
    expect(price('anthropic', 'claude-opus-4-6', { ...usage, serviceTier: 'fast/us' })).toBe('service_tier')
  })

  it('are never zero for want of usage', () => {
    expect(library.price({ provider: 'openai', model: 'gpt-4o', usage: undefined, at: NOW })).toEqual({
      kind: 'unpriced',
      why: 'no_usage',
    })
  })
})

describe('a call that several models answered', () => {
  const parts = [
    { model: 'claude-sonnet-4-6', usage: aUsage({ uncachedInputTokens: 10 }) },
    { model: 'claude-opus-4-7', usage: aUsage({ textOutputTokens: 10 }) },
  ]
  const usage = aUsage({ uncachedInputTokens: 10, textOutputTokens: 10, webSearchRequests: 1, parts })

  it('costs each part at the rates of its model, with the searches, and keeps the rates of both', () => {
    const cost = library.price({ provider: 'anthropic', model: 'claude-sonnet-4-6', usage, at: NOW })
    expect(cost).toMatchObject({
      picoUsd: 10n * 3_000_000n + 10n * 25_000_000n + 10_000_000_000n,
      rates: { textOutput: 15_000_000 },
      partRates: [
        { model: 'claude-sonnet-4-6', rates: { uncachedInput: 3_000_000 } },
        { model: 'claude-opus-4-7', rates: { textOutput: 25_000_000 } },
      ],
    })
  })

  it('is unpriced when one of them has no price', () => {
    const withStranger = { ...usage, parts: [...parts, { model: 'claude-nobody', usage: ONE_IN }] }
    expect(price('anthropic', 'claude-sonnet-4-6', withStranger)).toBe('unknown_model')
  })
})

describe('the operator’s own prices', () => {
  const rates = (uncachedInput: number): Rates => ratesOf({ uncachedInput })
  const providers = new Map([
    ['eu', { pricedAs: 'openai' }],
    ['local', { pricedAs: 'local' }],
  ])

  it('come before the library, first match first, by provider and by * in the model', () => {
    const book = createPriceBook({
      providers,
      prices: [
        { provider: 'eu', model: 'gpt-4o', rates: rates(7) },
        { provider: '*', model: 'llama-*-instruct', rates: rates(8) },
        { provider: 'local', model: '*', rates: rates(9) },
      ],
    })
    const priced = (provider: string, model: string): unknown => {
      const cost = book.price({ provider, model, usage: ONE_IN, at: NOW })
      return cost.kind === 'priced' ? [cost.picoUsd, cost.source] : cost.why
    }
    expect(priced('eu', 'gpt-4o')).toEqual([7n, 'config'])
    expect(priced('eu', 'gpt-4o-mini')).toEqual([150_000n, SOURCE])
    expect(priced('local', 'Llama-3.3-70B-Instruct')).toEqual([8n, 'config'])
    expect(priced('local', 'llama.cpp')).toEqual([9n, 'config'])
    expect(priced('openai', 'gpt-4o')).toEqual([2_500_000n, SOURCE])
  })

  it('can price a tier by name, and do not price another tier unasked', () => {
    const book = createPriceBook({
      providers,
      prices: [
        { provider: 'eu', model: 'gpt-*', serviceTier: 'flex', rates: rates(3) },
        { provider: 'eu', model: 'gpt-*', rates: rates(6) },
        { provider: 'local', model: '*', serviceTier: '*', rates: rates(1) },
      ],
    })
    const priced = (provider: string, serviceTier: string | undefined): unknown => {
      const cost = book.price({ provider, model: 'gpt-5', usage: { ...ONE_IN, serviceTier }, at: NOW })
      return cost.kind === 'priced' ? cost.picoUsd : cost.why
    }
    expect([priced('eu', 'flex'), priced('eu', undefined), priced('eu', 'default'), priced('eu', 'priority')]).toEqual([
      3n,
      6n,
      6n,
      'service_tier',
    ])
    expect([priced('local', 'turbo'), priced('local', undefined)]).toEqual([1n, 1n])
  })

  it('leave unpriced what they are silent on, and are never rounded into the sum', () => {
    const prices = [{ provider: '*', model: 'm', rates: ratesOf({ uncachedInput: 0.6, textOutput: Number.NaN }) }]
    const book = createPriceBook({ providers, prices })
    const priced = (usage: Usage): unknown => book.price({ provider: 'local', model: 'm', usage, at: NOW })
    expect(priced(ONE_IN)).toMatchObject({ picoUsd: 1n, rates: { uncachedInput: 1 } })
    expect(priced(aUsage({ textOutputTokens: 1 }))).toEqual({ kind: 'unpriced', why: 'missing_rate' })
    expect(priced(aUsage({ cacheReadTokens: 1 }))).toEqual({ kind: 'unpriced', why: 'missing_rate' })
  })

  it('take effect with the next call once the policy is replaced', () => {
    const book = createPriceBook({ providers, prices: [] })
    const priced = (): unknown => book.price({ provider: 'eu', model: 'gpt-4o', usage: ONE_IN, at: NOW })
    expect(priced()).toMatchObject({ picoUsd: 2_500_000n, source: SOURCE })
    book.setPolicy({ providers, prices: [{ provider: 'eu', model: 'gpt-4o', rates: rates(1) }] })
    expect(priced()).toMatchObject({ picoUsd: 1n, source: 'config' })
    book.setPolicy({ providers: new Map([['eu', { pricedAs: 'nobody' }]]), prices: [] })
    expect(priced()).toMatchObject({ why: 'unknown_model' })
  })
})

describe('a cost', () => {
  it('is exact at any size', () => {
    const usage = aUsage({ uncachedInputTokens: 999_999_999, textOutputTokens: 999_999_999, webSearchRequests: 1 })
    const rates = ratesOf({ uncachedInput: 600_000_001, textOutput: 600_000_003, webSearch: 1 })
    expect(costOf(usage, rates)).toBe(999_999_999n * 600_000_001n + 999_999_999n * 600_000_003n + 1n)
  })
})

/** Our buckets in the library's nested counts. */
function libraryUsage(usage: Usage): Record<string, number> {
  const written = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
  return {
    input_tokens: inputTokens(usage),
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: written,
    cache_write_1h_tokens: usage.cacheWrite1hTokens,
    input_audio_tokens: usage.audioInputTokens,
    // No token is in two of our buckets; the library wants to be told.
    cache_audio_read_tokens: 0,
    cache_audio_write_tokens: 0,
    output_audio_reasoning_tokens: 0,
    output_tokens: outputTokens(usage),
    output_reasoning_tokens: usage.reasoningTokens,
    output_audio_tokens: usage.audioOutputTokens,
    web_searches: usage.webSearchRequests,
  }
}
