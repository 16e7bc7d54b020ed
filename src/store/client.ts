import { Readable } from 'node:stream'
import { ClickHouseError, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import type { Closable } from '../domain/ports.ts'
import type { Insert } from './insert.ts'
import { describeStoreError, insertFailure } from './insert-failure.ts'

/** Where a ClickHouse server is and as whom to speak to it. */
export type StoreAddress = {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly database: string
  /** Name of the ClickHouse cluster that the tables are made for; undefined = one server. */
  readonly cluster?: string | undefined
}

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** One row of a result, by column name. 64-bit integers and decimals are text unless the query says otherwise. */
export type Row = { readonly [column: string]: Json }

/** A read and how to understand its rows. `sql` names its parameters as `{name:Type}`. */
export type Query<T> = {
  /** Goes to the server's log as `understudy:<name>`. */
  readonly name: string
  readonly sql: string
  readonly params?: Readonly<Record<string, Json>>
  /** Throws on a row that is not what `sql` promises: that is a bug, not an outage. */
  readonly parse: (row: Row) => T
}

/** What was read, or why that cannot be done just now. */
export type Read<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'unavailable'; readonly detail: string }

/** A result with its header. */
export type Table = {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** In the order of `columns`. */
  readonly rows: readonly (readonly Json[])[]
}

export type Select = <T>(query: Query<T>, signal?: AbortSignal) => Promise<Read<readonly T[]>>

/** The one way to ClickHouse. */
export type StoreClient = Closable & {
  readonly address: StoreAddress
  readonly insert: Insert
  readonly select: Select
  /** As `insert`, named rows into any table of the database; rejects with the server's error. */
  readonly insertRows: (table: string, rows: string | Buffer, token: string, signal?: AbortSignal) => Promise<void>
  /**
   * Runs `sql` as it is, in the client's database, and reads its whole result; rejects with the server's error, and with
   * its code for too large a result (396) when the answer would exceed `maxBytes`.
   */
  readonly ask: (
    sql: string,
    options: { readonly settings: ClickHouseSettings; readonly maxBytes: number },
    signal?: AbortSignal,
  ) => Promise<Table>
  /** Runs one statement without a result, `{name:Type}` being its parameters; rejects with the server's error. */
  readonly command: (sql: string, signal?: AbortSignal, params?: Readonly<Record<string, Json>>) => Promise<void>
}

/** Longest run of a read: an operator waits for it, and a dashboard asks again. */
const READ_SECONDS = 15
const READ_ROWS = 100_000

const EVERY_QUERY: ClickHouseSettings = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  date_time_input_format: 'best_effort',
}

const EVERY_INSERT: ClickHouseSettings = {
  log_comment: 'understudy:insert',
  // Columns go by the names in the first line. A misspelt one would otherwise vanish in silence.
  input_format_with_names_use_header: 1,
  input_format_skip_unknown_fields: 0,
  // Null, and a column that the rows do not have, stand for the column's default.
  input_format_null_as_default: 1,
  input_format_defaults_for_omitted_fields: 1,
  insert_deduplicate: 1,
  // Without it a retried batch doubles what materialized views have summed up.
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // Batches are made here; the server's own batching answers before the rows are stored and has its own tokens.
  async_insert: 0,
  // Answer only when the rows are stored, with a status that says so.
  wait_end_of_query: 1,
  // One block per batch, in order: the token then covers all of it.
  input_format_parallel_parsing: 0,
  // Rows spooled through an outage of months are as welcome as any.
  max_partitions_per_insert_block: '0',
}

/** On a cluster, what must not be believed twice: a majority has it, and whoever reads sees the last one. */
const DECIDING_TABLES: ReadonlySet<string> = new Set([
  'leases',
  'migrations',
  'config_changes',
  'rollout_events',
  'weight_decisions',
])
const DECIDING_INSERT: ClickHouseSettings = { insert_quorum: 'auto', insert_quorum_parallel: 0 }
/** Answered when every shard has its part of the batch, not when one node has put it by. */
const CLUSTER_INSERT: ClickHouseSettings = { distributed_foreground_insert: 1 }
const CLUSTER_READ: ClickHouseSettings = { select_sequential_consistency: '1' }

const EVERY_READ: ClickHouseSettings = {
  readonly: '2',
  max_execution_time: READ_SECONDS,
  max_result_rows: String(READ_ROWS),
  result_overflow_mode: 'throw',
  cancel_http_readonly_queries_on_client_close: 1,
}

/** Opens a client; connects on first use. Credentials inside the URL win over those beside it. */
export function openClient(address: StoreAddress): StoreClient {
  const url = new URL(address.url)
  const username = decodeURIComponent(url.username) || address.username
  const password = decodeURIComponent(url.password) || address.password
  const client = createClient({
    // Taken apart here: the library would read a path as the name of a database, and warn on the console.
    url: url.origin,
    pathname: url.pathname === '/' ? '' : url.pathname,
    username,
    password,
    // In ClickHouse's own headers: of Basic credentials the embedded server knows the read-only ones alone.
    set_basic_auth_header: false,
    http_headers: { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password },
    application: 'understudy',
    // Longer than READ_SECONDS, so that the server's own time-out is the one that is reported.
    request_timeout: 30_000,
    max_open_connections: 8,
    clickhouse_settings: EVERY_QUERY,
    log: { level: ClickHouseLogLevel.OFF },
  })

  const isCluster = address.cluster !== undefined
  const readSettings = isCluster ? CLUSTER_READ : {}
  const insertSettings = (table: string): ClickHouseSettings =>
    !isCluster ? {} : DECIDING_TABLES.has(table) ? DECIDING_INSERT : CLUSTER_INSERT

  const insertRows: StoreClient['insertRows'] = async (table, rows, token, signal) => {
    signal?.throwIfAborted() // the library does not look at a signal that has aborted already
    const result = await client.exec({
      query: `INSERT INTO ${identifier(address.database)}.${identifier(table)} FORMAT JSONCompactEachRowWithNames`,
      values: Readable.from([rows], { objectMode: false }),
      clickhouse_settings: { ...EVERY_INSERT, ...insertSettings(table), insert_deduplication_token: token },
      ...(signal === undefined ? {} : { abort_signal: signal }),
    })
    await drain(result.stream)
  }

  return {
    address,
    insertRows,
    insert: async (table, rows, token) => {
      try {
        await insertRows(table, rows, token)
        return { kind: 'stored' }
      } catch (error) {
        return insertFailure(error)
      }
    },
    select: async (query, signal) => {
      let rows: Row[]
      try {
        signal?.throwIfAborted()
        const result = await client.query({
          query: query.sql,
          format: 'JSONEachRow',
          clickhouse_settings: { ...EVERY_READ, ...readSettings, log_comment: `understudy:${query.name}` },
          ...(query.params === undefined ? {} : { query_params: query.params }),
          ...(signal === undefined ? {} : { abort_signal: signal }),
        })
        rows = await result.json<Row>()
      } catch (error) {
        return { kind: 'unavailable', detail: describeStoreError(error) }
      }
      return { kind: 'ok', value: rows.map((row) => query.parse(row)) }
    },
    ask: async (sql, { settings, maxBytes }, signal) => {
      signal?.throwIfAborted()
      // By exec, which adds nothing to the text: what was checked is what runs.
      const result = await client.exec({
        query: sql,
        clickhouse_settings: { ...settings, default_format: 'JSONCompact' },
        http_headers: { 'X-ClickHouse-Database': address.database },
        ...(signal === undefined ? {} : { abort_signal: signal }),
      })
      return parseTable(await readAtMost(result.stream, maxBytes))
    },
    command: async (sql, signal, params) => {
      signal?.throwIfAborted()
      await client.command({
        query: sql,
        ...(params === undefined ? {} : { query_params: params }),
        ...(signal === undefined ? {} : { abort_signal: signal }),
      })
    },
    close: () => client.close(),
  }
}

/** A result cut off by the reader ends the query too: the server sees the connection close. */
async function readAtMost(stream: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    const read = Buffer.from(chunk)
    bytes += read.length
    if (bytes > maxBytes) throw new ClickHouseError({ message: `more than ${maxBytes} bytes`, code: '396' })
    chunks.push(read)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What the format JSONCompact says. An error that came after the first rows stands behind them, as text. */
function parseTable(body: string): Table {
  const parsed = parseJson(body)
  if (isTable(parsed)) return { columns: parsed.meta, rows: parsed.data }
  const [, code, message] = /Code: (\d+)\. DB::Exception: (.*)/.exec(body.slice(-4_000)) ?? []
  throw new ClickHouseError({ message: message ?? body.slice(-1_000), code: code ?? 'unexpected_answer' })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isTable(value: unknown): value is { meta: Table['columns']; data: Table['rows'] } {
  if (typeof value !== 'object' || value === null || !('meta' in value) || !('data' in value)) return false
  return Array.isArray(value.meta) && Array.isArray(value.data)
}

/** Reads a response to its end, so that its socket can serve again. An INSERT answers with nothing; text is an error. */
async function drain(stream: Readable): Promise<void> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  if (text !== '') throw new ClickHouseError({ message: text.slice(0, 1_000), code: 'unexpected_answer' })
}

/** A name quoted for use in SQL. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
}
