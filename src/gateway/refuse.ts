import type { Decision, Refusal } from '../domain/decide.ts'
import type { ErrorCode } from '../domain/errors.ts'
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
  const targets = refusal.rejected.map(({ target, why }) => `${target} (${why})`).join(', ')
  turnAway(turn, request, refusal, inputs, refusal.refused, stages, `Route ${refusal.route}: ${targets}.`)
}

/** Answers a decided request with `error` instead of calling anybody, after it is recorded. */
export function turnAway(
  turn: Turn,
  request: LlmRequest,
  decision: Decision | Refusal,
  inputs: DecisionInputs | undefined,
  error: ErrorCode,
  stages: Stages,
  hint?: string,
): void {
  const durationMs = stages.world.monotonic() - turn.arrival.monotonicMs
  const exchange = rejectedExchange(request, decision, turn.arrival.at, durationMs, error)
  const own = ['x-understudy-trace-id', turn.id, 'x-understudy-route', decision.route]
  turn.record.make({ ...exchange, inputs }, () => turn.client.tell(request.dialect, error, turn.id, own, hint))
}
