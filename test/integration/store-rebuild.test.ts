import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StoreClient } from '../../src/store/client.ts'
import { keepReady } from '../../src/store/keep-ready.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { rebuildRollups } from '../../src/store/rollups/rebuild.ts'
import { aRetention, quietLog, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { ATTEMPT_COLUMNS, anyAttempts, anyTraces, TRACE_COLUMNS } from '../fakes/rollup-rows.ts'
import { ROLLED_UP, rowsOf, STEPS, sumsOf } from '../fakes/rollup-sums.ts'

let engine: TestEngine
let databases = 0
const forever = new AbortController().signal
/** Rows of the fakes are of November 2026, whenever the test runs. */
const retention = { ...aRetention, tracesDays: 3_650, attemptsDays: 3_650 }

beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.close())

async function freshDatabase(): Promise<StoreClient> {
  databases += 1
  const client = await engine.migrated(`rebuild_${databases}`)
  for (const fact of ROLLED_UP) {
    for (const { suffix } of STEPS)
      await client.command(`ALTER TABLE ${client.address.database}.${fact}_${suffix} REMOVE TTL`)
    await client.command(`ALTER TABLE ${client.address.database}.${fact} REMOVE TTL`)
  }
  return client
}

function rebuilding(
  client: StoreClient,
  parts: { signal?: AbortSignal; holder?: string; from?: string; to?: string } = {},
) {
  const { signal = forever, holder = 'one', from, to } = parts
  return rebuildRollups({ client, range: { from, to }, retention, holder, onProgress: () => {}, signal, quietMs: 0 })
}

async function insertBatches(client: StoreClient, seed: number, batches: number): Promise<void> {
  const attempts = fc.sample(anyAttempts, { seed, numRuns: batches })
  const traces = fc.sample(anyTraces, { seed, numRuns: batches })
  for (let batch = 0; batch < batches; batch += 1) {
    await client.insertRows('attempts', namedRows(ATTEMPT_COLUMNS, ...(attempts[batch] ?? [])), `a${seed}/${batch}`)
    await client.insertRows('traces', namedRows(TRACE_COLUMNS, ...(traces[batch] ?? [])), `t${seed}/${batch}`)
  }
}

async function expectEqualToRows(client: StoreClient): Promise<void> {
  for (const fact of ROLLED_UP) {
    for (const step of STEPS) {
      const { raw, rolledUp } = await sumsOf(client, fact, step)
      expect(raw.length).toBeGreaterThan(3)
      expect(rolledUp, `${fact}_${step.suffix}`).toEqual(raw)
    }
  }
}

test('whatever the rollups held before, a rebuild leaves every sum equal to that of the rows', async () => {
  const client = await freshDatabase()
  const { database } = client.address
  await insertBatches(client, 1, 5)
  await client.command(`TRUNCATE TABLE ${database}.attempts_1m`)
  await client.command(`INSERT INTO ${database}.traces_1h SELECT * FROM ${database}.traces_1h`)
  await client.command(`ALTER TABLE ${database}.attempts_1h DROP PARTITION '2026-11-19'`)
  await client.command(
    `INSERT INTO ${database}.traces_1m (minute, route, requests) VALUES ('2026-11-20 01:00:00', 'ghost', 5)`,
  )
  expect(await rebuilding(client)).toEqual(['2026-11-18', '2026-11-19', '2026-11-20'])
  await expectEqualToRows(client)
  const left = await rowsOf(
    client,
    `SELECT name FROM system.tables WHERE database = '${database}' AND name LIKE '%rebuild'`,
  )
  expect(left).toEqual([])
  // And the views go on from there.
  await insertBatches(client, 2, 2)
  await expectEqualToRows(client)
})

test('only the days asked for are rebuilt', async () => {
  const client = await freshDatabase()
  await insertBatches(client, 3, 3)
  await client.command(`TRUNCATE TABLE ${client.address.database}.attempts_1h`)
  expect(await rebuilding(client, { from: '2026-11-19', to: '2026-11-19' })).toEqual(['2026-11-19'])
  const days = await rowsOf(
    client,
    `SELECT DISTINCT toString(toDate(hour)) AS day FROM ${client.address.database}.attempts_1h`,
  )
  expect(days).toEqual([{ day: '2026-11-19' }])
})

test('a day whose rows are gone, or may be going, keeps its rollups', async () => {
  const client = await freshDatabase()
  const { database } = client.address
  await insertBatches(client, 4, 3)
  await client.command(
    `INSERT INTO ${database}.traces_1h (hour, route, requests) VALUES ('2026-01-01 00:00:00', 'old', 7)`,
  )
  await rebuilding(client)
  expect(await rowsOf(client, `SELECT requests FROM ${database}.traces_1h WHERE route = 'old'`)).toEqual([
    { requests: '7' },
  ])
  await client.command(`INSERT INTO ${database}.traces (received_at) SELECT now64(3) - INTERVAL 5 DAY`)
  const options = {
    client,
    range: { from: undefined, to: undefined },
    holder: 'one',
    onProgress: () => {},
    signal: forever,
  }
  expect(
    await rebuildRollups({ ...options, retention: { ...retention, tracesDays: 5, attemptsDays: 1 }, quietMs: 0 }),
  ).not.toContain(new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10))
})

test('rows that come while it runs are counted once, though a writer may not have heard of it', async () => {
  const client = await freshDatabase()
  await insertBatches(client, 5, 3)
  const stop = new AbortController()
  const writing = (async () => {
    for (let seed = 100; !stop.signal.aborted; seed += 1) {
      await insertBatches(client, seed, 1)
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
  })()
  for (let round = 0; round < 3; round += 1) await rebuilding(client)
  stop.abort()
  await writing
  await expectEqualToRows(client)
})

test('a proxy stops writing while another process rebuilds, and goes on by itself afterwards', async () => {
  const client = await freshDatabase()
  await insertBatches(client, 6, 3)
  const world = { now: () => Date.now(), monotonic: () => performance.now(), newId: () => 'proxy' }
  const keeper = keepReady({ retention, world, log: quietLog })
  keeper.use(client)
  await keeper.migrate(AbortSignal.timeout(20_000))
  const told: string[] = []
  keeper.subscribe(({ kind, detail }) => void told.push(`${kind}: ${detail}`))
  const options = { client, range: { from: undefined, to: undefined }, retention, holder: 'other', signal: forever }
  const isPausedDuring: boolean[] = []
  await rebuildRollups({
    ...options,
    onProgress: () => isPausedDuring.push(keeper.status().kind !== 'ready'),
    quietMs: 7_000,
  })
  expect(isPausedDuring.length).toBeGreaterThan(3)
  expect(isPausedDuring).not.toContain(false)
  await expect.poll(() => keeper.status().kind, { timeout: 15_000 }).toBe('ready')
  expect(told.join('\n')).toMatch(/migrating: The rollups are being rebuilt; rows wait in the spool/)
  await keeper.close()
}, 60_000)

test('while it holds the pause, rows are refused for later and not lost', async () => {
  const client = await freshDatabase()
  const world = { now: () => Date.now(), monotonic: () => performance.now(), newId: () => 'proxy' }
  await client.insertRows(
    'leases',
    namedRows(['name', 'revision', 'holder', 'lease_ms'], ['rollups', '1', 'x', 60_000]),
    'x',
  )
  const keeper = keepReady({ retention, world, log: quietLog })
  keeper.use(client)
  await expect.poll(() => keeper.status().detail, { timeout: 20_000 }).toMatch(/rollups are being rebuilt/)
  const rows = Buffer.from(namedRows(['route'], ['r']))
  expect(await keeper.insert('traces', rows, 'token')).toMatchObject({ kind: 'unavailable' })
  await keeper.close()
})

test('cut off after any number of statements, no sum is off, and the next run finishes', async () => {
  const client = await freshDatabase()
  await insertBatches(client, 7, 3)
  let statements = 0
  for (; await isCutAfter(client, statements); statements += 7) await expectEqualToRows(client)
  expect(statements).toBeGreaterThan(20)
  await client.command(`TRUNCATE TABLE ${client.address.database}.traces_1m`)
  await rebuilding(client)
  await expectEqualToRows(client)
}, 120_000)

/** Pulls the plug after `statements` changes. False when the rebuild got through before that. */
async function isCutAfter(client: StoreClient, statements: number): Promise<boolean> {
  const cut = new AbortController()
  let left = statements
  const counting: StoreClient = {
    ...client,
    command: (sql, signal) => {
      left -= 1
      if (left < 0) cut.abort()
      return client.command(sql, signal)
    },
  }
  try {
    await rebuilding(counting, { signal: cut.signal })
    return false
  } catch {
    return true
  }
}

test('of two at once, one is turned away', async () => {
  const client = await freshDatabase()
  await insertBatches(client, 8, 2)
  await client.insertRows(
    'leases',
    namedRows(['name', 'revision', 'holder', 'lease_ms'], ['rollups', '1', 'x', 60_000]),
    'x',
  )
  await expect(rebuilding(client)).rejects.toThrow(/Another rebuild/)
  await expectEqualToRows(client)
})
