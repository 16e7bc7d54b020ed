import type { MonotonicMs } from '../domain/units.ts'

/** Until when a target asked to be left alone. */
export type Throttle = {
  readonly until: () => MonotonicMs
  readonly isOn: (now: MonotonicMs) => boolean
  /** Limits met since the last good call. */
  readonly repeats: () => number
  /** True when this begins a time of being throttled, and does not go on with one that lasts, or ended a moment ago. */
  readonly start: (forMs: number, now: MonotonicMs) => boolean
  /** A call that began then was answered: a limit met before it holds no more. */
  readonly good: (startedAt: MonotonicMs) => void
}

/** Limits that follow upon each other like this are one storm, and one line of the log. */
const SAME_STORM_MS = 60_000

export function createThrottle(): Throttle {
  let until = Number.NEGATIVE_INFINITY
  let metAt = Number.NEGATIVE_INFINITY
  let repeats = 0
  return {
    until: () => until,
    isOn: (now) => now < until,
    repeats: () => repeats,
    start: (forMs, now) => {
      const isNew = now - Math.max(until, metAt) > SAME_STORM_MS
      // Calls that were under way together meet one limit, not several.
      if (now >= until) repeats += 1
      metAt = now
      until = Math.max(until, now + forMs)
      return isNew
    },
    good: (startedAt) => {
      if (startedAt < metAt) return
      until = Number.NEGATIVE_INFINITY
      repeats = 0
    },
  }
}
