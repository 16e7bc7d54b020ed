import { setTimeout as delay } from 'node:timers/promises'
import type { Retention } from '../../domain/policy.ts'
import { identifier, type Query, type StoreClient } from '../client.ts'
import { parseAs } from '../columns.ts'
import { giveBack, type Lease, renewLease, takeLease } from '../lease.ts'

/** Days of UTC as `2026-11-20`, both included; undefined = as far as there are rows. */
export type DayRange = { readonly from: string | undefined; readonly to: string | undefined }

export type RebuildOptions = {
  /** As the owner of the tables. */
  readonly client: StoreClient
  readonly range: DayRange
  readonly retention: Retention
  /** Who rebuilds; must differ between processes. */
  readonly holder: string
  /** Called with `rebuilt` days out of `days`, each counted once per fact table. */
  readonly onProgress: (progress: RebuildProgress) => void
  readonly signal: AbortSignal
  /** From taking the lease until no proxy writes any more; see `QUIET_MS`. */
  readonly quietMs?: number
}

export type RebuildProgress = { readonly days: number; readonly rebuilt: number }

/** While another than a proxy itself holds this lease, no proxy writes rows: they wait in the spools. */
export const REBUILD_LEASE = 'rollups'

/** How long the lease outlives a rebuild that was killed: the longest for which it can hold up the rows. */
const LEASE_MS = 60_000
/** A proxy looks every 5 s, gives a look 5 s, and an insert that had begun may take a moment more. */
const QUIET_MS = 11_000
/** Rows aggregated by one statement: well within the client's time limit of 30 s. */
const MOST_ROWS_AT_ONCE = 10_000_000
const MOST_TRIES = 5

const FACTS = [
  { fact: 'attempts', time: 'started_at', id: 'attempt_id', count: 'calls', days: 'attemptsDays' },
  { fact: 'traces', time: 'received_at', id: 'trace_id', count: 'requests', days: 'tracesDays' },
] as const

const STEPS = [
  { suffix: '1m', time: 'minute' },
  { suffix: '1h', time: 'hour' },
] as const

type Fact = (typeof FACTS)[number]

/** A day of a fact table and what its rows were when its rollups were made out of them. */
type Day = { readonly fact: Fact; readonly day: string; readonly rows: number; readonly made: string | undefined }

/**
 * Makes the rollups anew out of the rows, day by day, for days whose rows are all still there; other days are left as
 * they are, since a rollup may outlive its rows. Resolves to the days that were rebuilt.
 *
 * The long part, aggregating, is done beside live inserts and into tables of its own. Then writing is paused on all
 * proxies by a lease (rows wait in the spools), days that have got rows meanwhile are aggregated again, and each day is
 * swapped in by one REPLACE PARTITION per table. Cut anywhere, every day is either as it was or rebuilt, and the lease
 * expires by itself. Rejects when another rebuild is under way, or with the server's error.
 */
export async function rebuildRollups(options: RebuildOptions): Promise<readonly string[]> {
  const { client, range, retention, signal, onProgress } = options
  if (client.address.cluster !== undefined) {
    throw new Error(
      'Rollups cannot be rebuilt on a cluster yet: partitions would have to be swapped shard by shard; nothing was changed.',
    )
  }
  const selects = await readSelects(client, signal)
  const wanted: Day[] = []
  for (const fact of FACTS) wanted.push(...(await daysOf(client, fact, range, retention[fact.days], signal)))
  if (wanted.length === 0) return []
  await makeStages(client, signal)
  const staged: Day[] = []
  for (const day of wanted) staged.push(await stage(client, selects, day, signal))

  let lease = await pauseWriting(options)
  const renew = async (): Promise<void> => {
    const renewed = await renewLease(client, lease, LEASE_MS, signal)
    if (renewed === undefined) throw new Error('The pause for rebuilding was lost to another rebuild; try again.')
    lease = renewed
  }
  try {
    for (const [index, day] of staged.entries()) {
      await swapIn(client, selects, day, renew, signal)
      onProgress({ days: staged.length, rebuilt: index + 1 })
    }
  } finally {
    // Also when cut off: the rows should not have to wait for the lease to expire.
    await giveBack(client, lease, AbortSignal.timeout(5_000)).catch(() => {})
  }
  for (const { fact } of FACTS) {
    for (const { suffix } of STEPS)
      await client.command(`DROP TABLE IF EXISTS ${stageOf(client, fact, suffix)}`, signal)
  }
  return [...new Set(staged.map(({ day }) => day))]
}

/** What the materialized views select, so that a rebuild can never differ from what they would have made. */
async function readSelects(client: StoreClient, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const rows = await readAll(client, signal, {
    name: 'rollups',
    sql: 'SELECT name, as_select FROM system.tables WHERE database = {database:String} AND name IN {views:Array(String)}',
    params: {
      database: client.address.database,
      views: FACTS.flatMap(({ fact }) => STEPS.map(({ suffix }) => `${fact}_${suffix}_mv`)),
    },
    parse: parseAs({ name: 'text', as_select: 'text' }),
  })
  return new Map(rows.map((row) => [row.name, row.as_select]))
}

/** Empty tables like the rollups. Those of a rebuild that was cut off are emptied. */
async function makeStages(client: StoreClient, signal: AbortSignal): Promise<void> {
  for (const { fact } of FACTS) {
    for (const { suffix } of STEPS) {
      const name = stageOf(client, fact, suffix)
      await client.command(`CREATE TABLE IF NOT EXISTS ${name} AS ${table(client, `${fact}_${suffix}`)}`, signal)
      await client.command(`TRUNCATE TABLE ${name}`, signal)
    }
  }
}

async function daysOf(
  client: StoreClient,
  fact: Fact,
  { from, to }: DayRange,
  keptDays: number,
  signal: AbortSignal,
): Promise<readonly Day[]> {
  const rows = await readAll(client, signal, {
    name: 'rollups',
    sql: `SELECT toString(toDate(${fact.time})) AS day, count() AS row_count FROM ${table(client, fact.fact)}
      WHERE toDate(${fact.time}) BETWEEN toDate({from:String}) AND toDate({to:String})
        AND toDate(${fact.time}) > toDate(now('UTC')) - {kept:UInt32}
      GROUP BY day ORDER BY day SETTINGS output_format_json_quote_64bit_integers = 0`,
    params: { from: from ?? '1970-01-02', to: to ?? '2149-01-01', kept: keptDays },
    parse: parseAs({ day: 'text', row_count: 'number' }),
  })
  return rows.map(({ day, row_count }) => ({ fact, day, rows: row_count, made: undefined }))
}

/** Aggregates a day into the tables of the rebuild, and remembers of which rows. */
async function stage(
  client: StoreClient,
  selects: ReadonlyMap<string, string>,
  day: Day,
  signal: AbortSignal,
  beforeEach: () => Promise<void> = async () => {},
): Promise<Day> {
  const made = await fingerprint(client, day, signal)
  const { fact } = day
  for (const { suffix } of STEPS) {
    const name = stageOf(client, fact.fact, suffix)
    await client.command(`ALTER TABLE ${name} DROP PARTITION '${day.day}'`, signal)
    const [head, tail] = cut(selects.get(`${fact.fact}_${suffix}_mv`) ?? '')
    const hours = day.rows > MOST_ROWS_AT_ONCE ? Array.from({ length: 24 }, (_, hour) => hour) : [undefined]
    for (const hour of hours) {
      const slice = hour === undefined ? '' : ` AND toHour(row.${fact.time}) = ${hour}`
      await beforeEach()
      await client.command(
        `INSERT INTO ${name} ${head} WHERE toDate(row.${fact.time}) = '${day.day}'${slice} ${tail} SETTINGS insert_deduplicate = 0`,
        signal,
      )
    }
  }
  return { ...day, made }
}

/** The statement of a view before and from its GROUP BY, where the condition goes. */
function cut(select: string): readonly [string, string] {
  const at = select.lastIndexOf(' GROUP BY ')
  if (at === -1) throw new Error('expected a materialized view for each rollup; run `understudy migrate` first.')
  return [select.slice(0, at), select.slice(at + 1)]
}

async function pauseWriting({ client, holder, signal, quietMs = QUIET_MS }: RebuildOptions): Promise<Lease> {
  const lease = await takeLease(client, REBUILD_LEASE, holder, LEASE_MS, signal)
  if (lease === undefined) throw new Error('Another rebuild of the rollups is under way.')
  await delay(quietMs, undefined, { signal })
  return lease
}

/** Puts a day in its place; again when rows have come all the same, from a proxy that had not heard of the pause. */
async function swapIn(
  client: StoreClient,
  selects: ReadonlyMap<string, string>,
  staged: Day,
  renew: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let day = staged
  for (let tries = 1; ; tries += 1) {
    await renew()
    if ((await fingerprint(client, day, signal)) !== day.made) day = await stage(client, selects, day, signal, renew)
    for (const { suffix } of STEPS) {
      const { fact } = day.fact
      await client.command(
        `ALTER TABLE ${table(client, `${fact}_${suffix}`)} REPLACE PARTITION '${day.day}' FROM ${stageOf(client, fact, suffix)}`,
        signal,
      )
    }
    if (await isEqual(client, day, signal)) return
    if (tries === MOST_TRIES) {
      throw new Error(`Rows of ${day.day} kept coming from a proxy that does not know of this rebuild; try again.`)
    }
    await delay(1_000, undefined, { signal })
  }
}

/** How many rows a day has, and which. */
async function fingerprint(client: StoreClient, { fact, day }: Day, signal: AbortSignal): Promise<string> {
  const [row] = await readAll(client, signal, {
    name: 'rollups',
    sql: `SELECT concat(toString(count()), ' ', toString(groupBitXor(cityHash64(${fact.id})))) AS print
      FROM ${table(client, fact.fact)} WHERE toDate(${fact.time}) = {day:String}`,
    params: { day },
    parse: parseAs({ print: 'text' }),
  })
  return row?.print ?? ''
}

async function isEqual(client: StoreClient, { fact, day }: Day, signal: AbortSignal): Promise<boolean> {
  const counts = STEPS.map(
    ({ suffix, time }) =>
      `(SELECT sum(${fact.count}) FROM ${table(client, `${fact.fact}_${suffix}`)} WHERE toDate(${time}) = {day:String})`,
  )
  const [row] = await readAll(client, signal, {
    name: 'rollups',
    sql: `SELECT toBool(count() = ${counts.join(' AND count() = ')}) AS is_equal
      FROM ${table(client, fact.fact)} WHERE toDate(${fact.time}) = {day:String}`,
    params: { day },
    parse: parseAs({ is_equal: 'flag' }),
  })
  return row?.is_equal === true
}

function table(client: StoreClient, name: string): string {
  return `${identifier(client.address.database)}.${identifier(name)}`
}

function stageOf(client: StoreClient, fact: string, suffix: string): string {
  return table(client, `${fact}_${suffix}_rebuild`)
}

async function readAll<T>(client: StoreClient, signal: AbortSignal, query: Query<T>): Promise<readonly T[]> {
  const read = await client.select(query, signal)
  if (read.kind === 'unavailable') throw new Error(`The store could not be read: ${read.detail}`)
  return read.value
}
