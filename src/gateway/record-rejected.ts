import { unread } from '../dialects/read-body.ts'
import { decide } from '../domain/decide.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Recognised } from '../domain/request.ts'
import { readRequest } from './read-request.ts'
import { rejectedExchange } from './rejected.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

/** Records a request for which no upstream is called; `release` is called when the record is made. */
export function recordRejected(
  turn: Turn,
  recognised: Recognised,
  error: ErrorCode,
  stages: Stages,
  requestBytes = 0,
  release = (): void => undefined,
): void {
  const request = readRequest(turn.id, turn.inbound, recognised, unread(undefined), requestBytes)
  const durationMs = stages.world.monotonic() - turn.arrival.monotonicMs
  const exchange = rejectedExchange(request, decide(request, turn.state), turn.arrival.at, durationMs, error)
  turn.record.make(exchange, release)
}
