import type { AttemptOutcome } from '../exchange.ts'
import type { EndedCall } from './ended-call.ts'

/** What a call tells of the one it was made to. `unclear`: nothing, because the client was at fault, or left. */
export type CallVerdict = 'good' | 'bad' | 'unclear'

/** The parts of a call by which it is judged. */
export type JudgedCall = Pick<EndedCall, 'outcome' | 'fault'>

/**
 * How the target did. Bad are errors of the provider's own, no answer, slow and cut ones, and a lack of capacity; not
 * what the client may mend, and not a limit of the account (429, no credit), which `throttleMs` is about.
 */
export function targetVerdict({ outcome, fault }: JudgedCall): CallVerdict {
  switch (fault?.trigger) {
    case undefined:
    case 'context_window':
    case 'refusal':
    case 'invalid_json':
      return outcome.kind === 'completed' ? 'good' : 'unclear'
    case 'error':
    case 'slow_answer':
    case 'slow_first_token':
      return 'bad'
    case 'rate_limit':
      return isCapacity(outcome) ? 'bad' : 'unclear'
  }
}

/** How the provider's address did: bad where no connection came about, good where anything at all was answered. */
export function connectionVerdict(outcome: AttemptOutcome): CallVerdict {
  switch (outcome.kind) {
    case 'completed':
    case 'refused':
    case 'interrupted':
      return 'good'
    case 'cancelled':
      return outcome.status === undefined ? 'unclear' : 'good'
    case 'unavailable':
      return outcome.error === 'connect_failed' || outcome.error === 'connect_timeout' ? 'bad' : 'unclear'
  }
}

/** A limit without a word about its end: a short wait, twice as long each time. */
const SHORTEST_THROTTLE_MS = 1_000
const LONGEST_THROTTLE_MS = 30_000
/** Whoever is down only guesses when it will be back: error pages say an hour. */
const LONGEST_GUESS_MS = 60_000

/**
 * How long to leave the target alone, because it asks for it (`askedMs`) or is over a limit; undefined where neither is
 * so. `repeats`: limits met before this one since the last good call.
 */
export function throttleMs(
  { outcome, fault }: JudgedCall,
  askedMs: number | undefined,
  repeats: number,
): number | undefined {
  if (askedMs !== undefined) return fault?.trigger === 'rate_limit' ? askedMs : Math.min(LONGEST_GUESS_MS, askedMs)
  // A call that found no free slot here never reached the provider.
  if (fault?.trigger !== 'rate_limit' || isCapacity(outcome) || outcome.kind === 'unavailable') return undefined
  return Math.min(LONGEST_THROTTLE_MS, SHORTEST_THROTTLE_MS * 2 ** repeats)
}

/** Whether a call met a limit of the account whose key it used, and not of the provider. */
export function isAccountLimit({ outcome, fault }: JudgedCall): boolean {
  return fault?.trigger === 'rate_limit' && !isCapacity(outcome)
}

/** Whether a `rate_limit` is the provider's lack of room: a 5xx, Groq's 498, an error inside a stream that had begun. */
function isCapacity(outcome: AttemptOutcome): boolean {
  if (outcome.kind === 'refused') return outcome.status >= 498
  return outcome.kind === 'interrupted' || outcome.kind === 'completed'
}
