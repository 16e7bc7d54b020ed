import { unread } from '../dialects/read-body.ts'
import { decide } from '../domain/decide.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { Provider } from '../domain/policy.ts'
import type { Recognised } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import { attemptOf, exchangeOf } from './exchange-of.ts'
import type { PriceAttempt } from './exchange-of.ts'
import { ownHeaders } from './own-headers.ts'
import { ownTraceparent } from './own-traceparent.ts'
import { NO_ANSWER } from './capture.ts'
import { readRequest } from './read-request.ts'
import { toldStatus } from './cut-outcome.ts'
import type { Relayed } from './relayed.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

export type Conclusion = {
  readonly outcome: AttemptOutcome
  readonly requestBytes: number
  readonly release: () => void
}

/** Collects what one relayed request shows and turns it into its record, once. */
export function createPassage(
  turn: Turn,
  recognised: Recognised,
  provider: Provider,
  stages: Stages,
  price: PriceAttempt,
) {
  const { world } = stages
  const attemptId = world.newId()
  const bare = readRequest(turn.id, turn.inbound, recognised, unread(undefined), 0)
  const decision = decide(bare, turn.state)
  let startedAt: MonotonicMs | undefined
  let queuedMs = 0
  let headAt: MonotonicMs | undefined
  let status: number | undefined
  let responseBytes = 0
  return {
    request: bare,
    /** The status of the answer that has begun. */
    told: (): number | undefined => status,
    traceparent: ownTraceparent(bare, attemptId, provider, stages),
    started: (queueMs: number): void => {
      startedAt = world.monotonic()
      queuedMs = queueMs
    },
    hasStarted: (): boolean => startedAt !== undefined,
    head: (code: number): void => {
      headAt ??= world.monotonic()
      status = code
    },
    bytes: (count: number): void => {
      responseBytes += count
    },
    ownHeaders: (): string[] =>
      ownHeaders(
        turn.id,
        decision,
        (startedAt ?? world.monotonic()) - turn.arrival.monotonicMs - queuedMs,
        bare.controls.task,
      ),
    conclude: ({ outcome, requestBytes, release }: Conclusion): void => {
      if (turn.record.isMade()) return
      const relayed: Relayed = {
        outcome,
        startedAt,
        queueMs: queuedMs,
        headAt,
        tokenAt: undefined,
        endedAt: world.monotonic(),
        answer: NO_ANSWER,
        headers: [],
        providerRequestId: undefined,
        responseBytes,
        streamEvents: undefined,
        clientStatus: status ?? toldStatus(outcome),
      }
      const [target] = decision.targets
      const attempts =
        startedAt === undefined ? [] : [attemptOf(attemptId, target, provider, relayed, turn.arrival, price)]
      const marks = { bodyAt: turn.arrival.monotonicMs, now: world.monotonic() }
      const exchange = exchangeOf(
        { ...bare, requestBytes },
        decision,
        undefined,
        turn.arrival,
        marks,
        attempts,
        relayed,
      )
      turn.record.make(exchange, release)
    },
  }
}

/** How an unread answer of this status ended that came whole. */
export function outcomeFor(status: number): AttemptOutcome {
  return status >= 400
    ? { kind: 'refused', status, error: 'upstream_error', errorType: undefined }
    : { kind: 'completed', status }
}
