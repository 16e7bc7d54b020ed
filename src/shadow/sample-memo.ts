import { isDrawn, sampleDraw } from '../domain/shadow/mirror-plan.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import type { RequestId, Unit } from '../domain/units.ts'

/** Requests under way whose draw is remembered; beyond, draws are made again. */
const MOST_KNOWN = 4_096

/**
 * Whether a request is in the sample of a shadow. It is asked when a call begins and when it has ended, of every request
 * there is, and a draw is a hash: so the draw is kept in between.
 */
export type SampleMemo = {
  /** Asked for the first time. */
  readonly begun: (shadow: Shadow, id: RequestId) => boolean
  /** Asked for the last time. */
  readonly ended: (shadow: Shadow, id: RequestId) => boolean
}

export function createSampleMemo(): SampleMemo {
  const draws = new Map<string, Map<RequestId, Unit>>()
  const drawsOf = (salt: string): Map<RequestId, Unit> => {
    let known = draws.get(salt)
    if (known === undefined) draws.set(salt, (known = new Map()))
    return known
  }
  return {
    begun: (shadow, id) => {
      const known = drawsOf(shadow.salt)
      const draw = sampleDraw(shadow, id)
      if (known.size >= MOST_KNOWN) known.clear()
      known.set(id, draw)
      return isDrawn(shadow, draw)
    },
    ended: (shadow, id) => {
      const known = drawsOf(shadow.salt)
      const draw = known.get(id) ?? sampleDraw(shadow, id)
      known.delete(id)
      return isDrawn(shadow, draw)
    },
  }
}
