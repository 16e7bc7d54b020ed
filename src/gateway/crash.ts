import { DEFAULT_ROUTE } from '../domain/decide.ts'
import type { Decision } from '../domain/decide.ts'
import type { LlmRequest } from '../domain/request.ts'
import { rejectedExchange } from './rejected.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

/**
 * Where every request ends in which the proxy itself failed: in the log, on a record with the code `internal`, and at
 * the client as an error in its dialect or, once its answer has begun, as a cut. `told`: the status of that answer. What
 * an upstream did meanwhile is not on the record: it may be what could not be read.
 */
export function crash(turn: Turn, request: LlmRequest, bug: unknown, told: number | undefined, stages: Stages): void {
  stages.log.error('request_failed', { trace_id: turn.id, bug })
  if (turn.record.isMade()) return turn.client.cut()
  const durationMs = stages.world.monotonic() - turn.arrival.monotonicMs
  const rejected = rejectedExchange(request, undecided(turn, request), turn.arrival.at, durationMs, 'internal')
  if (told === undefined) {
    const own = ['x-understudy-trace-id', turn.id]
    turn.record.make(rejected, () => turn.client.tell(request.dialect, 'internal', turn.id, own))
  } else turn.record.make({ ...rejected, status: told, outcome: 'interrupted' }, turn.client.cut)
}

/** Deciding may be what failed, so it is not asked again. */
function undecided({ state }: Turn, { provider, model }: LlmRequest): Decision {
  return {
    route: DEFAULT_ROUTE,
    arm: 'none',
    targets: [{ provider, model }],
    reasons: ['internal_error'],
    policyVersion: state.policyVersion,
  }
}
