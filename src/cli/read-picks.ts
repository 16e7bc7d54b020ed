import type { Config } from '../domain/policy.ts'
import { auditedPicks, type AuditedPicks } from '../domain/feedback/audited-picks.ts'
import { LEFT_OUT_AFTER, LEFT_OUT_BEFORE, NOT_DRAWN } from '../evaluate/report/backed-share.ts'
import { filledIn } from '../store/analyses/filled-in.ts'
import { readAnalysis } from '../store/analyses/read-analysis.ts'
import { type JsonRow, textIn } from './json-rows.ts'
import { askRows } from './show-query.ts'

/** Requests of `route` that came after `since` and until `asOf`, milliseconds since 1970. */
export type PicksScope = {
  readonly route: string
  /** Undefined: what all audits of the route have found. */
  readonly audit: string | undefined
  readonly since: number
  readonly asOf: number
}

/** What routing audits have found of a route. */
export async function readPicks(config: Config, { route, audit = '', since, asOf }: PicksScope): Promise<AuditedPicks> {
  const sql = filledIn(readAnalysis('routing-audits'), {
    route,
    audit,
    since,
    as_of: asOf,
    left_out_before: [...LEFT_OUT_BEFORE],
    left_out_after: [...LEFT_OUT_AFTER],
    not_drawn: [...NOT_DRAWN],
  })
  const rows = await askRows(config, sql)
  return auditedPicks(
    rows.map((row) => ({
      task: textIn(row, 'task'),
      requests: numberIn(row, 'requests'),
      partial: numberIn(row, 'partial'),
      right: numberIn(row, 'right_picks'),
      regretUsd: numberIn(row, 'regret_usd'),
      units: numberIn(row, 'units'),
      squares: {
        nn: numberIn(row, 'nn'),
        rn: numberIn(row, 'rn'),
        rr: numberIn(row, 'rr'),
        gn: numberIn(row, 'gn'),
        gg: numberIn(row, 'gg'),
      },
    })),
    Number(textIn(rows[0], 'backed')),
  )
}

/** Counts of 64 bits come as texts. */
function numberIn(row: JsonRow, column: string): number {
  return Number(textIn(row, column))
}
