import { asRecord, countOf, nameOf } from '../dialects/json-value.ts'
import { type AuditCell, type AuditRun, GOLDEN } from '../domain/audit.ts'
import { jsonBody } from './json-body.ts'
import type { AdminPorts } from './ports.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'

/** Paths times tasks. */
const MOST_CELLS = 10_000

/**
 * `POST /admin/audits`, the body `{"run": {…}}`, a run as `npx understudy audit golden` makes it: 200 `{"kept": cells}` when
 * it is stored as a run of the audit `golden`, 503 while ClickHouse is away.
 */
export function keepAudit(ports: AdminPorts): Handler {
  return async (request) => {
    const read = jsonBody(request)
    if ('refused' in read) return read.refused
    const run = readRun(asRecord(read.value)?.['run'], ports.policyView().version)
    if (run === undefined) return errorReply(400, 'bad_request', 'Expected {"run": {…}} with the cells of one audit.')
    const kept = await ports.keepAudit(run)
    if (kept.kind === 'ok') return { status: 200, json: { kept: run.cells.length } }
    return errorReply(503, 'store_unavailable', `Nothing was kept: ${kept.detail}`, { 'retry-after': '5' })
  }
}

/** Undefined for what is none. */
function readRun(value: unknown, policyVersion: string): AuditRun | undefined {
  const found = asRecord(value)
  const run = nameOf(found?.['run'])
  const questionSet = nameOf(found?.['questionSet'])
  const [endedAt, ending, sent] = [found?.['endedAt'], found?.['ending'], found?.['cells']]
  if (run === undefined || questionSet === undefined) return undefined
  if (typeof endedAt !== 'number' || !(endedAt >= 0 && endedAt < 1e14)) return undefined
  if (ending !== 'complete' && ending !== 'budget') return undefined
  if (!Array.isArray(sent) || sent.length === 0 || sent.length > MOST_CELLS) return undefined
  const cells = sent.map(readCell).filter((cell) => cell !== undefined)
  if (cells.length < sent.length) return undefined
  return { audit: GOLDEN, run, questionSet, endedAt, ending, cells, policyVersion }
}

function readCell(value: unknown): AuditCell | undefined {
  const cell = asRecord(value)
  const shareOf = (name: string): number | undefined => {
    const found = cell?.[name]
    return typeof found === 'number' && found >= 0 && found <= 1 ? found : undefined
  }
  const [kind, path, task] = [cell?.['kind'], nameOf(cell?.['path']), nameOf(cell?.['task'])]
  const [answered, failed] = [countOf(cell?.['answered']), countOf(cell?.['failed'])]
  const [mean, low, high, minimum] = [shareOf('mean'), shareOf('low'), shareOf('high'), shareOf('minimum')]
  const picoUsd = cell?.['picoUsd']
  if ((kind !== 'route' && kind !== 'target') || path === undefined || task === undefined) return undefined
  if (answered === undefined || failed === undefined) return undefined
  if (mean === undefined || low === undefined || high === undefined) return undefined
  return {
    kind,
    path,
    task,
    answered,
    failed,
    mean,
    low,
    high,
    minimum,
    isPassed: minimum === undefined ? undefined : mean >= minimum,
    picoUsd: typeof picoUsd === 'string' && /^\d{1,18}$/.test(picoUsd) ? BigInt(picoUsd) : undefined,
  }
}
