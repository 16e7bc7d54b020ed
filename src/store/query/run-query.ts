import { ClickHouseError } from '@clickhouse/client'
import type { ClickHouseSettings } from '@clickhouse/client'
import type { Json, StoreClient } from '../client.ts'
import { describeStoreError } from '../insert-failure.ts'
import { openingFault, queryFault } from './query-fault.ts'

/** What a person's query came to. */
export type QueryAnswer =
  | {
      readonly kind: 'ok'
      readonly columns: readonly { readonly name: string; readonly type: string }[]
      /** In the order of `columns`. 64-bit integers and decimals are text. */
      readonly rows: readonly (readonly Json[])[]
      /** There are more rows than were asked for. */
      readonly isCut: boolean
    }
  /** It must not be run, it is wrong, or it is too much: for whoever asked, in a sentence. */
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string }

/** Asks for at most `limit` rows. Never throws. */
export type RunQuery = (sql: string, limit: number, signal?: AbortSignal) => Promise<QueryAnswer>

/** Most rows that one query may bring: a person reads them, or a script that should read the tables itself. */
export const MOST_QUERY_ROWS = 10_000
const LONGEST_SQL = 64 * 1024
const SECONDS = 10
const MEMORY_BYTES = 400_000_000
const RESULT_BYTES = 16_000_000

/** The caps of the read-only user, said again for servers on which the user is the operator's own. */
const CAPS: ClickHouseSettings = {
  readonly: '2',
  max_execution_time: SECONDS,
  timeout_overflow_mode: 'throw',
  max_memory_usage: String(MEMORY_BYTES),
  max_result_bytes: String(RESULT_BYTES),
  result_overflow_mode: 'throw',
  cancel_http_readonly_queries_on_client_close: 1,
  log_comment: 'understudy:query',
}

/** Queries of people at a time: two at their cap leave the engine memory for rows. */
const MOST_AT_ONCE = 2

/** Runs queries by the reader that there is just now, few at a time. */
export function openQueries(reader: () => StoreClient | undefined, whyNone: () => string): RunQuery {
  let running = 0
  return async (sql, limit, signal) => {
    const client = reader()
    if (client === undefined) return { kind: 'unavailable', detail: whyNone() }
    if (running >= MOST_AT_ONCE) {
      return { kind: 'refused', detail: `${MOST_AT_ONCE} queries are running already; try again shortly.` }
    }
    running += 1
    try {
      return await runQuery(client, sql, limit, signal)
    } finally {
      running -= 1
    }
  }
}

/**
 * Runs one reading statement of a person's as `reader`: parsed by the server first, refused where it could reach beyond
 * the tables of the database (see `queryFault`), then run under caps of time, memory and size.
 */
export async function runQuery(
  reader: StoreClient,
  sql: string,
  limit: number,
  signal?: AbortSignal,
): Promise<QueryAnswer> {
  if (sql.length > LONGEST_SQL)
    return { kind: 'refused', detail: `The query is longer than ${LONGEST_SQL} characters.` }
  const opening = openingFault(sql)
  if (opening !== undefined) return { kind: 'refused', detail: opening }
  const { database } = reader.address
  try {
    const [tree, databases, functions] = await Promise.all([
      reader.ask(`EXPLAIN AST ${sql}`, { settings: CAPS, maxBytes: RESULT_BYTES }, signal),
      reader.ask('SELECT name FROM system.databases', { settings: CAPS, maxBytes: RESULT_BYTES }, signal),
      reader.ask('SELECT lower(name) FROM system.functions', { settings: CAPS, maxBytes: RESULT_BYTES }, signal),
    ])
    const lines = firstColumn(tree)
    const fault = queryFault(sql, lines, {
      database,
      databases: firstColumn(databases),
      functions: new Set(firstColumn(functions)),
    })
    if (fault !== undefined) return { kind: 'refused', detail: fault }
    // One row more than wanted tells whether there are more.
    const answer = await reader.ask(
      sql,
      { settings: { ...CAPS, limit: String(limit + 1) }, maxBytes: RESULT_BYTES },
      signal,
    )
    return { kind: 'ok', columns: answer.columns, rows: answer.rows.slice(0, limit), isCut: answer.rows.length > limit }
  } catch (error) {
    const detail = describeStoreError(error)
    if (!(error instanceof ClickHouseError)) return { kind: 'unavailable', detail }
    return { kind: 'refused', detail: PLAIN_WORDS.get(error.code) ?? detail }
  }
}

/** The caps in plain words, by ClickHouse's error code. */
const PLAIN_WORDS: ReadonlyMap<string, string> = new Map([
  ['159', `The query took longer than ${SECONDS} s and was stopped: narrow its time window, or read a rollup.`],
  ['160', `The query would take longer than ${SECONDS} s: narrow its time window, or read a rollup.`],
  ['241', `The query needs more than ${MEMORY_BYTES / 1e6} MB of memory: group by less, or narrow its time window.`],
  ['396', `The result is larger than ${RESULT_BYTES / 1e6} MB: select fewer columns or rows.`],
  ['164', 'The query would change something; only reading is possible here.'],
])

function firstColumn({ rows }: { readonly rows: readonly (readonly Json[])[] }): readonly string[] {
  return rows.flatMap(([cell]) => (typeof cell === 'string' ? [cell] : []))
}
