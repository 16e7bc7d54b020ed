import type { EpochMs, Unit } from '../domain/units.ts'

/**
 * Whether an item of `stratum` is in the sample: by its draw, and besides at least one of every stratum in six minutes,
 * so that a task which is seldom asked is known too. `share` 0 takes none.
 */
export type StratifiedSample = (stratum: string, draw: Unit, share: number, now: EpochMs) => boolean

/** Ten of each stratum an hour. */
const AT_LEAST_EVERY_MS = 360_000
/** Names of tasks come from clients. */
const MAX_STRATA = 1_000

export function createStratifiedSample(): StratifiedSample {
  const takenAt = new Map<string, EpochMs>()
  return (stratum, draw, share, now) => {
    if (share <= 0) return false
    const last = takenAt.get(stratum)
    const isDue = last === undefined ? takenAt.size < MAX_STRATA : now - last >= AT_LEAST_EVERY_MS
    if (draw >= share && !isDue) return false
    if (last !== undefined || takenAt.size < MAX_STRATA) takenAt.set(stratum, now)
    return true
  }
}
