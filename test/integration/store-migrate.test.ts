import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Row, StoreClient } from '../../src/store/client.ts'
import { giveBack, takeLease } from '../../src/store/lease.ts'
import { migrate } from '../../src/store/migrate.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { applyRetention } from '../../src/store/retention.ts'
import { aRetention, quietLog, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { realWorld } from '../fakes/real-world.ts'

const SHIPPED = new URL('../../config/clickhouse', import.meta.url).pathname
const shippedFiles = readdirSync(SHIPPED).filter((name) => !name.startsWith('000_'))
const { signal } = new AbortController()

let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.close())

let databases = 0

/** A client for a database that does not exist yet. */
function freshDatabase(): StoreClient {
  databases += 1
  return engine.client(`fresh_${databases}`)
}

type Parts = { instance?: string; dir?: string; signal?: AbortSignal; monotonic?: () => number }

function migrating(client: StoreClient, { monotonic = realWorld.monotonic, ...parts }: Parts = {}) {
  return migrate({ client, retention: aRetention, instance: 'one', log: quietLog, monotonic, signal, ...parts })
}

async function rowsOf(client: StoreClient, sql: string): Promise<readonly Row[]> {
  const params = { database: client.address.database }
  const read = await client.select({ name: 'test', sql, params, parse: (row) => row })
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value
}

function appliedTo(client: StoreClient): Promise<readonly Row[]> {
  return rowsOf(client, `SELECT name FROM ${client.address.database}.migrations ORDER BY version`)
}

function copyOfShipped(): string {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-migrations-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  cpSync(SHIPPED, dir, { recursive: true })
  return dir
}

test('an empty server is brought up to date, and every statement that ships runs', async () => {
  const client = freshDatabase()
  expect(await migrating(client)).toEqual(shippedFiles)
  const tables = await rowsOf(client, 'SELECT name FROM system.tables WHERE database = {database:String} ORDER BY name')
  const names = tables.map((row) => (typeof row.name === 'string' ? row.name : ''))
  expect(names).toEqual([
    'attempts',
    'attempts_1h',
    'attempts_1h_mv',
    'attempts_1m',
    'attempts_1m_mv',
    'audit_answers',
    'audits',
    'calibrations',
    'config_changes',
    'contents',
    'erasures',
    'leases',
    'migrations',
    'pairs',
    'policy_versions',
    'proxy_readings',
    'quarantine',
    'rollout_decisions',
    'rollout_events',
    'scores',
    'shadow_funnel',
    'traces',
    'traces_1h',
    'traces_1h_mv',
    'traces_1m',
    'traces_1m_mv',
    'v_answer_scores',
    'v_cost_per_model_hour',
    'v_judge_trust',
    'v_latency_per_model_minute',
    'v_latest_audits',
    'v_model_standings',
    'v_pair_calls',
    'v_pairs',
    'v_quality_per_task_day',
    'v_recent_errors',
    'v_routing_audits',
    'v_scores',
    'v_scores_of_no_trace',
    'v_unpriced_models',
    'weight_decisions',
  ])
  for (const name of names) {
    expect(await rowsOf(client, `SELECT * FROM ${client.address.database}.${name} LIMIT 1`)).toBeDefined()
  }
})

test('every column of every table says what it means, and in which unit', async () => {
  const client = freshDatabase()
  await migrating(client)
  const silent = await rowsOf(
    client,
    `SELECT c.table AS table, c.name AS name FROM system.columns AS c
     JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
     WHERE c.database = {database:String} AND t.engine NOT LIKE '%View' AND c.comment = ''`,
  )
  expect(silent).toEqual([])
})

test('every table remembers enough batches to recognise one that is sent again', async () => {
  const client = freshDatabase()
  await migrating(client)
  const engines = await rowsOf(
    client,
    `SELECT name, engine_full FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree'`,
  )
  expect(engines.length).toBeGreaterThan(20)
  for (const { engine_full: full } of engines) expect(full).toContain('non_replicated_deduplication_window = 10000')
})

test('migrating again does nothing', async () => {
  const client = freshDatabase()
  await migrating(client)
  expect(await migrating(client, { instance: 'two' })).toEqual([])
})

test('of eight that migrate at once, each file is applied by exactly one, and all end up to date', async () => {
  const client = freshDatabase()
  const done = await Promise.all(
    Array.from({ length: 8 }, (_, index) => migrating(client, { instance: `instance-${index}` })),
  )
  expect(done.flat().sort()).toEqual(shippedFiles)
  expect(await appliedTo(client)).toHaveLength(shippedFiles.length)
})

test('cut off after any number of changes, the next run goes on from there', async () => {
  // Each cut costs a whole migration. Every ninth falls before, after and between the statements of one file or another.
  let changes = 0
  for (; await isCutAfter(changes); changes += 9) {
    const client = engine.client(`fresh_${databases}`)
    // The same instance, so that it need not wait for the lease of the one that was cut off to expire.
    await migrating(client)
    expect((await appliedTo(client)).map((row) => row.name)).toEqual(shippedFiles)
    await client.command(`DROP DATABASE ${client.address.database} SYNC`, signal) // tables cost the engine memory
  }
  expect(changes).toBeGreaterThan(2 * shippedFiles.length)
})

/** Migrates a fresh database, pulling the plug after `statements`. False when it got through before that. */
async function isCutAfter(statements: number): Promise<boolean> {
  const cut = new AbortController()
  try {
    await migrating(cutAfter(freshDatabase(), statements, cut), { signal: cut.signal })
    return false
  } catch {
    return true
  }
}

/** `client` until it has been asked to change something `changes` times; then the plug is pulled. */
function cutAfter(client: StoreClient, changes: number, cut: AbortController): StoreClient {
  let left = changes
  const count = (): void => {
    left -= 1
    if (left < 0) cut.abort()
  }
  return {
    ...client,
    command: (sql, until) => {
      count()
      return client.command(sql, until)
    },
    insertRows: (table, rows, token, until) => {
      count()
      return client.insertRows(table, rows, token, until)
    },
  }
}

test('holds on to its lease while it takes long, and asks for nothing while it does not', async () => {
  const revisions = async (tickMs: number): Promise<unknown> => {
    const client = freshDatabase()
    let now = 0
    await migrating(client, { monotonic: () => (now += tickMs) })
    const [row] = await rowsOf(client, `SELECT toUInt32(max(revision)) AS last FROM ${client.address.database}.leases`)
    return row?.['last']
  }
  expect(await revisions(0)).toBe(2) // taken, given back
  expect(await revisions(6_000)).toBeGreaterThan(shippedFiles.length)
})

test('a file that was changed after it had been applied is refused by name', async () => {
  const client = freshDatabase()
  const dir = copyOfShipped()
  await migrating(client, { dir })
  writeFileSync(join(dir, '003_quarantine.sql'), '-- statement: other\nSELECT 1')
  await expect(migrating(client, { dir })).rejects.toThrow(/003_quarantine.sql was changed after it had been applied/)
})

test('a file added later is applied alone', async () => {
  const client = freshDatabase()
  const dir = copyOfShipped()
  await migrating(client, { dir })
  writeFileSync(
    join(dir, '099_more.sql'),
    "-- statement: a column\nALTER TABLE {database}.traces {on_cluster} ADD COLUMN IF NOT EXISTS more String COMMENT 'x'",
  )
  expect(await migrating(client, { dir })).toEqual(['099_more.sql'])
})

test('rows of before a column is worked out of others read as rows of after', async () => {
  const client = freshDatabase()
  const { database } = client.address
  const dir = copyOfShipped()
  const later = ['091_list_prices.sql', '092_audit_questions.sql']
  for (const name of later) rmSync(join(dir, name))
  await migrating(client, { dir })
  const rates = { uncached_input_tokens: '5000000', text_output_tokens: '20000000' }
  const input = {
    uncached_input_tokens: 60,
    cache_read_tokens: 25,
    cache_write_5m_tokens: 10,
    cache_write_1h_tokens: 5,
  }
  const calls = [
    { model: 'priced', ...input, text_output_tokens: 8, reasoning_tokens: 2, rates_pico_usd: rates },
    { model: 'of no rate', ...input, text_output_tokens: 8, rates_pico_usd: { uncached_input_tokens: '5000000' } },
    { model: 'of no count', ...input, rates_pico_usd: rates },
  ]
  const requests = [{}, { audit: 'golden', more: 'x' }, { audit: 'ours' }, { golden: 'audit' }].map((tags) => ({
    tags,
  }))
  const insert = async (instance: string): Promise<void> => {
    const into = (table: string, rows: readonly object[]): Promise<void> => {
      const lines = rows.map((row) => JSON.stringify({ instance, ...row }))
      return client.command(`INSERT INTO ${database}.${table} FORMAT JSONEachRow ${lines.join('\n')}`)
    }
    await into(
      'attempts',
      calls.map((call) => ({ started_at: '2026-11-20 12:00:00', ...call })),
    )
    await into(
      'traces',
      requests.map((request) => ({ received_at: '2026-11-20 12:00:00', ...request })),
    )
  }
  await insert('before')
  expect(await migrating(client)).toEqual(later)
  await insert('after')
  for (const instance of ['before', 'after']) {
    const of = `WHERE instance = '${instance}'`
    expect(await rowsOf(client, `SELECT model, list_usd FROM ${database}.attempts ${of} ORDER BY model`)).toEqual([
      { model: 'of no count', list_usd: null },
      { model: 'of no rate', list_usd: null },
      // By hand: 100 tokens in at 5 micro-dollars, 10 tokens out at 20.
      { model: 'priced', list_usd: 0.0007 },
    ])
    expect(await rowsOf(client, `SELECT tags FROM ${database}.traces ${of} AND is_audit_question`)).toEqual([
      { tags: { audit: 'golden', more: 'x' } },
    ])
  }
})

test('a user who may create nothing can use a database that another has prepared', async () => {
  await migrating(engine.client())
  const reader = engine.reader()
  await expect(reader.command('CREATE TABLE understudy.mine (a UInt8) ENGINE = Memory')).rejects.toThrow(
    /readonly|privileges/i,
  )
  expect(await migrating(reader)).toEqual([])
})

describe('retention', () => {
  test('is changed where it differs and left alone where it does not', async () => {
    const client = freshDatabase()
    await migrating(client)
    expect(await applyRetention(client, aRetention, signal)).toEqual([])
    expect(await applyRetention(client, { ...aRetention, attemptsDays: 7 }, signal)).toEqual(['attempts'])
    expect(await applyRetention(client, { ...aRetention, attemptsDays: 7 }, signal)).toEqual([])
  })

  test('drops rows that are past it', async () => {
    const client = freshDatabase()
    const { database } = client.address
    await migrating(client)
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
    const rows = namedRows(['received_at'], [daysAgo(0)], [daysAgo(20)])
    await client.insertRows('traces', rows, 'two-days')
    await applyRetention(client, { ...aRetention, tracesDays: 10 }, signal)
    // Asks for what the server would do by itself sooner or later.
    await client.command(`ALTER TABLE ${database}.traces MATERIALIZE TTL SETTINGS mutations_sync = 1`)
    await client.command(`OPTIMIZE TABLE ${database}.traces FINAL`)
    const ages = await rowsOf(
      client,
      `SELECT toInt32(dateDiff('day', received_at, now64(3))) AS days FROM ${database}.traces`,
    )
    expect(ages).toEqual([{ days: 0 }])
  })
})

describe('a lease', () => {
  test('goes to exactly one of many who want it, revision after revision', async () => {
    const client = freshDatabase()
    await migrating(client)
    for (let round = 0; round < 5; round += 1) {
      const taken = await Promise.all(
        Array.from({ length: 8 }, (_, index) => takeLease(client, 'tick', `instance-${index}`, 60_000, signal)),
      )
      const winners = taken.filter((lease) => lease !== undefined)
      expect(winners).toHaveLength(1)
      for (const lease of winners) await giveBack(client, lease, signal)
    }
  })

  test('is free again when it has expired', async () => {
    const client = freshDatabase()
    await migrating(client)
    expect(await takeLease(client, 'short', 'one', 1, signal)).toBeDefined()
    await expect.poll(() => takeLease(client, 'short', 'two', 60_000, signal), { timeout: 5_000 }).toBeDefined()
    expect(await takeLease(client, 'short', 'one', 60_000, signal)).toBeUndefined()
  })
})
