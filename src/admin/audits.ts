import { type AuditRun, type AuditStatus, isAuditPassed } from '../domain/audit.ts'
import { cellJson } from './audits-json.ts'
import { timeJson } from './policy-json.ts'
import type { AdminPorts, Json } from './ports.ts'
import type { Handler } from './reply.ts'
import { usdText } from './shadows-json.ts'

/**
 * `GET /admin/audits`: `{"audits": […]}`, each with its `state` (`waiting`, `running`, `elsewhere`, `stuck`) and why, how
 * far the run under way is, when the next is due, what is left out and why, what it cost since the process began, and
 * `last`: the run that ended last, on whichever proxy, with one cell per path and task (95 % intervals).
 */
export function showAudits(ports: AdminPorts): Handler {
  return () => ({ status: 200, json: { audits: ports.audits().map(statusJson) } })
}

function statusJson({ audit, state, detail, asked, questions, nextAt, leftOut, last, totals }: AuditStatus): Json {
  return {
    name: audit,
    state,
    detail,
    asked,
    questions,
    next_at: timeJson(nextAt),
    left_out: leftOut.map(({ path, why }) => ({ path, why })),
    totals: { answered: totals.answered, failed: totals.failed, cost_usd: usdText(totals.picoUsd) },
    last: last === undefined ? null : runJson(last),
  }
}

function runJson(run: AuditRun): Json {
  return {
    run: run.run,
    question_set: run.questionSet,
    ended_at: timeJson(run.endedAt),
    ending: run.ending,
    passed: isAuditPassed(run),
    cells: run.cells.map(cellJson),
  }
}
