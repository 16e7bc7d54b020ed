import type { MonotonicMs } from '../domain/units.ts'
import { createThrottle, type Throttle } from './throttle.ts'

/** Until when a target asked to be left alone: by everybody, and by single keys of clients, whose limits are their own. */
export type Throttles = {
  /** `key`: whose limits count beside everybody's; undefined: anybody's. */
  readonly isOn: (now: MonotonicMs, key: string | undefined) => boolean
  readonly until: () => MonotonicMs
  /** A call that began then, with this key, was answered: limits met before it hold no more. */
  readonly good: (startedAt: MonotonicMs, key: string | undefined) => void
  /** Everybody's, where `key` is undefined. */
  readonly of: (key: string | undefined) => Throttle
}

/** Keys come from clients: the one that met a limit first makes room. */
const MOST_KEYS = 1_000

export function createThrottles(): Throttles {
  const everybodys = createThrottle()
  const byKey = new Map<string, Throttle>()
  return {
    isOn: (now, key) => {
      if (byKey.size === 0 || everybodys.isOn(now)) return everybodys.isOn(now)
      if (key !== undefined) return byKey.get(key)?.isOn(now) === true
      for (const throttle of byKey.values()) if (throttle.isOn(now)) return true
      return false
    },
    until: () => Math.max(everybodys.until(), ...[...byKey.values()].map((throttle) => throttle.until())),
    good: (startedAt, key) => {
      everybodys.good(startedAt)
      if (key !== undefined) byKey.get(key)?.good(startedAt)
    },
    of: (key) => {
      if (key === undefined) return everybodys
      const known = byKey.get(key)
      if (known !== undefined) return known
      const throttle = createThrottle()
      byKey.set(key, throttle)
      const [oldest] = byKey.keys()
      if (byKey.size > MOST_KEYS && oldest !== undefined) byKey.delete(oldest)
      return throttle
    },
  }
}
