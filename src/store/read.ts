import type { EpochMs, RequestId } from '../domain/units.ts'
import type { PastCall } from '../domain/routing/past-call.ts'
import { identifier, type Json, type Read, type Select } from './client.ts'
import { parseAs } from './columns.ts'
import { pastCallsQuery } from './past-calls.ts'
import { type ShadowSpend, shadowSpendQuery, type SpendWanted } from './shadow-spend.ts'
import {
  MODEL_SUMMARY,
  type ModelSummary,
  STORED_ATTEMPT,
  STORED_CHANGE,
  STORED_TRACE,
  type StoredAttempt,
  type StoredChange,
  type StoredTrace,
} from './stored-rows.ts'
import { STORED_CONTENT, type StoredContent } from './stored-content.ts'

/** Columns of `traces` by whose value traces can be found. */
export type TraceColumn =
  | 'route'
  | 'provider'
  | 'api'
  | 'requested_model'
  | 'served_model'
  | 'outcome'
  | 'error'
  | 'team'
  | 'user'
  | 'session'
  | 'policy_version'

/** Which traces to list: the newest `limit` of the last `minutes` that match all that is given. */
export type TraceFilter = {
  /** At most 1 000 are listed, whatever is asked. */
  readonly limit: number
  readonly minutes: number
  readonly equals: Readonly<Partial<Record<TraceColumn, string>>>
  /** As the client got it. */
  readonly status: number | undefined
}

export type TraceRows = {
  readonly trace: StoredTrace
  readonly attempts: readonly StoredAttempt[]
  /** What was said; undefined where that is not kept. */
  readonly content?: StoredContent | undefined
}

/** The reads that the admin API needs. None throws on an outage; each is bounded in time and rows. */
export type Reads = {
  /** Newest first. */
  readonly recentTraces: (filter: TraceFilter, signal?: AbortSignal) => Promise<Read<readonly StoredTrace[]>>
  /** Undefined when there is no such trace (any more, or yet: rows take about a second). */
  readonly trace: (id: RequestId, signal?: AbortSignal) => Promise<Read<TraceRows | undefined>>
  /** Live changes, newest first. `route` undefined: of every route. */
  readonly changes: (
    filter: { readonly route: string | undefined; readonly limit: number },
    signal?: AbortSignal,
  ) => Promise<Read<readonly StoredChange[]>>
  /** The last `minutes` per provider and model, busiest first. */
  readonly summary: (minutes: number, signal?: AbortSignal) => Promise<Read<readonly ModelSummary[]>>
  /** How targets fared in the last `windowMs`. */
  readonly pastCalls: (windowMs: number, signal?: AbortSignal) => Promise<Read<readonly PastCall[]>>
  readonly shadowSpend: (wanted: SpendWanted, signal?: AbortSignal) => Promise<Read<readonly ShadowSpend[]>>
}

const MOST_TRACES = 1_000
const HOUR_MS = 3_600_000

/** Times as ISO 8601 with a Z; counts as numbers, for none of ours reaches 2⁵³. */
const FORMAT = "SETTINGS date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 0"

/** Reads of `database` by way of `select`. */
export function openReads(select: Select, database: string): Reads {
  const traces = `${identifier(database)}.traces`
  const attempts = `${identifier(database)}.attempts`
  const contents = `${identifier(database)}.contents`

  return {
    recentTraces: (filter, signal) => {
      const { where, params } = conditions(filter)
      const sql = `SELECT ${columnsOf(STORED_TRACE)} FROM ${traces} WHERE ${where}
        ORDER BY received_at DESC, trace_id DESC LIMIT {limit:UInt32} ${FORMAT}`
      return select({ name: 'recent_traces', sql, params, parse: parseAs(STORED_TRACE) }, signal)
    },

    trace: async (id, signal) => {
      const madeAt = timeOfId(id)
      if (madeAt === undefined) return { kind: 'ok', value: undefined }
      // The id tells the time: a narrow window spares the server all other partitions. Calls may come long after
      // the request (a shadow, a judge).
      const params = { id, from: madeAt - HOUR_MS, to: madeAt + HOUR_MS, lastCall: madeAt + 24 * HOUR_MS }
      const traceSql = `SELECT ${columnsOf(STORED_TRACE)} FROM ${traces} WHERE trace_id = {id:UUID}
        AND received_at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
        LIMIT 1 ${FORMAT}`
      const found = await select({ name: 'trace', sql: traceSql, params, parse: parseAs(STORED_TRACE) }, signal)
      if (found.kind === 'unavailable') return found
      const [trace] = found.value
      if (trace === undefined) return { kind: 'ok', value: undefined }
      const attemptsSql = `SELECT ${columnsOf(STORED_ATTEMPT)} FROM ${attempts} WHERE trace_id = {id:UUID}
        AND started_at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({lastCall:Int64})
        ORDER BY position, started_at, attempt_id ${FORMAT}`
      const calls = await select({ name: 'trace', sql: attemptsSql, params, parse: parseAs(STORED_ATTEMPT) }, signal)
      if (calls.kind === 'unavailable') return calls
      const contentSql = `SELECT ${columnsOf(STORED_CONTENT)} FROM ${contents} WHERE trace_id = {id:UUID}
        AND received_at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
        LIMIT 1 ${FORMAT}`
      const said = await select({ name: 'trace', sql: contentSql, params, parse: parseAs(STORED_CONTENT) }, signal)
      if (said.kind === 'unavailable') return said
      return { kind: 'ok', value: { trace, attempts: calls.value, content: said.value[0] } }
    },

    changes: ({ route, limit }, signal) => {
      const where = route === undefined ? '' : 'WHERE subject = {route:String}'
      const sql = `SELECT ${columnsOf(STORED_CHANGE)} FROM ${identifier(database)}.config_changes ${where}
        ORDER BY revision DESC LIMIT {limit:UInt32} ${FORMAT}`
      const params = { limit: Math.min(whole(limit), MOST_TRACES), ...(route === undefined ? {} : { route }) }
      return select({ name: 'changes', sql, params, parse: parseAs(STORED_CHANGE) }, signal)
    },

    summary: (minutes, signal) => {
      const sql = `SELECT provider, model, count() AS calls,
          countIf(outcome NOT IN ('completed', 'cancelled')) AS errors,
          countIf(call.cost_usd IS NOT NULL) AS priced_calls,
          sum(call.cost_usd) AS cost_usd, sum(call.input_tokens) AS input_tokens, sum(call.output_tokens) AS output_tokens,
          quantileTDigestIf(0.5)(duration_ms, outcome = 'completed') AS duration_ms_p50,
          quantileTDigestIf(0.95)(duration_ms, outcome = 'completed') AS duration_ms_p95,
          quantileTDigestIf(0.5)(first_token_ms, outcome = 'completed') AS first_token_ms_p50,
          quantileTDigestIf(0.95)(first_token_ms, outcome = 'completed') AS first_token_ms_p95
        FROM ${attempts} AS call
        WHERE started_at >= now64(3) - toIntervalMinute({minutes:UInt32}) AND role NOT IN ('shadow', 'judge')
        GROUP BY provider, model ORDER BY calls DESC, provider, model LIMIT 1000 ${FORMAT}`
      return select(
        { name: 'summary', sql, params: { minutes: whole(minutes) }, parse: parseAs(MODEL_SUMMARY) },
        signal,
      )
    },

    pastCalls: (windowMs, signal) => select(pastCallsQuery(database, windowMs), signal),

    shadowSpend: (wanted, signal) => select(shadowSpendQuery(database, wanted), signal),
  }
}

function conditions(filter: TraceFilter): { readonly where: string; readonly params: Readonly<Record<string, Json>> } {
  const where = ['received_at >= now64(3) - toIntervalMinute({minutes:UInt32})']
  const params: Record<string, Json> = {
    minutes: whole(filter.minutes),
    limit: Math.min(whole(filter.limit), MOST_TRACES),
  }
  for (const [column, value] of Object.entries(filter.equals)) {
    where.push(`${identifier(column)} = {equals_${column}:String}`)
    params[`equals_${column}`] = value
  }
  if (filter.status !== undefined) {
    where.push('status = {status:UInt16}')
    params.status = whole(filter.status)
  }
  return { where: where.join(' AND '), params }
}

function columnsOf(columns: Readonly<Record<string, unknown>>): string {
  return Object.keys(columns).map(identifier).join(', ')
}

function whole(number: number): number {
  return Math.max(0, Math.floor(number))
}

/** The time in a UUIDv7; undefined for anything else, which cannot be one of our ids. */
function timeOfId(id: string): EpochMs | undefined {
  const match = /^([\da-f]{8})-([\da-f]{4})-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i.exec(id)
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16)
}
