import type { Decision } from '../domain/decide.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { DecisionInputs } from '../domain/routing/replay.ts'
import type { FallbackRules } from '../domain/routing/route.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { ActiveCalls } from './active-calls.ts'
import type { AskedBody } from './outbound.ts'
import type { Stages } from './stages.ts'
import type { WebTurn } from './turn.ts'

/** A request that may be put to several targets. */
export type ChainJob = {
  readonly turn: WebTurn
  readonly request: LlmRequest
  readonly decision: Decision
  readonly inputs: DecisionInputs
  readonly rules: FallbackRules
  readonly body: AskedBody
  /** When the client's body was complete. */
  readonly bodyAt: MonotonicMs
  readonly stages: Stages
  readonly active: ActiveCalls
  readonly cutBy: () => ErrorCode | undefined
}
