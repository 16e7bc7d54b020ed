import type { AuditCell, AuditPolicy } from '../domain/audit.ts'
import type { Json } from './ports.ts'
import { usdText } from './shadows-json.ts'

/** The audits in force, with every default filled in. */
export function auditsJson(audits: readonly AuditPolicy[]): Json {
  return audits.map((audit) => ({
    name: audit.name,
    questions: audit.questionsFile,
    every_ms: audit.everyMs,
    budget_usd: usdText(audit.budget),
    minimum: audit.minimum ?? null,
    routes: audit.routes === undefined ? null : [...audit.routes],
    api_key: audit.key === undefined ? 'unset' : 'set',
    max_concurrent: audit.maxConcurrent,
  }))
}

export function cellJson(cell: AuditCell): Json {
  return {
    kind: cell.kind,
    path: cell.path,
    task: cell.task,
    answered: cell.answered,
    failed: cell.failed,
    mean: cell.mean,
    low: cell.low,
    high: cell.high,
    minimum: cell.minimum ?? null,
    passed: cell.isPassed ?? null,
    cost_usd: cell.picoUsd === undefined ? null : usdText(cell.picoUsd),
  }
}
