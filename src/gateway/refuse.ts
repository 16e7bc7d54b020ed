import type { Refusal } from '../domain/decide.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { DecisionInputs } from '../domain/routing/replay.ts'
import { rejectedExchange } from './rejected.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

/** Answers a request that its route has no target for, after it is recorded with the reasons. */
export function refuse(
  turn: Turn,
  request: LlmRequest,
  refusal: Refusal,
  inputs: DecisionInputs | undefined,
  stages: Stages,
): void {
  const durationMs = stages.world.monotonic() - turn.arrival.monotonicMs
  const exchange = rejectedExchange(request, refusal, turn.arrival.at, durationMs, refusal.refused)
  const own = ['x-understudy-trace-id', turn.id, 'x-understudy-route', refusal.route]
  const targets = refusal.rejected.map(({ target, why }) => `${target} (${why})`).join(', ')
  turn.record.make({ ...exchange, inputs }, () =>
    turn.client.tell(request.dialect, refusal.refused, turn.id, own, `Route ${refusal.route}: ${targets}.`),
  )
}
