import { setTimeout as delay } from 'node:timers/promises'
import type { EpochMs } from '../../domain/units.ts'
import { identifier, type Json, type Query, type StoreClient } from '../client.ts'
import { parseAs } from '../columns.ts'
import { giveBack, type Lease, renewLease, takeLease } from '../lease.ts'
import { PERSONAL_TABLES, type PersonalTable } from './personal-tables.ts'

/** Who is erased: a value of `x-understudy-user`, or of the dialect's own end user. Only rows received before `before`. */
export type Erasure = { readonly user: string; readonly before: EpochMs; readonly isDryRun: boolean }

/** What became of one table's rows, or would. */
export type ErasedRows = { readonly table: string; readonly rows: number; readonly action: 'deleted' | 'anonymised' }

export type EraseOptions = {
  readonly client: StoreClient
  readonly erasure: Erasure
  /** Names the run; must not name the person. */
  readonly id: string
  readonly holder: string
  readonly onDone: (table: ErasedRows) => void
  readonly signal: AbortSignal
}

/** Under this name ids of erased requests are kept (041_erasures.sql: seven days), for rows about them that come late. */
const EARLIER = 'earlier'
const NO_TRACE = '00000000-0000-0000-0000-000000000000'
const LEASE_MS = 60_000
/** Between two looks at a mutation: a small table is done before the second, a large one is asked twice a second. */
const FIRST_LOOK_MS = 20
const LONGEST_LOOK_MS = 500

type Touched = Exclude<PersonalTable, { readonly holds: 'nothing' }>

/**
 * Deletes or anonymises a person's rows in all tables, one table after the other, each mutation awaited; resolves to
 * what was found in each. Rejects when anything is left undone: then the same erasure may be begun again and finds what
 * is left. A dry run changes nothing.
 */
export async function eraseUser(options: EraseOptions): Promise<readonly ErasedRows[]> {
  const { client, erasure, id, onDone, signal } = options
  if (client.address.cluster !== undefined) {
    throw new Error(
      'On a cluster this command erases nothing yet (ARCHITECTURE.md, "On a cluster", says why); nothing was changed.',
    )
  }
  // Without a user is what most rows are.
  if (erasure.user === '') throw new Error('An empty user names nobody; nothing was changed.')
  const touched = PERSONAL_TABLES.filter((table): table is Touched => table.holds !== 'nothing')
  let lease = await takeLease(client, 'erase', options.holder, LEASE_MS, signal)
  if (lease === undefined) throw new Error('Another erasure is under way.')
  const renew = async (): Promise<void> => {
    lease = await renewed(client, lease, signal)
  }
  try {
    await find(client, erasure, id, signal)
    if (!erasure.isDryRun) await keepForLateRows(client, id, signal)
    const erased: ErasedRows[] = []
    for (const table of touched) {
      await renew()
      const rows = await countOf(client, table, id, signal)
      const result = { table: table.table, rows, action: table.holds === 'rows' ? 'deleted' : 'anonymised' } as const
      if (!erasure.isDryRun && rows > 0) await mutate(client, table, id, renew, signal)
      onDone(result)
      erased.push(result)
    }
    return erased
  } finally {
    // Also when cut off: the next one finds anew.
    const last = AbortSignal.timeout(5_000)
    const partition = `ALTER TABLE ${nameOf(client, 'erasures')} DROP PARTITION '${id}'`
    await client.command(partition, last).catch(() => undefined)
    if (lease !== undefined) await giveBack(client, lease, last).catch(() => undefined)
  }
}

async function renewed(client: StoreClient, lease: Lease | undefined, signal: AbortSignal): Promise<Lease> {
  const next = lease === undefined ? undefined : await renewLease(client, lease, LEASE_MS, signal)
  if (next === undefined) throw new Error('Another erasure has begun meanwhile; begin this one again.')
  return next
}

/** Notes whose rows they are. The person is a parameter of these reads, so no file of the server's comes to hold it. */
async function find(client: StoreClient, { user, before }: Erasure, id: string, signal: AbortSignal): Promise<void> {
  const into = `INSERT INTO ${nameOf(client, 'erasures')} (erasure, trace_id, row_hash) SELECT {id:String}`
  // A name in a refused row stands in quotes, as JSON has it; the row may be JSON within JSON.
  const params = { id, user, before: Math.floor(before), quoted: JSON.stringify(user) }
  const at = 'fromUnixTimestamp64Milli({before:Int64})'
  const isTheirs = '(user = {user:String} OR end_user = {user:String})'
  for (const table of ['traces', 'contents']) {
    const sql = `${into}, trace_id, 0 FROM ${nameOf(client, table)} WHERE ${isTheirs} AND received_at < ${at}`
    await client.command(sql, signal, params)
  }
  const refused = `${into}, toUUIDOrZero(JSONExtractString(row, 'trace_id')), cityHash64(row)
    FROM ${nameOf(client, 'quarantine')} WHERE ts < ${at} AND (position(row, {quoted:String}) > 0
      OR toUUIDOrZero(JSONExtractString(row, 'trace_id')) IN
        (SELECT trace_id FROM ${nameOf(client, 'erasures')} WHERE ${isKnown(id)} AND row_hash = 0))`
  await client.command(refused, signal, params)
}

/** Before anything is changed: a row that comes after that is found by these alone. */
async function keepForLateRows(client: StoreClient, id: string, signal: AbortSignal): Promise<void> {
  const erasures = nameOf(client, 'erasures')
  const sql = `INSERT INTO ${erasures} (erasure, trace_id, row_hash) SELECT DISTINCT '${EARLIER}', trace_id, 0
    FROM ${erasures} WHERE erasure = {id:String} AND trace_id != toUUID('${NO_TRACE}')`
  await client.command(sql, signal, { id })
}

/** Of this erasure, or of an earlier one. */
function isKnown(id: string): string {
  return `erasure IN ('${id}', '${EARLIER}')`
}

/** Which rows of `table` are still as they were. */
function conditionOf(client: StoreClient, table: Touched, id: string): string {
  const { expression, found } = table.key
  // Zeros are what rows have that name no request, or that are not of quarantine.
  const isOne = found === 'trace_id' ? `trace_id != toUUID('${NO_TRACE}')` : 'row_hash != 0'
  const among = `${expression} IN (SELECT ${found} FROM ${nameOf(client, 'erasures')} WHERE ${isKnown(id)} AND ${isOne})`
  if (table.holds === 'rows') return among
  const isFilled = Object.keys(table.blank).map((column) => `notEmpty(${identifier(column)})`)
  return `${among} AND (${isFilled.join(' OR ')})`
}

async function countOf(client: StoreClient, table: Touched, id: string, signal: AbortSignal): Promise<number> {
  const sql = `SELECT toUInt32(count()) AS rows FROM ${nameOf(client, table.table)} WHERE ${conditionOf(client, table, id)}`
  const [row] = await readAll(client, { name: 'erase', sql, parse: parseAs({ rows: 'number' }) }, signal)
  return row?.rows ?? 0
}

async function mutate(
  client: StoreClient,
  table: Touched,
  id: string,
  renew: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const condition = conditionOf(client, table, id)
  const change =
    table.holds === 'rows'
      ? 'DELETE'
      : `UPDATE ${Object.entries(table.blank)
          .map(([column, value]) => `${identifier(column)} = ${value}`)
          .join(', ')}`
  await client.command(`ALTER TABLE ${nameOf(client, table.table)} ${change} WHERE ${condition}`, signal)
  // Not waited for by a setting: on large tables it takes longer than a request may.
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_LOOK_MS)) {
    const mutations = await readAll(client, pendingMutations(client, table.table, id), signal)
    const failed = mutations.find(({ reason }) => reason !== '')
    if (failed !== undefined) throw new Error(`Table ${table.table} is not done: ${failed.reason.slice(0, 500)}`)
    if (mutations.length === 0) break
    await renew()
    await delay(pauseMs, undefined, { signal })
  }
  const left = await countOf(client, table, id, signal)
  if (left > 0) throw new Error(`Table ${table.table} still holds ${left} rows of that user.`)
}

function pendingMutations(client: StoreClient, table: string, id: string): Query<{ readonly reason: string }> {
  return {
    name: 'erase',
    sql: `SELECT latest_fail_reason AS reason FROM system.mutations
      WHERE database = {database:String} AND table = {table:String} AND NOT is_done AND position(command, {id:String}) > 0`,
    params: { database: client.address.database, table, id } satisfies Record<string, Json>,
    parse: parseAs({ reason: 'text' }),
  }
}

function nameOf(client: StoreClient, table: string): string {
  return `${identifier(client.address.database)}.${identifier(table)}`
}

async function readAll<T>(client: StoreClient, query: Query<T>, signal: AbortSignal): Promise<readonly T[]> {
  const read = await client.select(query, signal)
  if (read.kind === 'unavailable') throw new Error(`The store could not be read: ${read.detail}`)
  return read.value
}
