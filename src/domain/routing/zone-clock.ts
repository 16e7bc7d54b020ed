import type { EpochMs } from '../units.ts'

/** What clocks in a time zone show: minutes since midnight, and the day from 1 (Monday) to 7. */
export type WallTime = { readonly minute: number; readonly day: number }

const MINUTE_MS = 60_000
const QUARTER_MS = 15 * MINUTE_MS
const DAY_MINUTES = 1440
/** 1970-01-01 was a Thursday. */
const EPOCH_DAY = 3

/**
 * The wall clock of the IANA time zone `zone`. Throws RangeError where there is no such zone. Offsets are whole quarters
 * of an hour and change at whole quarters, so one question to Intl (20 µs) serves a quarter of an hour.
 */
export function zoneClock(zone: string): (at: EpochMs) => WallTime {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'longOffset' })
  let quarter = Number.NaN
  let offsetMinutes = 0
  return (at) => {
    const asked = Math.floor(at / QUARTER_MS)
    if (asked !== quarter) {
      offsetMinutes = readOffset(format, asked * QUARTER_MS)
      quarter = asked
    }
    const minutes = Math.floor(at / MINUTE_MS) + offsetMinutes
    const days = Math.floor(minutes / DAY_MINUTES)
    return { minute: minutes - days * DAY_MINUTES, day: ((((days + EPOCH_DAY) % 7) + 7) % 7) + 1 }
  }
}

/** Minutes east of UTC: `GMT+05:30` → 330, `GMT` → 0. */
function readOffset(format: Intl.DateTimeFormat, at: EpochMs): number {
  const name = format.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? ''
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(name) ?? []
  const size = Number(hours ?? 0) * 60 + Number(minutes ?? 0)
  return sign === '-' ? -size : size
}
