import type { Attempt, AttemptRole, Exchange } from './exchange.ts'
import type { PicoUsd } from './units.ts'
import { addUsage, type UsageCounts } from './usage.ts'

/** What a request came to for its client, over all upstream calls made for it. Undefined = unknown, never zero. */
export type ExchangeTotals = {
  /** Calls made for the client: see `isForClient`. */
  readonly attempts: number
  /** The one that answered, or the last that tried. */
  readonly last: Attempt | undefined
  /** Arrival of the request to the first content of `last`: what the client waited. */
  readonly firstTokenMs: number | undefined
  /** Over the attempts that told; undefined when none did. */
  readonly usage: UsageCounts | undefined
  readonly usageIsPartial: boolean
  /**
   * Sum of the priced attempts. Undefined when an attempt that answered has no price, because a sum without it would
   * read as a cheap request, and when none has one. Attempts that only may have run are counted in `unpricedAttempts`.
   */
  readonly picoUsd: PicoUsd | undefined
  /** Attempts that may have been billed and whose cost is unknown. */
  readonly unpricedAttempts: number
}

/**
 * The one truth about a request's calls, tokens, cost and time to first token, for its row, its log line and the
 * metrics. Each of them calls it: three times 0.2 µs cost no more than remembering it in a WeakMap (0.5 µs).
 */
export function totalsOf(exchange: Exchange): ExchangeTotals {
  let attempts = 0
  let last: Attempt | undefined
  let usage: UsageCounts | undefined
  let usageIsPartial = false
  let picoUsd: PicoUsd | undefined
  let isCostUnknown = false
  let unpricedAttempts = 0
  for (const attempt of exchange.attempts) {
    if (!isForClient(attempt.role)) continue
    attempts += 1
    last = attempt
    usage = addUsage(usage, attempt.usage)
    if (attempt.usage?.isPartial === true) usageIsPartial = true
    if (attempt.cost.kind === 'priced') {
      picoUsd = picoUsd === undefined ? attempt.cost.picoUsd : picoUsd + attempt.cost.picoUsd
    } else if (attempt.cost.kind === 'unpriced') {
      if (hasAnswered(attempt)) isCostUnknown = true
      if (mayBeBilled(attempt)) unpricedAttempts += 1
    }
  }
  const firstTokenMs =
    last?.firstTokenMs === undefined ? undefined : Math.max(0, last.startedAt - exchange.receivedAt) + last.firstTokenMs
  return {
    attempts,
    last,
    firstTokenMs,
    usage,
    usageIsPartial,
    picoUsd: isCostUnknown ? undefined : picoUsd,
    unpricedAttempts,
  }
}

/** Whether a call was made to answer the client. What the others cost is ours and must not look like the client's. */
export function isForClient(role: AttemptRole): boolean {
  switch (role) {
    case 'primary':
    case 'fallback':
    case 'cascade':
      return true
    case 'shadow':
    case 'judge':
    case 'classifier':
      return false
  }
}

/** Whether the provider may bill a call: it answered, or may have done the work without an answer reaching us. */
export function mayBeBilled(attempt: Attempt): boolean {
  const { outcome } = attempt
  if (outcome.kind === 'unavailable') return outcome.mayHaveRun
  // Cancelled without a status: whether the request had left is not known, so it may have run.
  return hasAnswered(attempt) || (outcome.kind === 'cancelled' && outcome.status === undefined)
}

/** Whether some of an answer came; an error answer, whole or cut, is none and costs nothing. */
function hasAnswered({ outcome }: Attempt): boolean {
  switch (outcome.kind) {
    case 'completed':
    case 'interrupted':
      return outcome.status < 400
    case 'cancelled':
      return outcome.status !== undefined && outcome.status < 400
    case 'refused':
    case 'unavailable':
      return false
  }
}
