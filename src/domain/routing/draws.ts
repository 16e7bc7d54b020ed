import { unitShare } from '../assign.ts'
import type { RequestId, Unit } from '../units.ts'

/** What a draw decides. Draws of one request for different purposes know nothing of each other. */
export type DrawPurpose = 'arm' | 'order' | 'shadow' | 'judge' | 'jitter'

/** The draw of a request for `purpose`, in [0, 1): the same id draws the same again, so a stored trace can be replayed. */
export function drawFor(id: RequestId, purpose: DrawPurpose): Unit {
  return unitShare(purpose, id)
}
