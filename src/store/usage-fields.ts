import type { Rates } from '../domain/cost.ts'
import type { Usage, UsagePart } from '../domain/usage.ts'
import { countField, LIST_ENTRIES, quoted } from './row-fields.ts'

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

/** The nine disjoint counts of a call. */
export type UsageCounts = Pick<Usage, (typeof BUCKETS)[number][0]>

/** Known usage has all nine fields, zeros included: a zero is a fact, a missing field is NULL. */
export function usageFields(usage: UsageCounts | undefined): string {
  if (usage === undefined) return ''
  // Written out: this runs for every row, and a loop over names costs three times as much.
  return (
    countField('uncached_input_tokens', usage.uncachedInputTokens) +
    countField('cache_read_tokens', usage.cacheReadTokens) +
    countField('cache_write_5m_tokens', usage.cacheWrite5mTokens) +
    countField('cache_write_1h_tokens', usage.cacheWrite1hTokens) +
    countField('audio_input_tokens', usage.audioInputTokens) +
    countField('text_output_tokens', usage.textOutputTokens) +
    countField('reasoning_tokens', usage.reasoningTokens) +
    countField('audio_output_tokens', usage.audioOutputTokens) +
    countField('web_search_requests', usage.webSearchRequests)
  )
}

/** Bucket by bucket; undefined only when both are. */
export function addUsage(sum: UsageCounts | undefined, usage: UsageCounts | undefined): UsageCounts | undefined {
  if (sum === undefined || usage === undefined) return sum ?? usage
  return {
    uncachedInputTokens: sum.uncachedInputTokens + usage.uncachedInputTokens,
    cacheReadTokens: sum.cacheReadTokens + usage.cacheReadTokens,
    cacheWrite5mTokens: sum.cacheWrite5mTokens + usage.cacheWrite5mTokens,
    cacheWrite1hTokens: sum.cacheWrite1hTokens + usage.cacheWrite1hTokens,
    audioInputTokens: sum.audioInputTokens + usage.audioInputTokens,
    textOutputTokens: sum.textOutputTokens + usage.textOutputTokens,
    reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
    audioOutputTokens: sum.audioOutputTokens + usage.audioOutputTokens,
    webSearchRequests: sum.webSearchRequests + usage.webSearchRequests,
  }
}

/** Shares of single models, zero buckets left out. */
export function usagePartsField(parts: readonly UsagePart[]): string {
  if (parts.length === 0) return ''
  const items = parts.slice(0, LIST_ENTRIES).map((part) => {
    const counts = BUCKETS.map(([bucket, column]) =>
      part.usage[bucket] === 0 ? '' : countField(column, part.usage[bucket]),
    )
    return `{"model":${quoted(part.model)},"tokens":{${counts.join('').slice(1)}}}`
  })
  return `,"usage_parts":[${items.join(',')}]`
}

// The price book hands out the same object for the same price, so most rows find theirs here.
const ratesCache = new WeakMap<Rates, string>()

/** The known rates in pico-dollars per token, by usage column. */
export function ratesField(rates: Rates): string {
  const known = ratesCache.get(rates)
  if (known !== undefined) return known
  const entries = BUCKETS.map(([, column, rate]) => countField(column, rates[rate])).join('')
  const field = entries === '' ? '' : `,"rates_pico_usd":{${entries.slice(1)}}`
  ratesCache.set(rates, field)
  return field
}
