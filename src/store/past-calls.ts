import type { PastCall } from '../domain/routing/past-call.ts'
import { identifier, type Query } from './client.ts'
import { type Columns, parseAs } from './columns.ts'

const PAST_CALL = {
  provider: 'text',
  model: 'text',
  ended_at_ms: 'number',
  has_failed: 'flag',
  duration_ms: 'number',
  first_token_ms: 'optionalNumber',
} as const satisfies Columns

/** An error rate needs no more of one target, and no start waits for more of all. */
const MOST_PER_TARGET = 200
const MOST = 5_000
/** Calls that ended within the window may have begun so much earlier. */
const LONGEST_CALL_MS = 600_000

/**
 * The calls of clients that ended within the last `windowMs` and tell something of their target, the newest of each:
 * good ones, and those that failed by its fault (`targetVerdict` says the same of a live call).
 */
export function pastCallsQuery(database: string, windowMs: number): Query<PastCall> {
  const sql = `SELECT provider, model, ended_at_ms, has_failed, duration_ms, first_token_ms
    FROM (
      SELECT provider, model, duration_ms, outcome,
        toUnixTimestamp64Milli(started_at) + toInt64(duration_ms) AS ended_at_ms,
        if(is_stream, first_token_ms, NULL) AS first_token_ms,
        toBool(outcome = 'interrupted' OR status >= 498
          OR (outcome = 'unavailable' AND error NOT IN ('overloaded', 'shutting_down', 'internal'))) AS has_failed
      FROM ${identifier(database)}.attempts
      WHERE started_at >= now64(3) - toIntervalMillisecond({windowMs:UInt64} + {longestMs:UInt64})
        AND role NOT IN ('shadow', 'judge', 'classifier') AND model != ''
    )
    WHERE (outcome = 'completed' OR has_failed)
      AND ended_at_ms >= toUnixTimestamp64Milli(now64(3)) - {windowMs:UInt64}
    ORDER BY ended_at_ms DESC LIMIT ${MOST_PER_TARGET} BY provider, model LIMIT ${MOST}
    SETTINGS output_format_json_quote_64bit_integers = 0`
  const parse = parseAs(PAST_CALL)
  return {
    name: 'past_calls',
    sql,
    params: { windowMs: Math.round(windowMs), longestMs: LONGEST_CALL_MS },
    parse: (row) => {
      const call = parse(row)
      return {
        provider: call.provider,
        model: call.model,
        endedAt: call.ended_at_ms,
        hasFailed: call.has_failed,
        durationMs: call.duration_ms,
        firstTokenMs: call.first_token_ms ?? undefined,
      }
    },
  }
}
