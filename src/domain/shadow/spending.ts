import type { EpochMs, PicoUsd } from '../units.ts'
import type { ShadowBudget } from './shadow.ts'

/** What a shadow has spent in the clock hour and the day of UTC of its last entry, and what it has promised to. */
export type Spending = {
  /** Hours and days since 1970. */
  readonly hour: number
  readonly inHour: PicoUsd
  readonly day: number
  readonly inDay: PicoUsd
  /** Of calls that were sent and have not ended. */
  readonly reserved: PicoUsd
}

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

export const NOTHING_SPENT: Spending = { hour: 0, inHour: 0n, day: 0, inDay: 0n, reserved: 0n }

/**
 * With less left than this many times a call's projection, calls go one at a time: a projection is no promise, and so
 * the most that can be spent too much is what one call costs beyond it.
 */
const NEAR_THE_END = 10n

/** The spending after `picoUsd` more are promised; undefined when the budget does not hold them. */
export function reserve(
  spending: Spending,
  picoUsd: PicoUsd,
  { perHour, perDay }: ShadowBudget,
  now: EpochMs,
): Spending | undefined {
  const current = turned(spending, now)
  const inHour = perHour - current.inHour
  const inDay = perDay - current.inDay
  const left = inHour < inDay ? inHour : inDay
  if (left <= 0n || current.reserved + picoUsd > left) return undefined
  if (current.reserved > 0n && left - current.reserved < NEAR_THE_END * picoUsd) return undefined
  return { ...current, reserved: current.reserved + picoUsd }
}

/** The spending after a call for which `reserved` was promised has cost `spent`. It counts in the hour in which it ends. */
export function settle(spending: Spending, reserved: PicoUsd, spent: PicoUsd, now: EpochMs): Spending {
  const current = turned(spending, now)
  return {
    ...current,
    inHour: current.inHour + spent,
    inDay: current.inDay + spent,
    reserved: current.reserved - reserved,
  }
}

/** As of `now`: a new hour or day begins with nothing. */
export function turned(spending: Spending, now: EpochMs): Spending {
  const hour = Math.floor(now / HOUR_MS)
  const day = Math.floor(now / DAY_MS)
  return {
    hour,
    inHour: hour === spending.hour ? spending.inHour : 0n,
    day,
    inDay: day === spending.day ? spending.inDay : 0n,
    reserved: spending.reserved,
  }
}
