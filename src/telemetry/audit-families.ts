import { type AuditStatus, isAuditPassed } from '../domain/audit.ts'
import type { Reading, SourceFamily } from './source-family.ts'

const PICO = 1e12

/** What audits have found. Series are as many as the routes, models and task types that the operator wrote. */
export function auditFamilies(audits: (() => readonly AuditStatus[]) | undefined): readonly SourceFamily[] {
  if (audits === undefined) return []
  const each = (read: (status: AuditStatus) => readonly Reading[]): (() => readonly Reading[]) => {
    return () => audits().flatMap(read)
  }
  return [
    {
      type: 'gauge',
      name: 'understudy_audit_mean',
      help: 'Mean score of each path and task in the last audit, from 0 to 1.',
      labelNames: ['audit', 'kind', 'path', 'task'],
      read: each(({ audit, last }) =>
        (last?.cells ?? []).map(({ kind, path, task, mean }): Reading => [[audit, kind, path, task], mean]),
      ),
    },
    {
      type: 'gauge',
      name: 'understudy_audit_passed',
      help: '1 when the last audit was complete and nothing below its minimum, else 0. Alert on 0.',
      labelNames: ['audit'],
      read: each(({ audit, last }) => (last === undefined ? [] : [[[audit], isAuditPassed(last) ? 1 : 0]])),
    },
    {
      type: 'gauge',
      name: 'understudy_audit_last_ended_timestamp_seconds',
      help: 'When the last audit ended, in seconds since 1970.',
      labelNames: ['audit'],
      read: each(({ audit, last }) => (last === undefined ? [] : [[[audit], last.endedAt / 1_000]])),
    },
    {
      type: 'counter',
      name: 'understudy_audit_answers_total',
      help: 'Questions asked by this process: answered so that it could be scored, or failed.',
      labelNames: ['audit', 'result'],
      read: each(({ audit, totals }) => [
        [[audit, 'answered'], totals.answered],
        [[audit, 'failed'], totals.failed],
      ]),
    },
    {
      type: 'counter',
      name: 'understudy_audit_cost_usd_total',
      help: 'What audits of this process have cost; it is part of what requests cost, too.',
      labelNames: ['audit'],
      read: each(({ audit, totals }) => [[[audit], Number(totals.picoUsd) / PICO]]),
    },
  ]
}
