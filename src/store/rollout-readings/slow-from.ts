import type { AskStage } from './stage.ts'
import type { Rollout } from '../../domain/rollout/rollout.ts'

const DAY_MS = 86_400_000
/** Slow is what is slower than stable's p95 of the start by this factor. */
const SLOW_FACTOR = 1.25
const LEAST_FOR_SLOW = 100

/** Milliseconds from which a call is slow, as stable was at the start of the stage; 0 where too few calls tell. */
export async function slowFrom(ask: AskStage, { badEvents }: Rollout): Promise<number> {
  if (!badEvents.includes('slow')) return 0
  // Its last calls before the stage, else its first ones in it: either way always the same ones.
  const [row] = await ask(
    { before: 'number', after: 'number', p95_before: 'optionalNumber', p95_after: 'optionalNumber' },
    `SELECT countIf(is_before) AS before, countIf(NOT is_before) AS after,
      if(before = 0, NULL, quantileExactIf(0.95)(duration_ms, is_before)) AS p95_before,
      if(after = 0, NULL, quantileExactIf(0.95)(duration_ms, NOT is_before)) AS p95_after
    FROM (
      ${callsOfStable('started_at < fromUnixTimestamp64Milli({since:Int64})', 'DESC', 1000)}
      UNION ALL
      ${callsOfStable('started_at >= fromUnixTimestamp64Milli({since:Int64})', 'ASC', LEAST_FOR_SLOW)}
    )`,
  )
  if (row === undefined) return 0
  if (row.before >= LEAST_FOR_SLOW) return SLOW_FACTOR * (row.p95_before ?? 0)
  return row.after >= LEAST_FOR_SLOW ? SLOW_FACTOR * (row.p95_after ?? 0) : 0
}

/** The first `most` of stable's calls; kept are no more than these at any time, however many there were. */
function callsOfStable(when: string, order: 'ASC' | 'DESC', most: number): string {
  return `SELECT duration_ms, started_at < fromUnixTimestamp64Milli({since:Int64}) AS is_before
      FROM {database:Identifier}.attempts
      WHERE route = {route:String} AND provider = {stable_provider:String}
        AND ({stable_model:String} = '' OR model = {stable_model:String})
        AND role = 'primary' AND outcome = 'completed' AND ${when}
        AND started_at >= fromUnixTimestamp64Milli({since:Int64} - ${DAY_MS})
        AND started_at <= fromUnixTimestamp64Milli({as_of:Int64})
      ORDER BY started_at ${order}, attempt_id LIMIT ${most}`
}
