import type { EpochMs, PicoUsd } from './units.ts'

/** The most that may be spent in an hour and in a day, both by the clock in UTC; undefined = no limit. */
export type SpendLimits = { readonly perHour: PicoUsd | undefined; readonly perDay: PicoUsd | undefined }

/** What is spent or reserved in the hour and the day that `now` is in. */
export type Spend = { readonly hour: PicoUsd; readonly day: PicoUsd }

export type SpendBudget = {
  /**
   * Sets `picoUsd` aside, an upper bound of what a call may cost; undefined where the limits leave no room for it. Of
   * what is spent nothing ever goes beyond a limit, as long as the bounds are bounds.
   */
  readonly reserve: (picoUsd: PicoUsd, limits: SpendLimits, now: EpochMs) => Reservation | undefined
  readonly spend: (now: EpochMs) => Spend
  /** Counts what was spent before this process began. */
  readonly add: (spent: Spend, now: EpochMs) => void
}

/** `settle` once, with what the call did cost: in the hour and day of the reservation, if these still run. */
export type Reservation = { readonly settle: (picoUsd: PicoUsd) => void }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export function createSpendBudget(): SpendBudget {
  const hour = createWindow(HOUR_MS)
  const day = createWindow(DAY_MS)
  const isWithin = (spent: PicoUsd, more: PicoUsd, limit: PicoUsd | undefined): boolean =>
    limit === undefined || spent + more <= limit
  return {
    reserve: (picoUsd, limits, now) => {
      if (!isWithin(hour.at(now), picoUsd, limits.perHour) || !isWithin(day.at(now), picoUsd, limits.perDay)) {
        return undefined
      }
      hour.add(picoUsd, now)
      day.add(picoUsd, now)
      return {
        settle: (actual) => {
          hour.correct(actual - picoUsd, now)
          day.correct(actual - picoUsd, now)
        },
      }
    },
    spend: (now) => ({ hour: hour.at(now), day: day.at(now) }),
    add: (spent, now) => {
      hour.add(spent.hour, now)
      day.add(spent.day, now)
    },
  }
}

/** A sum that begins anew with every `lengthMs`. */
function createWindow(lengthMs: number) {
  let current = -1
  let sum: PicoUsd = 0n
  const turnTo = (now: EpochMs): void => {
    const window = Math.floor(now / lengthMs)
    if (window <= current) return // a clock that went back stays in the window it was in
    current = window
    sum = 0n
  }
  return {
    at: (now: EpochMs): PicoUsd => {
      turnTo(now)
      return sum
    },
    add: (picoUsd: PicoUsd, now: EpochMs): void => {
      turnTo(now)
      sum += picoUsd
    },
    /** `at`: when the sum that is corrected was added. */
    correct: (difference: PicoUsd, at: EpochMs): void => {
      if (Math.floor(at / lengthMs) === current) sum += difference
    },
  }
}
