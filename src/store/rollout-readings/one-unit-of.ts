import type { AskStage } from './stage.ts'

/** Evidence of so many requests a day is read in seconds; more of it decides nothing sooner than the dwell times allow. */
const MOST_A_DAY = 250_000

/**
 * Of how many units of the route one is looked at: 1 but for busy routes. By the day before the stage, so that it stays the
 * same as long as the stage does.
 */
export async function oneUnitOf(ask: AskStage): Promise<number> {
  const [row] = await ask(
    { requests: 'number' },
    `SELECT count() AS requests FROM {database:Identifier}.traces
    WHERE route = {route:String} AND received_at < fromUnixTimestamp64Milli({since:Int64})
      AND received_at >= fromUnixTimestamp64Milli({since:Int64} - 86400000)`,
  )
  return Math.max(1, Math.ceil((row?.requests ?? 0) / MOST_A_DAY))
}
