import { type LengthAdjustment, lengthAdjustment } from '../../domain/statistics/length-adjustment.ts'
import type { Stage } from './stage.ts'

/**
 * What the judge's verdicts on the pairs of the shadow come to at equal length; undefined where there are none. Lengths are
 * compared to hundredths, so that few rows come back however many pairs there are.
 */
export async function readLength({ ask, isShadow, rollout }: Stage): Promise<LengthAdjustment | undefined> {
  if (!isShadow || rollout.metric !== 'judge') return undefined
  const rows = await ask(
    { d: 'number', longer: 'number', pairs: 'number' },
    `SELECT assumeNotNull(pair.d) AS d, count() AS pairs,
      round((toFloat64(candidate_chars) - stable_chars) / greatest(1, toFloat64(candidate_chars) + stable_chars), 2) AS longer
    FROM {database:Identifier}.v_pairs AS pair
    WHERE route = {route:String} AND NOT is_control AND evaluator = {metric:String} AND comparison = {shadow:String}
      AND candidate_provider = {candidate_provider:String} AND candidate_model = {candidate_model:String}
      AND isNotNull(pair.d) AND isNotNull(candidate_chars) AND isNotNull(stable_chars)
      AND trace_at >= fromUnixTimestamp64Milli({since:Int64}) AND pair.paired_at <= fromUnixTimestamp64Milli({as_of:Int64})
    GROUP BY d, longer ORDER BY d, longer`,
  )
  return lengthAdjustment(
    rows.flatMap(({ d, longer, pairs }) =>
      Array.from({ length: pairs }, () => ({ d, candidateChars: 1 + longer, stableChars: 1 - longer })),
    ),
  )
}
