import type { AskStage } from './stage.ts'

/** So many compared requests a day, for the seven days that a stage may last, are read in seconds and in bounded memory. */
const MOST_COMPARED_A_DAY = 100_000
/** Units are counted by one plain query over the route's requests. */
const MOST_COUNTED_A_DAY = 250_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Of how many units one is looked at: 1 but on busy routes. */
type OneOf = {
  /** Where calls and scores are read. */
  readonly compared: number
  /** Where units are counted. */
  readonly counted: number
}

/**
 * How much of a route is evidence enough while `comparedShare` of its units are compared: more of it decides nothing sooner
 * than the dwell times allow. By the day before the stage, so that it stays the same as long as the stage does; of a route
 * that is younger than a day by what it has had, as if a day went on like that.
 */
export async function oneUnitOf(ask: AskStage, comparedShare: number): Promise<OneOf> {
  const [row] = await ask(
    { requests: 'number', age_ms: 'number' },
    `SELECT count() AS requests, {since:Int64} - toUnixTimestamp64Milli(min(received_at)) AS age_ms
    FROM {database:Identifier}.traces
    WHERE route = {route:String} AND received_at < fromUnixTimestamp64Milli({since:Int64})
      AND received_at >= fromUnixTimestamp64Milli({since:Int64} - ${DAY_MS})`,
  )
  const { requests, age_ms: ageMs } = row ?? { requests: 0, age_ms: DAY_MS }
  const aDay = requests * Math.max(1, DAY_MS / Math.max(HOUR_MS, ageMs))
  return {
    compared: Math.max(1, Math.ceil((aDay * comparedShare) / MOST_COMPARED_A_DAY)),
    counted: Math.max(1, Math.ceil(aDay / MOST_COUNTED_A_DAY)),
  }
}
