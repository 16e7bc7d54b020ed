import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StoreClient } from '../../src/store/client.ts'
import { type ErasedRows, eraseUser } from '../../src/store/erase/erase-user.ts'
import { PERSONAL_TABLES } from '../../src/store/erase/personal-tables.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { ENGINE_READY_MS, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { realWorld } from '../fakes/real-world.ts'

const forever = new AbortController().signal
const NOW = Date.UTC(2026, 10, 20, 12)
/** So odd that a file that holds it cannot hold it by chance. */
const GONE = 'zq-person-7f3e91-gone@"example"'
const STAYS = 'zq-person-55aa02-stays'

let engine: TestEngine
let databases = 0

beforeAll(async () => {
  engine = await startTestEngine()
}, ENGINE_READY_MS)
afterAll(() => engine?.close())

async function freshDatabase(): Promise<StoreClient> {
  databases += 1
  return engine.migrated(`erase_${databases}`)
}

/** A request of `user` in every table that can hold one. Resolves to its id. */
async function aTrace(client: StoreClient, user: string, at = NOW, endUser = ''): Promise<string> {
  const id = realWorld.newId()
  const insert = async (table: string, row: Readonly<Record<string, string | number | Record<string, string>>>) =>
    client.insertRows(table, namedRows(Object.keys(row), Object.values(row)), realWorld.newId())
  const inputs = JSON.stringify({ facts: { user } })
  await insert('traces', {
    trace_id: id,
    received_at: at,
    user,
    end_user: endUser,
    session: `${user}-s`,
    tags: { who: user },
    unit: 'ab',
    decision_inputs: inputs,
    cost_usd: '0.25',
  })
  await insert('attempts', {
    attempt_id: realWorld.newId(),
    trace_id: id,
    started_at: at,
    provider: 'openai',
    response_id: `${user}-r`,
    cost_usd: '0.25',
  })
  await insert('contents', {
    trace_id: id,
    received_at: at,
    user,
    end_user: endUser,
    request: `I am ${user}`,
    answer: `Hello ${user}`,
  })
  await insert('scores', { trace_id: id, trace_at: at, evaluator: 'e', value: 0.5, explanation: `${user} was right` })
  await insert('pairs', {
    trace_id: id,
    trace_at: at,
    evaluator: 'e',
    d: 0.5,
    explanation: `${user} was right`,
    unit: 'ab',
  })
  await insert('quarantine', {
    ts: at,
    table_name: 'traces',
    reason: 'bad',
    row: JSON.stringify({ trace_id: id, user }),
  })
  await insert('quarantine', {
    ts: at,
    table_name: 'attempts',
    reason: 'bad',
    row: JSON.stringify({ trace_id: id, status: 'x' }),
  })
  return id
}

const TABLES = ['traces', 'attempts', 'contents', 'scores', 'pairs', 'quarantine', 'erasures']

async function textOf(client: StoreClient): Promise<string> {
  const all: string[] = []
  for (const table of TABLES) {
    const read = await client.select({
      name: 'test',
      sql: `SELECT * FROM ${client.address.database}.${table}`,
      parse: (row) => JSON.stringify(row),
    })
    if (read.kind === 'unavailable') throw new Error(read.detail)
    all.push(...read.value)
  }
  return all.join('\n')
}

async function sumOf(client: StoreClient, sql: string): Promise<unknown> {
  const read = await client.select({
    name: 'test',
    sql: sql.replaceAll('DB', client.address.database),
    parse: (row) => Object.values(row),
  })
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value
}

function erase(
  client: StoreClient,
  user: string,
  changes: { before?: number; isDryRun?: boolean; signal?: AbortSignal; onDone?: (table: ErasedRows) => void } = {},
) {
  const { before = NOW + 1_000, isDryRun = false, signal = forever, onDone = () => undefined } = changes
  return eraseUser({
    client,
    erasure: { user, before, isDryRun },
    id: realWorld.newId(),
    holder: realWorld.newId(),
    onDone,
    signal,
  })
}

const JSON_GONE = JSON.stringify(GONE).slice(1, -1)
const holds = (text: string | Buffer): boolean =>
  [GONE, JSON_GONE, JSON.stringify(JSON_GONE).slice(1, -1), 'zq-person-7f3e91'].some((form) => text.includes(form))

test('every table says what it holds about people', async () => {
  const client = await engine.migrated()
  const tables = await sumOf(
    client,
    `SELECT name FROM system.tables WHERE database = 'DB' AND engine LIKE '%MergeTree' ORDER BY name`,
  )
  expect(tables).toEqual(
    PERSONAL_TABLES.map(({ table }) => table)
      .toSorted()
      .map((table) => [table]),
  )
})

test('nothing of the person is left in any table or file, and the sums are as they were', async () => {
  const client = await freshDatabase()
  const { database } = client.address
  await aTrace(client, GONE)
  await aTrace(client, GONE)
  await aTrace(client, 'an-app', NOW, GONE)
  await aTrace(client, STAYS)
  // Old parts stay on the disk for eight minutes otherwise.
  const held = PERSONAL_TABLES.filter(({ table, holds: what }) => what !== 'nothing' || table === 'erasures')
  const soon = 'old_parts_lifetime = 1, cleanup_delay_period = 1, max_cleanup_delay_period = 1'
  for (const { table } of held) {
    await client.command(`ALTER TABLE ${database}.${table} MODIFY SETTING ${soon}, cleanup_delay_period_random_add = 0`)
    // What cleans up has gone to sleep for 30 s by the setting before.
    await client.command(`DETACH TABLE ${database}.${table} SYNC`)
    await client.command(`ATTACH TABLE ${database}.${table}`)
  }
  expect(holds(await textOf(client))).toBe(true)
  expect(filesThatHold(engine.dir)).not.toEqual([])
  const sums = 'SELECT count(), sum(cost_usd) FROM DB.traces UNION ALL SELECT count(), sum(cost_usd) FROM DB.attempts'
  const before = await sumOf(client, sums)

  const wouldBe = await erase(client, GONE, { isDryRun: true })
  expect(holds(await textOf(client))).toBe(true)
  const erased = await erase(client, GONE)
  expect(erased).toEqual(wouldBe)
  expect(Object.fromEntries(erased.map(({ table, rows, action }) => [table, [rows, action]]))).toEqual({
    contents: [3, 'deleted'],
    quarantine: [6, 'deleted'],
    scores: [3, 'anonymised'],
    pairs: [3, 'anonymised'],
    attempts: [3, 'anonymised'],
    traces: [3, 'anonymised'],
  })
  const left = await textOf(client)
  expect(holds(left)).toBe(false)
  expect(left.split(STAYS).length).toBeGreaterThan(8)
  expect(await sumOf(client, sums)).toEqual(before)
  expect(await sumOf(client, 'SELECT erasure, count() FROM DB.erasures GROUP BY erasure')).toEqual([['earlier', '3']])

  const names = held.map(({ table }) => `'${table}'`).join()
  const inactive = `SELECT count() FROM system.parts WHERE database = 'DB' AND table IN (${names}) AND NOT active`
  for (let look = 0; look < 300 && String(await sumOf(client, inactive)) !== '0'; look += 1) await sleep(200)
  expect(filesThatHold(engine.dir)).toEqual([])
}, 120_000)

test('only what was received before the time is touched', async () => {
  const client = await freshDatabase()
  await aTrace(client, GONE, NOW - 10_000)
  const kept = await aTrace(client, GONE, NOW)
  await erase(client, GONE, { before: NOW })
  expect(await sumOf(client, 'SELECT trace_id FROM DB.contents')).toEqual([[kept]])
  expect(await sumOf(client, `SELECT count() FROM DB.traces WHERE user != ''`)).toEqual([['1']])
  expect(await sumOf(client, 'SELECT count() FROM DB.quarantine')).toEqual([['2']])
})

test('an erasure that is cut short after any table finds the rest when it is begun again', async () => {
  const tables = PERSONAL_TABLES.filter(({ holds: what }) => what !== 'nothing').map(({ table }) => table)
  const client = await freshDatabase()
  for (const last of tables) {
    await aTrace(client, GONE)
    const stop = new AbortController()
    const onDone = ({ table }: ErasedRows): void => {
      if (table === last) stop.abort()
    }
    const [cutShort] = await Promise.allSettled([erase(client, GONE, { signal: stop.signal, onDone })])
    expect(cutShort.status).toBe(last === tables.at(-1) ? 'fulfilled' : 'rejected')
    await erase(client, GONE)
    expect([last, holds(await textOf(client))]).toEqual([last, false])
  }
}, 120_000)

test('what comes late about an erased request, and names nobody, goes when it is erased again', async () => {
  const client = await freshDatabase()
  const id = await aTrace(client, GONE)
  await erase(client, GONE)
  const late = { trace_id: id, trace_at: NOW, evaluator: 'feedback', value: 1, explanation: `thanks, ${GONE}` }
  const score = namedRows(Object.keys(late), Object.values(late))
  await client.insertRows('scores', score, realWorld.newId())
  const refused = { ts: NOW, table_name: 'scores', reason: 'bad', row: JSON.stringify(late) }
  await client.insertRows('quarantine', namedRows(Object.keys(refused), Object.values(refused)), realWorld.newId())
  expect(holds(await textOf(client))).toBe(true)
  const rows = new Map((await erase(client, GONE)).map(({ table, rows: count }) => [table, count]))
  expect([rows.get('scores'), rows.get('quarantine'), rows.get('traces')]).toEqual([1, 1, 0])
  expect(holds(await textOf(client))).toBe(false)
})

test('two at a time are refused, and a user who is not there costs nothing', async () => {
  const client = await engine.migrated()
  await aTrace(client, STAYS)
  const before = await textOf(client)
  const [first, second] = await Promise.allSettled([erase(client, 'nobody'), erase(client, 'nobody')])
  expect([first.status, second.status].toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await textOf(client)).toBe(before)
})

test('an empty name is nobody, not everybody without one', async () => {
  const client = await engine.migrated()
  await aTrace(client, '')
  const before = await textOf(client)
  await expect(erase(client, '')).rejects.toThrow('names nobody')
  expect(await textOf(client)).toBe(before)
})

test('on a cluster nothing is begun', async () => {
  const client = await engine.migrated()
  const clustered = { ...client, address: { ...client.address, cluster: 'c' } }
  await expect(erase(clustered, GONE)).rejects.toThrow('nothing was changed')
})

/** Files below `dir` in which the person stands in plain text. */
function filesThatHold(dir: string): readonly string[] {
  return unlessGone([], () => readdirSync(dir, { withFileTypes: true })).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return filesThatHold(path)
    return entry.isFile() && unlessGone(false, () => holds(readFileSync(path))) ? [path] : []
  })
}

/** A part that has been cleaned up meanwhile holds nobody. */
function unlessGone<T>(instead: T, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return instead
    throw error
  }
}
