import type { Usage, UsagePart } from '../domain/usage.ts'
import { type AnthropicCounts, countsOf } from './anthropic-counts.ts'
import { countOf, type JsonRecord, nameOf } from './json-value.ts'

/** What the counts themselves do not say. */
export type AnthropicContext = {
  /** The model that the message names: that of every iteration which names none. */
  readonly model: string | undefined
  readonly serviceTier: string | undefined
  readonly isPartial: boolean
  /** A classifier declined before any output: nothing is billed (see `blocked`). */
  readonly isBlocked: boolean
  /** `usage.iterations` of the last usage object that had them, with that object's own counts. */
  readonly iterations: { readonly entries: readonly JsonRecord[]; readonly top: AnthropicCounts } | undefined
}

/**
 * Turns Anthropic counts into disjoint buckets. `input_tokens` leaves out what was read from or written to the cache;
 * `output_tokens` holds the thinking. Undefined when neither is stated.
 *
 * With iterations the buckets are the sum of what is billed in them, and `parts` says whose: a compaction's and an
 * advisor's tokens are in no top-level count, and a fallback's top-level counts are those of the last attempt alone
 * (@anthropic-ai/sdk, BetaUsage.iterations).
 */
export function anthropicUsage(counts: AnthropicCounts, context: AnthropicContext): Usage | undefined {
  const stated = context.iterations?.top ?? counts
  if (stated.input === undefined && stated.output === undefined) return undefined
  const parts = context.iterations === undefined ? [] : partsOf(context.iterations.entries, stated, context)
  const buckets = context.isBlocked ? NOTHING : parts.length > 0 ? summed(parts) : bucketsOf(counts)
  return {
    ...withThinking(buckets, counts.thinking ?? 0),
    providerInputTokens: stated.input,
    providerOutputTokens: stated.output,
    webSearchRequests: counts.webSearches ?? 0,
    serviceTier: context.serviceTier,
    parts: context.isBlocked ? [] : parts,
    isPartial: context.isPartial || stated.input === undefined || stated.output === undefined,
  }
}

type Buckets = Pick<
  Usage,
  'uncachedInputTokens' | 'cacheReadTokens' | 'cacheWrite5mTokens' | 'cacheWrite1hTokens' | 'textOutputTokens'
>

const NOTHING: Buckets = {
  uncachedInputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  textOutputTokens: 0,
}

/** Cache writes whose lifetime is not stated are of the default one, 5 minutes. */
function bucketsOf(counts: AnthropicCounts): Buckets {
  const written = counts.cacheWrite ?? (counts.cacheWrite5m ?? 0) + (counts.cacheWrite1h ?? 0)
  const cacheWrite1hTokens = Math.min(counts.cacheWrite1h ?? 0, written)
  return {
    uncachedInputTokens: counts.input ?? 0,
    cacheReadTokens: counts.cacheRead ?? 0,
    cacheWrite5mTokens: written - cacheWrite1hTokens,
    cacheWrite1hTokens,
    textOutputTokens: counts.output ?? 0,
  }
}

function withThinking(buckets: Buckets, thinking: number): Omit<Usage, keyof UsageRest> {
  const reasoningTokens = Math.min(thinking, buckets.textOutputTokens)
  return {
    ...buckets,
    audioInputTokens: 0,
    textOutputTokens: buckets.textOutputTokens - reasoningTokens,
    reasoningTokens,
    audioOutputTokens: 0,
  }
}

type UsageRest = Pick<
  Usage,
  'providerInputTokens' | 'providerOutputTokens' | 'webSearchRequests' | 'serviceTier' | 'parts' | 'isPartial'
>

/** One part per billed iteration, and one more for what the top level has beyond them. */
function partsOf(
  entries: readonly JsonRecord[],
  top: AnthropicCounts,
  context: AnthropicContext,
): readonly UsagePart[] {
  const billed = entries.filter((entry, index) => !isBlocked(entry, entries.slice(index + 1)))
  if (billed.length === 0) return []
  const parts = billed.map((entry) => partOf(nameOf(entry['model']), bucketsOf(countsOf(entry)), context))
  const inTop = parts.filter((_, index) => !BILLED_APART.has(String(billed[index]?.['type'])))
  const rest = minus(bucketsOf(top), summed(inTop))
  return Object.values(rest).some((tokens) => tokens > 0) ? [...parts, partOf(undefined, rest, context)] : parts
}

/** Iterations whose tokens are in no top-level count. */
const BILLED_APART: ReadonlySet<string> = new Set(['compaction', 'advisor_message'])

/**
 * Whether a classifier declined this attempt before any output, and a fallback model took over: "Input tokens are not
 * billed on a direct classifier block" (github.com/anthropics/claude-cookbooks, fable_5_fallback_billing, section 4).
 */
function isBlocked(entry: JsonRecord, later: readonly JsonRecord[]): boolean {
  return countOf(entry['output_tokens']) === 0 && later.some((other) => other['type'] === 'fallback_message')
}

function partOf(model: string | undefined, buckets: Buckets, context: AnthropicContext): UsagePart {
  return {
    model: model ?? context.model ?? '',
    usage: {
      ...withThinking(buckets, 0),
      providerInputTokens: undefined,
      providerOutputTokens: undefined,
      webSearchRequests: 0,
      serviceTier: context.serviceTier,
      parts: [],
      isPartial: context.isPartial,
    },
  }
}

function summed(parts: readonly UsagePart[]): Buckets {
  return parts.reduce<Buckets>(
    (sum, { usage }) => ({
      uncachedInputTokens: sum.uncachedInputTokens + usage.uncachedInputTokens,
      cacheReadTokens: sum.cacheReadTokens + usage.cacheReadTokens,
      cacheWrite5mTokens: sum.cacheWrite5mTokens + usage.cacheWrite5mTokens,
      cacheWrite1hTokens: sum.cacheWrite1hTokens + usage.cacheWrite1hTokens,
      textOutputTokens: sum.textOutputTokens + usage.textOutputTokens,
    }),
    NOTHING,
  )
}

function minus(a: Buckets, b: Buckets): Buckets {
  return {
    uncachedInputTokens: Math.max(0, a.uncachedInputTokens - b.uncachedInputTokens),
    cacheReadTokens: Math.max(0, a.cacheReadTokens - b.cacheReadTokens),
    cacheWrite5mTokens: Math.max(0, a.cacheWrite5mTokens - b.cacheWrite5mTokens),
    cacheWrite1hTokens: Math.max(0, a.cacheWrite1hTokens - b.cacheWrite1hTokens),
    textOutputTokens: Math.max(0, a.textOutputTokens - b.textOutputTokens),
  }
}
