import { fileURLToPath } from 'node:url'
import type { Log } from '../domain/ports.ts'
import type { Retention } from '../domain/policy.ts'
import type { MonotonicMs } from '../domain/units.ts'
import { identifier, type Query, type StoreClient } from './client.ts'
import { parseAs, type RowOf } from './columns.ts'
import { giveBack, type Lease, renewLease, waitForLease } from './lease.ts'
import { databaseStatement, readSqlFiles, type SqlFile, type SqlNames, statementRenderer } from './sql-files.ts'
import { namedRows } from './named-rows.ts'

export type MigrateOptions = {
  readonly client: StoreClient
  /** Of tables yet to be made; see retention.ts for those that exist. */
  readonly retention: Retention
  /** Who migrates; must differ between processes. */
  readonly instance: string
  readonly log: Log
  /** Only for telling how long the lease has been held. */
  readonly monotonic: () => MonotonicMs
  /** Stops between two statements; what is done stays done, and the next run goes on from there. */
  readonly signal: AbortSignal
  /** Where the numbered files are; those that ship with the product by default. */
  readonly dir?: string
}

const SHIPPED_DIR = fileURLToPath(new URL('../../config/clickhouse', import.meta.url))

/** A holder that dies delays the others by no more. */
const LEASE_MS = 15_000
/**
 * A lease this old is renewed before the next statement, which so has ten seconds. Renewing costs three round trips and a
 * part on disk: before each statement it was more than half of what migrating an empty server takes.
 */
const RENEWED_AFTER_MS = 5_000

/**
 * Every statement that would make the tables of an empty server, or of an empty cluster, in order. `dir` as in
 * `MigrateOptions`.
 */
export function migrationStatements(names: SqlNames, dir = SHIPPED_DIR): readonly string[] {
  const files = readSqlFiles(dir)
  return [
    databaseStatement(names),
    ...files.flatMap(({ statements }) => statements).flatMap(statementRenderer(files, names)),
  ]
}

/**
 * Brings the database up to date: creates what is missing and applies each numbered file once.
 * Any number of instances may run it at once and any of them may be cut anywhere, because every statement is
 * idempotent and a file counts as applied only when its last statement is through. Resolves to the names of the
 * files that this call applied; rejects when the server cannot be reached or a released file was changed.
 */
export async function migrate(options: MigrateOptions): Promise<readonly string[]> {
  const { client, retention, signal } = options
  const [bootstrap, ...files] = readSqlFiles(options.dir ?? SHIPPED_DIR)
  if (bootstrap?.version !== 0) throw new Error('expected a file 000_*.sql with what migrating itself needs.')
  const { database, cluster } = client.address
  const rendered = statementRenderer([bootstrap, ...files], { database, cluster, retention })

  if (!(await isBootstrapped(client, signal))) {
    await createDatabase(client, signal)
    for (const sql of bootstrap.statements.flatMap(rendered)) await client.command(sql, signal)
  }
  if (pending(files, await readApplied(options)).length === 0) return []
  return applyUnderLease(options, files, rendered)
}

/** Asked before any DDL, so that a user who may only read and insert can use a database that another has prepared. */
async function isBootstrapped(client: StoreClient, signal: AbortSignal): Promise<boolean> {
  const tables = await readAll(client, signal, {
    name: 'migrate',
    sql: "SELECT name FROM system.tables WHERE database = {database:String} AND name IN ('migrations', 'leases')",
    params: { database: client.address.database },
    parse: parseAs({ name: 'text' }),
  })
  return tables.length === 2
}

async function createDatabase(client: StoreClient, signal: AbortSignal): Promise<void> {
  const { database } = client.address
  const found = await readAll(client, signal, {
    name: 'migrate',
    sql: 'SELECT name FROM system.databases WHERE name = {database:String}',
    params: { database },
    parse: parseAs({ name: 'text' }),
  })
  // Asked first, because a user who may not create databases may still own this one.
  if (found.length === 0) await client.command(databaseStatement(client.address), signal)
}

async function applyUnderLease(
  options: MigrateOptions,
  files: readonly SqlFile[],
  rendered: (statement: string) => readonly string[],
): Promise<readonly string[]> {
  const { client, instance, log, monotonic, signal } = options
  const take = (): Promise<Lease> => waitForLease(client, 'migrate', instance, LEASE_MS, signal)
  let lease = await take()
  let takenAt = monotonic()
  const done: string[] = []
  // Read again: whoever held the lease before may have done it all.
  for (const file of pending(files, await readApplied(options))) {
    for (const sql of file.statements.flatMap(rendered)) {
      if (monotonic() - takenAt > RENEWED_AFTER_MS) {
        takenAt = monotonic()
        lease = (await renewLease(client, lease, LEASE_MS, signal)) ?? (await take())
      }
      await client.command(sql, signal)
    }
    const rows = namedRows(
      ['version', 'name', 'checksum', 'instance'],
      [file.version, file.name, file.checksum, instance],
    )
    await client.insertRows('migrations', rows, `migration/${file.version}`, signal)
    log.info('store_migrated', { migration: file.name })
    done.push(file.name)
  }
  await giveBack(client, lease, signal)
  return done
}

const APPLIED = { version: 'number', name: 'text', checksum: 'text' } as const

type Applied = RowOf<typeof APPLIED>

/** The files that are not applied yet. Throws when one that is applied has changed since. */
function pending(files: readonly SqlFile[], applied: ReadonlyMap<number, Applied>): readonly SqlFile[] {
  return files.filter((file) => {
    const before = applied.get(file.version)
    if (before !== undefined && before.checksum !== file.checksum) {
      throw new Error(
        `${file.name} was changed after it had been applied as ${before.name}: restore it and put the change into a new file.`,
      )
    }
    return before === undefined
  })
}

async function readApplied(options: MigrateOptions): Promise<ReadonlyMap<number, Applied>> {
  const rows = await readAll(options.client, options.signal, {
    name: 'migrate',
    sql: `SELECT version, name, checksum FROM ${identifier(options.client.address.database)}.migrations`,
    parse: parseAs(APPLIED),
  })
  return new Map(rows.map((row) => [row.version, row]))
}

async function readAll<T>(client: StoreClient, signal: AbortSignal, query: Query<T>): Promise<readonly T[]> {
  const read = await client.select(query, signal)
  if (read.kind === 'unavailable') throw new Error(`The store could not be read: ${read.detail}`)
  return read.value
}
