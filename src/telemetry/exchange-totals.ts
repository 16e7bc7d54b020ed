import type { Attempt, Exchange } from '../domain/exchange.ts'
import { inputTokens, outputTokens } from '../domain/usage.ts'

/** What one exchange used and cost over all its attempts; undefined = unknown, never zero. */
export type ExchangeTotals = {
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly cacheReadTokens: number | undefined
  readonly costUsd: number | undefined
}

/**
 * Sums tokens and cost. One attempt that the provider may bill and that has no price makes the whole cost unknown:
 * a sum without it would read as a cheap request.
 */
export function exchangeTotals(exchange: Exchange): ExchangeTotals {
  let input: number | undefined
  let output: number | undefined
  let cacheRead: number | undefined
  let picoUsd: number | undefined
  let isCostKnown = true
  for (const { outcome, usage, cost } of exchange.attempts) {
    if (usage !== undefined) {
      input = (input ?? 0) + inputTokens(usage)
      output = (output ?? 0) + outputTokens(usage)
      cacheRead = (cacheRead ?? 0) + usage.cacheReadTokens
    }
    // Exact up to 2^53 pico-dollars, nine thousand dollars for one request.
    if (cost.kind === 'priced') picoUsd = (picoUsd ?? 0) + Number(cost.picoUsd)
    else if (isBillable(outcome)) isCostKnown = false
  }
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadTokens: cacheRead,
    costUsd: isCostKnown && picoUsd !== undefined ? picoUsd / 1e12 : undefined,
  }
}

/** Whether the provider may bill a call that ended so: it answered, at least in part, with something else than an error. */
export function isBillable(outcome: Attempt['outcome']): boolean {
  switch (outcome.kind) {
    case 'completed':
    case 'interrupted':
      return outcome.status < 400
    case 'cancelled':
      return outcome.status !== undefined && outcome.status < 400
    case 'refused':
      return false
    case 'unavailable':
      return outcome.mayHaveRun
  }
}
