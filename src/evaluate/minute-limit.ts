import type { EpochMs } from '../domain/units.ts'

/** Whether one more from `key` may come in this minute of the clock. */
export type MinuteLimit = (key: string, now: EpochMs) => boolean

/** At most `perKey` of one key and `perMinute` of all: keys are whatever clients send. */
export function createMinuteLimit(perKey: number, perMinute: number): MinuteLimit {
  let minute = -1
  let all = 0
  let byKey = new Map<string, number>()
  return (key, now) => {
    const current = Math.floor(now / 60_000)
    if (current !== minute) {
      minute = current
      all = 0
      byKey = new Map()
    }
    const own = byKey.get(key) ?? 0
    if (all >= perMinute || own >= perKey) return false
    all += 1
    byKey.set(key, own + 1)
    return true
  }
}
