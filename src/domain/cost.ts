import type { PicoUsd } from './units.ts'

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

/** What one upstream call cost, and by which rates. */
export type Cost =
  | {
      readonly kind: 'priced'
      readonly picoUsd: PicoUsd
      readonly rates: Rates
      /** `config` (the operator's own price) or `genai-prices@<version>`. */
      readonly source: string
    }
  | { readonly kind: 'unpriced'; readonly why: 'no_usage' | 'unknown_model' | 'missing_rate' }
