import type { ErrorCode } from '../domain/errors.ts'
import type { Recognised } from '../domain/request.ts'
import { hintFor } from './fail.ts'
import { recordRejected } from './record-rejected.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

/** Answers with the proxy's own error, after the record is made. */
export function reject(turn: Turn, recognised: Recognised, error: ErrorCode, stages: Stages): void {
  const own = ['x-understudy-trace-id', turn.id]
  const hint = hintFor(error, turn.state.policy.limits)
  recordRejected(turn, recognised, error, stages, 0, () => {
    turn.client.tell(recognised.dialect, error, turn.id, own, hint)
    turn.inbound.resume() // what still comes of an unread body is thrown away until the connection closes
  })
}
