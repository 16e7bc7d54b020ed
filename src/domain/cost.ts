import type { PicoUsd } from './units.ts'
import type { Usage } from './usage.ts'

/**
 * Rates in pico-dollars per token (10⁻¹² USD; 1 USD per million tokens = 1 000 000) and per web search.
 * Whole numbers, so that a cost is an exact sum. Undefined = no price is known for that bucket: a call
 * that used the bucket is unpriced.
 */
export type Rates = {
  readonly uncachedInput: number | undefined
  readonly cacheRead: number | undefined
  readonly cacheWrite5m: number | undefined
  readonly cacheWrite1h: number | undefined
  readonly audioInput: number | undefined
  readonly textOutput: number | undefined
  readonly reasoning: number | undefined
  readonly audioOutput: number | undefined
  readonly webSearch: number | undefined
}

/** No price at all is known. */
export const NO_RATES: Rates = {
  uncachedInput: undefined,
  cacheRead: undefined,
  cacheWrite5m: undefined,
  cacheWrite1h: undefined,
  audioInput: undefined,
  textOutput: undefined,
  reasoning: undefined,
  audioOutput: undefined,
  webSearch: undefined,
}

/** What one upstream call cost, and by which rates. */
export type Cost =
  | {
      readonly kind: 'priced'
      readonly picoUsd: PicoUsd
      /** Those of the model that the answer names. */
      readonly rates: Rates
      /** Where the call was split over several models: the rates of each, in the order of `usage.parts`. */
      readonly partRates?: readonly { readonly model: string; readonly rates: Rates }[]
      /**
       * `config` (the operator's own price), `provider` (what the answer says was charged; by rates unknown) or
       * `genai-prices@<version>`, followed by ` as <model>` where the model is a
       * snapshot that the library does not list and its family's price was taken.
       */
      readonly source: string
    }
  /** `service_tier`: the provider served a tier whose price differs (flex, priority …), and none is known for it. */
  | { readonly kind: 'unpriced'; readonly why: 'no_usage' | 'unknown_model' | 'missing_rate' | 'service_tier' }
  /** No model was asked for anything (a list, an upload, a deletion): neither priced nor lacking a price. */
  | { readonly kind: 'not_billed' }

/** What a call to a model cost, as far as a price is known. */
export type CallCost = Exclude<Cost, { kind: 'not_billed' }>

/**
 * What `usage` costs at `rates`, exactly, its parts left aside; undefined when a bucket that was used has no rate.
 * Throws RangeError on rates that are not whole.
 */
export function costOf(usage: Usage, rates: Rates): PicoUsd | undefined {
  return withSearches(withTokens(0n, usage, rates), usage, rates)
}

/** As `costOf` for a call that several models answered: each part at its own rates, searches at the whole's. */
export function costOfParts(
  usage: Usage,
  rates: Rates,
  parts: readonly { readonly usage: Usage; readonly rates: Rates }[],
): PicoUsd | undefined {
  let sum: PicoUsd | undefined = 0n
  for (const part of parts) sum = withTokens(sum, part.usage, part.rates)
  return withSearches(sum, usage, rates)
}

// Bucket by bucket and without a list of them, since every request is priced: half the time and 2 KB less.

function withTokens(before: PicoUsd | undefined, usage: Usage, rates: Rates): PicoUsd | undefined {
  let sum = plus(before, usage.uncachedInputTokens, rates.uncachedInput)
  sum = plus(sum, usage.cacheReadTokens, rates.cacheRead)
  sum = plus(sum, usage.cacheWrite5mTokens, rates.cacheWrite5m)
  sum = plus(sum, usage.cacheWrite1hTokens, rates.cacheWrite1h)
  sum = plus(sum, usage.audioInputTokens, rates.audioInput)
  sum = plus(sum, usage.textOutputTokens, rates.textOutput)
  sum = plus(sum, usage.reasoningTokens, rates.reasoning)
  return plus(sum, usage.audioOutputTokens, rates.audioOutput)
}

function withSearches(before: PicoUsd | undefined, usage: Usage, rates: Rates): PicoUsd | undefined {
  return plus(before, usage.webSearchRequests, rates.webSearch)
}

/** `amount` units of one bucket more; undefined when they have no rate, or something before had none. */
function plus(sum: PicoUsd | undefined, amount: number, rate: number | undefined): PicoUsd | undefined {
  if (sum === undefined || amount === 0) return sum
  return rate === undefined ? undefined : sum + BigInt(amount) * BigInt(rate)
}
