import type { Spend } from '../domain/spend-budget.ts'
import type { EpochMs } from '../domain/units.ts'
import { identifier, type Query } from './client.ts'
import { type Columns, parseAs } from './columns.ts'

const SHADOW_SPEND = { shadow: 'text', hour_pico: 'text', day_pico: 'text' } as const satisfies Columns

/** Whose spending is wanted: that of all but the processes of `instance` since `startedAt`, in the hour and day of `now`. */
export type SpendWanted = { readonly instance: string; readonly startedAt: EpochMs; readonly now: EpochMs }

export type ShadowSpend = { readonly shadow: string; readonly spent: Spend }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What shadow calls have cost, by shadow. Calls whose cost nobody knows are not in it. */
export function shadowSpendQuery(database: string, { instance, startedAt, now }: SpendWanted): Query<ShadowSpend> {
  const sql = `SELECT shadow,
      toString(toInt128(sumIf(cost, started_at >= fromUnixTimestamp64Milli({hour:Int64})))) AS hour_pico,
      toString(toInt128(sum(cost))) AS day_pico
    FROM (
      SELECT shadow, started_at, toDecimal128(ifNull(cost_usd, 0), 12) * 1000000000000 AS cost
      FROM ${identifier(database)}.attempts
      WHERE started_at >= fromUnixTimestamp64Milli({day:Int64}) AND role = 'shadow' AND shadow != ''
        AND (started_at < fromUnixTimestamp64Milli({startedAt:Int64})
          OR (instance != {instance:String} AND NOT startsWith(instance, concat({instance:String}, '/'))))
    )
    GROUP BY shadow`
  const parse = parseAs(SHADOW_SPEND)
  return {
    name: 'shadow_spend',
    sql,
    params: {
      hour: Math.floor(now / HOUR_MS) * HOUR_MS,
      day: Math.floor(now / DAY_MS) * DAY_MS,
      startedAt: Math.floor(startedAt),
      instance,
    },
    parse: (row) => {
      const { shadow, hour_pico, day_pico } = parse(row)
      return { shadow, spent: { hour: BigInt(hour_pico), day: BigInt(day_pico) } }
    },
  }
}
