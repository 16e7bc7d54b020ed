import type { UnitReading } from '../../domain/rollout/evidence.ts'
import type { EpochMs } from '../../domain/units.ts'
import type { Stage } from './stage.ts'

const DAY_MS = 86_400_000

/** Whoever was seen on the route in the day before was dealt by another share, or is in the middle of something. */
export async function readUnits(
  { ask }: Stage,
  { dealtAt, percent, oneOf }: { readonly dealtAt: EpochMs; readonly percent: number; readonly oneOf: number },
): Promise<UnitReading> {
  const [row] = await ask(
    { candidate: 'number', control: 'number', neither: 'number', compared: 'number', in_both: 'number' },
    `SELECT
      countIf(is_new AND first_arm = 'candidate') AS candidate,
      countIf(is_new AND first_arm = 'control') AS control,
      countIf(is_new AND first_arm NOT IN ('candidate', 'control')) AS neither,
      countIf(notEmpty(arms)) AS compared,
      countIf(has(arms, 'candidate') AND has(arms, 'control')) AS in_both
    FROM (
      SELECT
        min(received_at) AS first_at,
        argMin(arm, (received_at, trace_id)) AS first_arm,
        argMin(is_of_share, (received_at, trace_id)) AND first_at >= fromUnixTimestamp64Milli({dealt_at:Int64}) AS is_new,
        groupUniqArrayIf(arm, is_of_stage AND is_compared) AS arms
      FROM (
        SELECT received_at, trace_id, arm, is_compared, if(unit_source = 'none' OR traces.unit = '', toString(trace_id), traces.unit) AS own,
          rollout = {rollout:String} AND rollout_epoch = {epoch:UInt32}
            AND received_at >= fromUnixTimestamp64Milli({since:Int64}) AS is_of_stage,
          is_of_stage AND abs(rollout_step - {percent:Float64}) < 0.0001 AS is_of_share
        FROM {database:Identifier}.traces
        WHERE route = {route:String} AND tags['audit'] != 'golden'
          AND received_at >= least(fromUnixTimestamp64Milli({dealt_at:Int64} - ${DAY_MS}), fromUnixTimestamp64Milli({since:Int64}))
          AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
          AND cityHash64(own) % {one_of:UInt32} = 0
      )
      GROUP BY own
    )`,
    { dealt_at: dealtAt, percent, one_of: oneOf },
  )
  return {
    since: dealtAt,
    candidate: row?.candidate ?? 0,
    control: row?.control ?? 0,
    neither: row?.neither ?? 0,
    compared: row?.compared ?? 0,
    inBoth: row?.in_both ?? 0,
  }
}
