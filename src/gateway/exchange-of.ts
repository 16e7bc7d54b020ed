import type { Decision } from '../domain/decide.ts'
import type { Attempt, AttemptOutcome, Exchange } from '../domain/exchange.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { PricedCall } from '../domain/ports.ts'
import type { Cost } from '../domain/cost.ts'
import type { Provider } from '../domain/policy.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { DecisionInputs } from '../domain/routing/replay.ts'
import type { Target } from '../domain/target.ts'
import type { EpochMs, MonotonicMs, RequestId } from '../domain/units.ts'
import type { Relayed } from './relayed.ts'

/** When the request came, on both clocks. */
export type Arrival = { readonly at: EpochMs; readonly monotonicMs: MonotonicMs }

/** What a call cost; unlike the price book, it may know that the call has no price. */
export type PriceAttempt = (call: PricedCall) => Cost

/** The record of one upstream call. */
export function attemptOf(
  id: RequestId,
  target: Target,
  provider: Provider,
  relayed: Relayed,
  arrival: Arrival,
  price: PriceAttempt,
  adaptations?: readonly string[],
): Attempt {
  const startedAt = relayed.startedAt ?? relayed.endedAt
  const at = arrival.at + (startedAt - arrival.monotonicMs)
  return {
    id,
    role: 'primary',
    target,
    adaptations,
    startedAt: at,
    durationMs: relayed.endedAt - startedAt,
    queueMs: relayed.queueMs,
    firstByteMs: relayed.headAt === undefined ? undefined : relayed.headAt - startedAt,
    firstTokenMs: relayed.tokenAt === undefined ? undefined : relayed.tokenAt - startedAt,
    outcome: relayed.outcome,
    servedModel: relayed.answer.model,
    providerRequestId: relayed.providerRequestId,
    responseId: relayed.answer.responseId,
    finishReason: relayed.answer.finishReason,
    usage: relayed.answer.usage,
    cost: costOf(provider, target, relayed, at, price),
    responseBytes: relayed.responseBytes,
    streamEvents: relayed.streamEvents,
  }
}

/** The record of the whole request. `bodyAt`: when the client's body was complete; `sentAt`: when the upstream was called. */
export function exchangeOf(
  request: LlmRequest,
  decision: Decision,
  inputs: DecisionInputs | undefined,
  arrival: Arrival,
  marks: { readonly bodyAt: MonotonicMs; readonly now: MonotonicMs },
  attempts: readonly Attempt[],
  relayed: Relayed,
): Exchange {
  const isRejected = relayed.startedAt === undefined && relayed.outcome.kind === 'unavailable'
  const before = (relayed.startedAt ?? relayed.endedAt) - marks.bodyAt - relayed.queueMs
  return {
    request,
    receivedAt: arrival.at,
    durationMs: marks.now - arrival.monotonicMs,
    overheadMs: Math.max(0, before + (marks.now - relayed.endedAt)),
    decision,
    inputs,
    attempts,
    status: relayed.clientStatus,
    outcome: isRejected ? 'rejected' : relayed.outcome.kind,
    error: errorOf(relayed.outcome),
    responseBytes: relayed.responseBytes,
  }
}

/** The error code of a call that ended so. */
export function errorOf(outcome: AttemptOutcome): ErrorCode | undefined {
  switch (outcome.kind) {
    case 'completed':
      return undefined
    case 'cancelled':
      return 'client_closed'
    case 'refused':
    case 'unavailable':
    case 'interrupted':
      return outcome.error
  }
}

/** Priced by the model that the provider says it served, else by the one that was asked for. */
function costOf(provider: Provider, target: Target, relayed: Relayed, at: EpochMs, price: PriceAttempt): Cost {
  const { usage, model } = relayed.answer
  const served = price({ provider: provider.name, model: model ?? target.model ?? '', usage, at })
  if (served.kind !== 'unpriced' || served.why !== 'unknown_model' || model === undefined || target.model === undefined)
    return served
  return price({ provider: provider.name, model: target.model, usage, at })
}
