import type { Attempt, Exchange } from '../domain/exchange.ts'
import type { PicoUsd } from '../domain/units.ts'
import { addUsage, type UsageCounts } from './usage-fields.ts'

/** What a trace says about all the upstream calls made for its client. */
export type TraceTotals = {
  /** Calls made for the client. Shadow and judge calls are not: their cost is ours and must not look like the client's. */
  readonly attempts: number
  /** The one that answered, or the last that tried. */
  readonly last: Attempt | undefined
  /** Arrival of the request to the first content of `last`. */
  readonly firstTokenMs: number | undefined
  /** Over the attempts that told; undefined when none did. */
  readonly usage: UsageCounts | undefined
  readonly usageIsPartial: boolean
  /** Sum of the priced attempts; undefined when an attempt that answered has no price, or none has one. */
  readonly picoUsd: PicoUsd | undefined
  /** Attempts that may have been billed and whose cost is unknown. */
  readonly unpricedAttempts: number
}

export function totalsOf(exchange: Exchange): TraceTotals {
  let attempts = 0
  let last: Attempt | undefined
  let usage: UsageCounts | undefined
  let usageIsPartial = false
  let picoUsd: PicoUsd | undefined
  let isCostUnknown = false
  let unpricedAttempts = 0
  for (const attempt of exchange.attempts) {
    if (attempt.role === 'shadow' || attempt.role === 'judge') continue
    attempts += 1
    last = attempt
    usage = addUsage(usage, attempt.usage)
    if (attempt.usage?.isPartial === true) usageIsPartial = true
    if (attempt.cost.kind === 'priced') {
      picoUsd = picoUsd === undefined ? attempt.cost.picoUsd : picoUsd + attempt.cost.picoUsd
    } else {
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

/** Whether some of an answer came; an error answer (`refused`) is none and costs nothing. */
function hasAnswered({ outcome }: Attempt): boolean {
  switch (outcome.kind) {
    case 'completed':
    case 'interrupted':
      return true
    case 'cancelled':
      return outcome.status !== undefined
    case 'refused':
    case 'unavailable':
      return false
  }
}

function mayBeBilled(attempt: Attempt): boolean {
  const { outcome } = attempt
  // Cancelled without a status: whether the request had left is not known, so it may have run.
  return hasAnswered(attempt) || outcome.kind === 'cancelled' || (outcome.kind === 'unavailable' && outcome.mayHaveRun)
}
