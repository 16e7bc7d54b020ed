import type { AttemptOutcome } from '../domain/exchange.ts'
import type { Observer } from '../domain/ports.ts'
import type { Trip } from '../domain/rollout/rollout-view.ts'
import { type BreakerWindow, NO_CALLS, noteCall, tripOf } from '../domain/rollout/local-breaker.ts'

type Watched = { readonly epoch: number; readonly window: BreakerWindow }

/** Of the client's own making, or nothing that the candidate can be blamed for. */
const UNCLEAR_STATUSES: ReadonlySet<number> = new Set([400, 405, 406, 409, 413, 415, 422])
const OWN_ERRORS: ReadonlySet<string> = new Set(['overloaded', 'shutting_down', 'internal'])

/** Counts the candidates' calls of each live rollout, and tells of those that trip; once, until they do so again. */
export function watchBreakers(onTrip: (trip: Trip) => void): Observer {
  const watched = new Map<string, Watched>()
  return ({ decision, attempts }) => {
    const { rollout: mark } = decision
    if (mark === undefined || decision.arm !== 'candidate' || mark.stage === 'succeeded') return
    const [call] = attempts
    // Where the candidate was passed over, nothing was learned of it.
    if (call === undefined || !('targets' in decision) || decision.targets[0].key !== mark.target) return
    const hasFailed = failed(call.outcome)
    if (hasFailed === undefined) return
    const { name, epoch } = mark
    const before = watched.get(name)
    const window = noteCall(before?.epoch === epoch ? before.window : NO_CALLS, hasFailed)
    const why = tripOf(window)
    watched.set(name, { epoch, window: why === undefined ? window : NO_CALLS })
    if (why !== undefined) onTrip({ rollout: name, epoch, why })
  }
}

/** Undefined where the call says nothing of the candidate. */
function failed(outcome: AttemptOutcome): boolean | undefined {
  switch (outcome.kind) {
    case 'completed':
      return false
    case 'interrupted':
      return true
    case 'unavailable':
      return OWN_ERRORS.has(outcome.error) ? undefined : true
    case 'refused':
      return UNCLEAR_STATUSES.has(outcome.status) ? undefined : true
    case 'cancelled':
      return undefined
  }
}
