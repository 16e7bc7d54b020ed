import { createHash } from 'node:crypto'
import type { AuditAnswer, AuditCell, AuditRun, AuditRunKey } from '../domain/audit.ts'
import type { PicoUsd, RequestId } from '../domain/units.ts'
import { AUDIT_ANSWER_COLUMNS, AUDIT_COLUMNS, auditAnswerRow, auditRows } from './audit-row.ts'
import { identifier, type Query, type Read, type StoreClient } from './client.ts'
import { parseAs, type RowOf } from './columns.ts'
import { namedRows } from './named-rows.ts'
import { NOT_REACHABLE, openSendRows, PATIENCE_MS } from './send-rows.ts'
import { withLease } from './with-lease.ts'

/** What audits came to, in ClickHouse, and whose turn it is. Nothing here throws: an outage is an answer. */
export type AuditRecords = {
  /** The run of this audit that ended last. */
  readonly lastRun: (audit: string) => Promise<Read<AuditRun | undefined>>
  readonly answersOf: (run: AuditRunKey) => Promise<Read<readonly AuditAnswer[]>>
  readonly keepAnswers: (
    run: AuditRunKey,
    answers: readonly AuditAnswer[],
    instance: string,
  ) => Promise<Read<undefined>>
  readonly keepRun: (run: AuditRun, instance: string) => Promise<Read<undefined>>
  /** As `withLease`, one lease for each audit. */
  readonly alone: (
    audit: string,
    holder: RequestId,
    work: (signal: AbortSignal) => Promise<void>,
  ) => Promise<Read<'done' | 'busy'>>
}

const STORED_CELL = {
  run: 'text',
  question_set: 'text',
  ended_ms: 'number',
  ending: 'text',
  kind: 'text',
  path: 'text',
  task: 'text',
  answered: 'number',
  failed: 'number',
  mean: 'number',
  mean_low: 'number',
  mean_high: 'number',
  minimum: 'optionalNumber',
  passed: 'optionalNumber',
  cost: 'optionalDecimal',
  policy_version: 'text',
} as const

const STORED_ANSWER = {
  kind: 'text',
  path: 'text',
  question: 'text',
  task: 'text',
  at_ms: 'number',
  trace: 'text',
  value: 'optionalNumber',
  failure: 'text',
  model: 'text',
  cost: 'optionalDecimal',
} as const

const NUMBERS = 'SETTINGS output_format_json_quote_64bit_integers = 0'

/** The records behind `client`, which is asked anew each time and undefined while there is no server. */
export function openAuditRecords(client: () => StoreClient | undefined): AuditRecords {
  const send = openSendRows(client)
  const kept = async (table: string, rows: string, token: string): Promise<Read<undefined>> => {
    const sent = await send(table, rows, token)
    return sent.kind === 'sent' ? { kind: 'ok', value: undefined } : sent
  }
  // As the owner, who sees on a cluster what has just been written.
  const select = async <T>(query: (database: string) => Query<T>): Promise<Read<readonly T[]>> => {
    const server = client()
    if (server === undefined) return { kind: 'unavailable', detail: NOT_REACHABLE }
    return server.select(query(identifier(server.address.database)), AbortSignal.timeout(PATIENCE_MS))
  }
  return {
    lastRun: async (audit) => {
      const read = await select((database) => ({
        name: 'audit_last_run',
        sql: `SELECT run, question_set, toUnixTimestamp64Milli(ended_at) AS ended_ms, ending, kind, path, task, answered,
          failed, mean, mean_low, mean_high, minimum, toUInt8(is_passed) AS passed, cost_usd AS cost, policy_version
          FROM ${database}.audits FINAL WHERE audit = {audit:String}
            AND run = (SELECT argMax(run, ended_at) FROM ${database}.audits WHERE audit = {audit:String})
          ORDER BY kind, path, task ${NUMBERS}`,
        params: { audit },
        parse: parseAs(STORED_CELL),
      }))
      if (read.kind !== 'ok') return read
      const [first] = read.value
      if (first === undefined) return { kind: 'ok', value: undefined }
      return {
        kind: 'ok',
        value: {
          audit,
          run: first.run,
          questionSet: first.question_set,
          endedAt: first.ended_ms,
          ending: first.ending === 'budget' ? 'budget' : 'complete',
          cells: read.value.map(cellOf),
          policyVersion: first.policy_version,
        },
      }
    },
    answersOf: async ({ audit, run, questionSet }) => {
      const read = await select((database) => ({
        name: 'audit_answers',
        sql: `SELECT kind, path, question, task, toUnixTimestamp64Milli(answered_at) AS at_ms, toString(trace_id) AS trace,
          value, failure, model, cost_usd AS cost FROM ${database}.audit_answers FINAL
          WHERE audit = {audit:String} AND run = {run:String} AND question_set = {set:String} ${NUMBERS}`,
        params: { audit, run, set: questionSet },
        parse: parseAs(STORED_ANSWER),
      }))
      return read.kind === 'ok' ? { kind: 'ok', value: read.value.map(answerOf) } : read
    },
    keepAnswers: (key, answers, instance) => {
      const names = answers.map(({ kind, path, question }) => [kind, path, question])
      const batch = createHash('sha256').update(JSON.stringify(names)).digest('hex')
      return kept(
        'audit_answers',
        namedRows(AUDIT_ANSWER_COLUMNS, ...answers.map((answer) => auditAnswerRow(key, answer, instance))),
        `${key.audit}/${key.run}/${key.questionSet}/${batch}`,
      )
    },
    keepRun: (run, instance) =>
      kept('audits', namedRows(AUDIT_COLUMNS, ...auditRows(run, instance)), `${run.audit}/${run.run}/${run.endedAt}`),
    alone: async (audit, holder, work) => {
      const server = client()
      if (server === undefined) return { kind: 'unavailable', detail: NOT_REACHABLE }
      return withLease(server, { name: `audit/${audit}`, holder }, work)
    },
  }
}

function cellOf(row: RowOf<typeof STORED_CELL>): AuditCell {
  return {
    kind: row.kind === 'route' ? 'route' : 'target',
    path: row.path,
    task: row.task,
    answered: row.answered,
    failed: row.failed,
    mean: row.mean,
    low: row.mean_low,
    high: row.mean_high,
    minimum: row.minimum ?? undefined,
    isPassed: row.passed === null ? undefined : row.passed === 1,
    picoUsd: picoUsdOf(row.cost),
  }
}

function answerOf(row: RowOf<typeof STORED_ANSWER>): AuditAnswer {
  return {
    kind: row.kind === 'route' ? 'route' : 'target',
    path: row.path,
    question: row.question,
    task: row.task,
    answeredAt: row.at_ms,
    traceId: /[1-9a-f]/.test(row.trace) ? row.trace : undefined,
    value: row.value ?? undefined,
    failure: row.failure,
    model: row.model,
    picoUsd: picoUsdOf(row.cost),
  }
}

/** `0.0021` in US dollars, at most twelve decimals. */
function picoUsdOf(decimal: string | null): PicoUsd | undefined {
  if (decimal === null) return undefined
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(12, '0').slice(0, 12))
}
