import type { Config } from '../domain/policy.ts'
import { auditedPicks, type AuditedPicks, LEAST_BACKED_SHARE } from '../domain/feedback/audited-picks.ts'
import { LEFT_OUT_AFTER, LEFT_OUT_BEFORE, NOT_DRAWN } from '../evaluate/report/backed-share.ts'
import { filledIn } from '../store/analyses/filled-in.ts'
import { readAnalysis } from '../store/analyses/read-analysis.ts'
import { textIn } from './json-rows.ts'
import { printTable } from './print-rows.ts'
import { askRows } from './show-query.ts'

/** Requests of `route` that came in `between` these times, milliseconds since 1970. */
export type PicksScope = { readonly route: string; readonly since: number; readonly asOf: number }

/** What routing audits have found of a route. */
export async function readPicks(config: Config, { route, since, asOf }: PicksScope): Promise<AuditedPicks> {
  const sql = filledIn(readAnalysis('routing-audits'), {
    route,
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
      requests: Number(textIn(row, 'requests')),
      partial: Number(textIn(row, 'partial')),
      right: Number(textIn(row, 'right_picks')),
      regretUsd: Number(textIn(row, 'regret_usd')),
    })),
    Number(textIn(rows[0], 'backed')),
  )
}

/** For the terminal: one sentence, and a table of tasks where something may be claimed. */
export function picksLines({
  requests,
  partial,
  backedShare,
  accuracy,
  tasks,
  regretUsd,
}: AuditedPicks): readonly string[] {
  if (requests + partial === 0)
    return ['Picks: nothing audited. An audit of kind routing asks every model of the route.']
  const left = partial === 0 ? '' : ` ${partial} more lack a verdict or a cost of some model.`
  const backed = `which speak for ${percent(backedShare)} of the traffic`
  if (accuracy === undefined || regretUsd === undefined) {
    return [
      `Picks: not enough evidence (${requests} audited requests, ${backed}, of at least ${percent(LEAST_BACKED_SHARE)}).${left}`,
    ]
  }
  return [
    `Picks: ${range(accuracy)} of ${requests} audited requests, ${backed}, went to the model worth most. Regret: ${regretUsd.toFixed(6)} USD a request.${left}`,
    printTable({
      columns: ['task', 'right picks [95 %]', 'audited'],
      rows: tasks.map((each) => [each.task, range(each), each.requests]),
    }),
  ]
}

function range({ mean, low, high }: NonNullable<AuditedPicks['accuracy']>): string {
  return `${percent(mean)} (95 %: ${percent(low)} to ${percent(high)})`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
