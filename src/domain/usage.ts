import type { StatedCost } from './provider-traits.ts'

/**
 * Tokens of one upstream call in disjoint buckets: every token the provider bills is in exactly one of them.
 * Providers disagree on what includes what (OpenAI's `prompt_tokens` holds the cached ones, Anthropic's
 * `input_tokens` does not); the dialects turn both into this shape.
 */
export type Usage = {
  /** Input tokens neither read from nor written to a prompt cache, text and images alike. */
  readonly uncachedInputTokens: number
  readonly cacheReadTokens: number
  /** Written to the provider's short-lived prompt cache: Anthropic 5 minutes, OpenAI 30. */
  readonly cacheWrite5mTokens: number
  /** Written to the provider's long-lived prompt cache: Anthropic 1 hour, OpenAI 12. */
  readonly cacheWrite1hTokens: number
  /** Uncached audio input, apart because it has a price of its own. */
  readonly audioInputTokens: number
  /** Visible output, reasoning and audio not included. */
  readonly textOutputTokens: number
  readonly reasoningTokens: number
  readonly audioOutputTokens: number
  /** The totals as the provider states them, for the invariant and for an auditor; undefined where it states none. */
  readonly providerInputTokens: number | undefined
  readonly providerOutputTokens: number | undefined
  /** Server-side tool calls billed by the piece (web searches). */
  readonly webSearchRequests: number
  /**
   * Tier that the provider says it served (`default`, `flex`, `priority`, `batch`, `standard` …). Anthropic's fast mode
   * is `fast`; `/us` at the end is its surcharge for inference kept in the United States. `/audio`, `/image` or
   * `/video` at the end of a part's tier: tokens of that kind, at their own price.
   */
  readonly serviceTier: string | undefined
  /**
   * The call again, piece by piece, where its pieces have prices of their own: models (Anthropic `usage.iterations`),
   * or kinds of token that no bucket tells apart (Gemini's images and cached audio).
   */
  readonly parts: readonly UsagePart[]
  /** True when the stream was cut before the provider's last word: at least this much was used. */
  readonly isPartial: boolean
  /**
   * What the provider says it charged, in whole pico-dollars, and where it said so. Whether that is to be believed is the
   * provider's trait of the same name.
   */
  readonly statedCost?: { readonly form: StatedCost; readonly picoUsd: number }
}

/** A call known to have used nothing, which is not the same as one whose usage is unknown. */
export const NOTHING_USED: Usage = {
  uncachedInputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  textOutputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  providerInputTokens: undefined,
  providerOutputTokens: undefined,
  webSearchRequests: 0,
  serviceTier: undefined,
  parts: [],
  isPartial: false,
}

/** The nine disjoint counts of a call, or of several. */
export type UsageCounts = Pick<
  Usage,
  | 'uncachedInputTokens'
  | 'cacheReadTokens'
  | 'cacheWrite5mTokens'
  | 'cacheWrite1hTokens'
  | 'audioInputTokens'
  | 'textOutputTokens'
  | 'reasoningTokens'
  | 'audioOutputTokens'
  | 'webSearchRequests'
>

/** One share of a call that is priced in several. */
export type UsagePart = { readonly model: string; readonly usage: Usage }

/** Sum of every input bucket. Equals `providerInputTokens` where the provider counts cached tokens as input. */
export function inputTokens(usage: UsageCounts): number {
  return (
    usage.uncachedInputTokens +
    usage.cacheReadTokens +
    usage.cacheWrite5mTokens +
    usage.cacheWrite1hTokens +
    usage.audioInputTokens
  )
}

/** Sum of every output bucket. */
export function outputTokens(usage: UsageCounts): number {
  return usage.textOutputTokens + usage.reasoningTokens + usage.audioOutputTokens
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
