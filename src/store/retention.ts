import type { Retention } from '../domain/policy.ts'
import { identifier, type StoreClient } from './client.ts'
import { parseAs } from './columns.ts'

/** The tables whose rows expire: their time column and how many days they are kept. */
function retentionOf(retention: Retention): ReadonlyMap<string, { readonly column: string; readonly days: number }> {
  return new Map([
    ['traces', { column: 'received_at', days: retention.tracesDays }],
    ['attempts', { column: 'started_at', days: retention.attemptsDays }],
    ['contents', { column: 'received_at', days: retention.contentsDays }],
    ['scores', { column: 'trace_at', days: retention.tracesDays }],
    ['pairs', { column: 'trace_at', days: retention.tracesDays }],
    ['shadow_funnel', { column: 'minute', days: retention.tracesDays }],
    ['proxy_readings', { column: 'at', days: retention.tracesDays }],
    ['audit_answers', { column: 'answered_at', days: retention.tracesDays }],
    ['quarantine', { column: 'ts', days: retention.quarantineDays }],
    ['attempts_1m', { column: 'minute', days: retention.rollupMinutesDays }],
    ['attempts_1h', { column: 'hour', days: retention.rollupHoursDays }],
    ['traces_1m', { column: 'minute', days: retention.rollupMinutesDays }],
    ['traces_1h', { column: 'hour', days: retention.rollupHoursDays }],
  ])
}

/**
 * Makes the tables keep their rows as long as `retention` says. A table that does so already is left alone, as an
 * ALTER recalculates every part. Resolves to the tables changed; rejects when the server cannot be reached.
 */
export async function applyRetention(
  client: StoreClient,
  retention: Retention,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const wanted = retentionOf(retention)
  const { database, cluster } = client.address
  // On a cluster the rows are in the local tables, and what is read and written under the plain name has no TTL.
  const plainName = (table: string): string => (cluster === undefined ? table : table.replace(/_local$/, ''))
  const onCluster = (table: string): string =>
    cluster !== undefined && table.endsWith('_local') ? ` ON CLUSTER ${identifier(cluster)}` : ''
  const read = await client.select(
    {
      name: 'retention',
      sql: "SELECT name, engine_full FROM system.tables WHERE database = {database:String} AND name IN {tables:Array(String)} AND engine != 'Distributed'",
      params: { database, tables: [...wanted.keys()].flatMap((table) => [table, `${table}_local`]) },
      parse: parseAs({ name: 'text', engine_full: 'text' }),
    },
    signal,
  )
  if (read.kind === 'unavailable') throw new Error(`The retention could not be read: ${read.detail}`)
  const changed: string[] = []
  for (const { name: table, engine_full: engine } of read.value) {
    const wish = wanted.get(plainName(table))
    if (wish === undefined || wish.days === ttlDays(engine)) continue
    await client.command(
      `ALTER TABLE ${identifier(database)}.${identifier(table)}${onCluster(table)} MODIFY TTL toDateTime(${wish.column}) + INTERVAL ${wish.days} DAY`,
      signal,
    )
    changed.push(table)
  }
  return changed
}

/** The days of a table's TTL as the server prints it (`TTL toDateTime(x) + toIntervalDay(30)`); undefined = none. */
function ttlDays(engineFull: string): number | undefined {
  const match = /TTL [^]*?toIntervalDay\((\d+)\)/.exec(engineFull)
  return match === null ? undefined : Number(match[1])
}
