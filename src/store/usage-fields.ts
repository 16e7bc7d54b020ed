import type { Rates } from '../domain/cost.ts'
import type { Usage, UsagePart } from '../domain/usage.ts'
import { countField, type Field, LIST_ENTRIES, textField } from './row-fields.ts'

/** Column of each usage bucket; the tables, the parts of a call and its rates all use these names. */
const BUCKETS = [
  ['uncachedInputTokens', 'uncached_input_tokens', 'uncachedInput'],
  ['cacheReadTokens', 'cache_read_tokens', 'cacheRead'],
  ['cacheWrite5mTokens', 'cache_write_5m_tokens', 'cacheWrite5m'],
  ['cacheWrite1hTokens', 'cache_write_1h_tokens', 'cacheWrite1h'],
  ['audioInputTokens', 'audio_input_tokens', 'audioInput'],
  ['textOutputTokens', 'text_output_tokens', 'textOutput'],
  ['reasoningTokens', 'reasoning_tokens', 'reasoning'],
  ['audioOutputTokens', 'audio_output_tokens', 'audioOutput'],
  ['webSearchRequests', 'web_search_requests', 'webSearch'],
] as const satisfies readonly (readonly [keyof Usage, string, keyof Rates])[]

/** Shares of single models, zero buckets left out. */
export function usagePartsField(parts: readonly UsagePart[] | undefined): readonly Field[] {
  if (parts === undefined || parts.length === 0) return []
  return parts.slice(0, LIST_ENTRIES).map((part) => ({
    model: textField(part.model),
    tokens: known((bucket) => (part.usage[bucket] === 0 ? undefined : part.usage[bucket])),
  }))
}

// The price book hands out the same object for the same price, so most rows find theirs here.
const ratesCache = new WeakMap<Rates, Field>()

const NO_RATES = {}

/** The known rates in pico-dollars per token, by usage column. */
export function ratesField(rates: Rates | undefined): Field {
  if (rates === undefined) return NO_RATES
  const cached = ratesCache.get(rates)
  if (cached !== undefined) return cached
  const field = known((_bucket, rate) => rates[rate])
  ratesCache.set(rates, field)
  return field
}

type Bucket = (typeof BUCKETS)[number]

/** A map from usage column to count, of the buckets that have one. */
function known(countOf: (bucket: Bucket[0], rate: Bucket[2]) => number | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(
    BUCKETS.flatMap(([bucket, column, rate]) => {
      const count = countField(countOf(bucket, rate))
      return count === null ? [] : [[column, count] as const]
    }),
  )
}
