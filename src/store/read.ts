import type { EpochMs } from '../domain/units.ts'
import { identifier, type Read, type Select } from './client.ts'
import { readDecimal, readNumber, readOptionalNumber, readText } from './read-row.ts'
import {
  ATTEMPT_COLUMNS,
  type AttemptRecord,
  parseAttempt,
  parseTrace,
  TRACE_COLUMNS,
  type TraceRecord,
} from './trace-record.ts'

/** Which traces to list: the newest `limit` since `since` that match all that is given. */
export type TraceFilter = {
  /** At most 1 000 are listed, whatever is asked. */
  readonly limit: number
  readonly since: EpochMs
  /** Named by the client, asked of the upstream, or named in the answer. */
  readonly model?: string | undefined
  readonly outcome?: string | undefined
}

export type TraceDetail = { readonly trace: TraceRecord; readonly calls: readonly AttemptRecord[] }

/** What a model did for clients (shadow and judge calls left out). Latency over completed calls, in ms. */
export type ModelSummary = {
  readonly provider: string
  readonly model: string
  readonly calls: number
  /** Refused, unavailable or interrupted. */
  readonly errors: number
  readonly pricedCalls: number
  /** Sum over `pricedCalls`, exact; undefined when none is priced. */
  readonly costUsd: string | undefined
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly durationMsP50: number | undefined
  readonly durationMsP95: number | undefined
  readonly firstTokenMsP50: number | undefined
  readonly firstTokenMsP95: number | undefined
}

/** The reads that the admin API needs. None throws on an outage; each is bounded in time and rows. */
export type Reads = {
  readonly traces: (filter: TraceFilter, signal?: AbortSignal) => Promise<Read<TraceRecord>>
  /** One row, or none when there is no such trace (any more, or yet: rows take about a second). */
  readonly trace: (traceId: string, signal?: AbortSignal) => Promise<Read<TraceDetail>>
  /** Per provider and model, busiest first. */
  readonly models: (since: EpochMs, signal?: AbortSignal) => Promise<Read<ModelSummary>>
}

const MOST_TRACES = 1_000
const HOUR_MS = 3_600_000

/** Reads of `database` by way of `select`. */
export function openReads(select: Select, database: string): Reads {
  const db = identifier(database)
  return {
    traces: (filter, signal) => {
      const conditions = ['received_at >= fromUnixTimestamp64Milli({since:Int64})']
      if (filter.model !== undefined) conditions.push('{model:String} IN (requested_model, target_model, served_model)')
      if (filter.outcome !== undefined) conditions.push('outcome = {outcome:String}')
      return select(
        {
          name: 'traces',
          sql: `SELECT ${TRACE_COLUMNS} FROM ${db}.traces WHERE ${conditions.join(' AND ')}
                ORDER BY received_at DESC, trace_id DESC LIMIT {limit:UInt32}`,
          params: {
            since: Math.floor(filter.since),
            limit: Math.min(Math.max(Math.floor(filter.limit), 1), MOST_TRACES),
            ...(filter.model === undefined ? {} : { model: filter.model }),
            ...(filter.outcome === undefined ? {} : { outcome: filter.outcome }),
          },
          parse: parseTrace,
        },
        signal,
      )
    },

    trace: async (traceId, signal) => {
      const madeAt = timeOfId(traceId)
      if (madeAt === undefined) return { kind: 'read', rows: [] }
      // The id tells the time: a narrow window spares the server all other partitions. Calls may come long after
      // the request (a shadow, a judge).
      const params = { traceId, from: madeAt - HOUR_MS, to: madeAt + HOUR_MS, callsTo: madeAt + 24 * HOUR_MS }
      const found = await select(
        {
          name: 'trace',
          sql: `SELECT ${TRACE_COLUMNS} FROM ${db}.traces WHERE trace_id = {traceId:UUID}
                AND received_at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64}) LIMIT 1`,
          params,
          parse: parseTrace,
        },
        signal,
      )
      const [trace] = found.kind === 'read' ? found.rows : []
      if (found.kind === 'unavailable') return found
      if (trace === undefined) return { kind: 'read', rows: [] }
      const calls = await select(
        {
          name: 'trace',
          sql: `SELECT ${ATTEMPT_COLUMNS} FROM ${db}.attempts WHERE trace_id = {traceId:UUID}
                AND started_at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({callsTo:Int64})
                ORDER BY position, started_at, attempt_id`,
          params,
          parse: parseAttempt,
        },
        signal,
      )
      return calls.kind === 'read' ? { kind: 'read', rows: [{ trace, calls: calls.rows }] } : calls
    },

    models: (since, signal) =>
      select(
        {
          name: 'models',
          sql: `SELECT provider, model, count() AS calls,
                  countIf(outcome NOT IN ('completed', 'cancelled')) AS errors,
                  countIf(call.cost_usd IS NOT NULL) AS priced_calls,
                  sum(call.cost_usd) AS total_cost_usd,
                  sum(call.input_tokens) AS total_input_tokens,
                  sum(call.output_tokens) AS total_output_tokens,
                  quantileTDigestIf(0.5)(duration_ms, outcome = 'completed') AS duration_p50,
                  quantileTDigestIf(0.95)(duration_ms, outcome = 'completed') AS duration_p95,
                  quantileTDigestIf(0.5)(first_token_ms, outcome = 'completed') AS first_token_p50,
                  quantileTDigestIf(0.95)(first_token_ms, outcome = 'completed') AS first_token_p95
                FROM ${db}.attempts AS call
                WHERE started_at >= fromUnixTimestamp64Milli({since:Int64}) AND role NOT IN ('shadow', 'judge')
                GROUP BY provider, model ORDER BY calls DESC, provider, model LIMIT 1000`,
          params: { since: Math.floor(since) },
          parse: (row): ModelSummary => ({
            provider: readText(row, 'provider'),
            model: readText(row, 'model'),
            calls: readNumber(row, 'calls'),
            errors: readNumber(row, 'errors'),
            pricedCalls: readNumber(row, 'priced_calls'),
            costUsd: readDecimal(row, 'total_cost_usd'),
            inputTokens: readOptionalNumber(row, 'total_input_tokens'),
            outputTokens: readOptionalNumber(row, 'total_output_tokens'),
            durationMsP50: readOptionalNumber(row, 'duration_p50'),
            durationMsP95: readOptionalNumber(row, 'duration_p95'),
            firstTokenMsP50: readOptionalNumber(row, 'first_token_p50'),
            firstTokenMsP95: readOptionalNumber(row, 'first_token_p95'),
          }),
        },
        signal,
      ),
  }
}

/** The time in a UUIDv7; undefined for anything else, which cannot be one of our ids. */
function timeOfId(id: string): EpochMs | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id)
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16)
}
