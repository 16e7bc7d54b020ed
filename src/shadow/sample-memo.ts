import { isDrawn, sampleDraw } from '../domain/shadow/mirror-plan.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import type { RequestId } from '../domain/units.ts'

/** Sampled requests of a shadow under way that are remembered; beyond, draws are made again. */
const MOST_KNOWN = 4_096

/**
 * Whether a request is in the sample of a shadow. It is asked when a call begins and when it has ended, of every request
 * there is, and a draw is a hash: so the few that were drawn are remembered in between.
 */
export type SampleMemo = {
  /** Asked for the first time. */
  readonly begun: (shadow: Shadow, id: RequestId) => boolean
  /**
   * Asked for the last time. `isKept`: the answer was kept, so some shadow drew the request. What is neither remembered
   * nor kept was not drawn: nothing is mirrored without its answer.
   */
  readonly ended: (shadow: Shadow, id: RequestId, isKept: boolean) => boolean
}

export function createSampleMemo(): SampleMemo {
  const drawn = new Map<string, Set<RequestId>>()
  const drawnOf = ({ salt }: Shadow): Set<RequestId> => {
    let known = drawn.get(salt)
    if (known === undefined) drawn.set(salt, (known = new Set()))
    return known
  }
  return {
    begun: (shadow, id) => {
      if (!isDrawn(shadow, sampleDraw(shadow, id))) return false
      const known = drawnOf(shadow)
      if (known.size >= MOST_KNOWN) known.clear()
      known.add(id)
      return true
    },
    ended: (shadow, id, isKept) => drawnOf(shadow).delete(id) || (isKept && isDrawn(shadow, sampleDraw(shadow, id))),
  }
}
