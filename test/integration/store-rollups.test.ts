import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { StoreClient } from '../../src/store/client.ts'
import { openClient } from '../../src/store/client.ts'
import { type Engine, launch } from '../../src/store/embedded/launch.ts'
import { migrate } from '../../src/store/migrate.ts'
import { applyRetention } from '../../src/store/retention.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { aRetention, ENGINE_READY_MS, quietLog, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { realWorld } from '../fakes/real-world.ts'
import { quantilesOf, ROLLED_UP, STEPS, sumsOf } from '../fakes/rollup-sums.ts'
import { ATTEMPT_COLUMNS, anyAttempts, anyTraces, TRACE_COLUMNS } from '../fakes/rollup-rows.ts'

const forever = new AbortController().signal
let engine: TestEngine
let databases = 0

beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.close())

async function freshDatabase(): Promise<StoreClient> {
  databases += 1
  return engine.migrated(`rollups_${databases}`)
}

async function expectEqualToRows(client: StoreClient): Promise<void> {
  for (const fact of ROLLED_UP) {
    for (const step of STEPS) {
      const { raw, rolledUp } = await sumsOf(client, fact, step)
      expect(rolledUp, `${fact}_${step.suffix}`).toEqual(raw)
    }
  }
}

test('every sum of every rollup equals that of the rows, whatever the rows and however often a batch is sent', async () => {
  const client = await freshDatabase()
  let batches = 0
  await fc.assert(
    fc.asyncProperty(anyAttempts, anyTraces, fc.boolean(), async (attempts, traces, isSentTwice) => {
      for (let sent = 0; sent <= Number(isSentTwice); sent += 1) {
        await client.insertRows('attempts', namedRows(ATTEMPT_COLUMNS, ...attempts), `a${batches}`)
        await client.insertRows('traces', namedRows(TRACE_COLUMNS, ...traces), `t${batches}`)
      }
      batches += 1
      await expectEqualToRows(client)
    }),
    { numRuns: 15, seed: 1 },
  )
  const { raw } = await sumsOf(client, 'attempts', STEPS[0])
  expect(raw.length).toBeGreaterThan(20)
})

test('quantiles of a rollup are those of the rows within a twentieth', async () => {
  const client = await freshDatabase()
  const { database } = client.address
  await client.command(`INSERT INTO ${database}.attempts (started_at, outcome, duration_ms, first_token_ms, queue_ms)
    SELECT toDateTime64('2026-11-20 10:00:00', 3) + number % 600, if(number % 10 = 0, 'refused', 'completed'),
      exp(randNormal(5, 1)), if(number % 3 = 0, NULL, exp(randNormal(3, 1))), number % 7 FROM numbers(20000)`)
  for (const { suffix } of STEPS) {
    for (const { exact, rolledUp } of await quantilesOf(client, 'attempts', suffix)) {
      expect(rolledUp).toHaveLength(3)
      for (const [index, value] of rolledUp.entries()) {
        expect(Math.abs(value / (exact[index] ?? 0) - 1)).toBeLessThan(0.05)
      }
    }
  }
})

test('rollups are kept as long as the config says, apart from their rows', async () => {
  const client = await freshDatabase()
  const wanted = { ...aRetention, rollupMinutesDays: 7, rollupHoursDays: 700 }
  const changed = await applyRetention(client, wanted, forever)
  expect(new Set(changed)).toEqual(new Set(['attempts_1m', 'attempts_1h', 'traces_1m', 'traces_1h']))
  expect(await applyRetention(client, wanted, forever)).toEqual([])
})

test('a batch during which the engine is killed, and which is sent again, counts once in rows and rollups', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-killed-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  let sent = 0
  let unanswered = 0
  for (let round = 0; round < 5; round += 1) {
    const running = await started(dir)
    const client = openClient({ url: running.url, username: 'app', password: 'app', database: 'understudy' })
    await migrate({
      client,
      retention: aRetention,
      instance: 'test',
      log: quietLog,
      monotonic: realWorld.monotonic,
      signal: forever,
    })
    // Rows, four rollups and their parts: at some moment of these the power goes. Later ones come again with their token.
    const killing = new Promise((resolve) => setTimeout(resolve, 150 + round * 35)).then(() => running.kill())
    const first = sent
    for (let isAlive = true; isAlive; sent += 1) {
      isAlive = await insertBatch(client, sent).then(
        () => true,
        () => false,
      )
      if (!isAlive) unanswered += 1
    }
    await killing
    await client.close()
    const again = await started(dir)
    const mended = openClient({ url: again.url, username: 'app', password: 'app', database: 'understudy' })
    for (let batch = first; batch < sent; batch += 1) await insertBatch(mended, batch)
    await expectEqualToRows(mended)
    const { raw } = await sumsOf(mended, 'attempts', STEPS[1])
    expect(raw.reduce((sum, row) => sum + Number(row['calls']), 0)).toBe(sent * BATCH)
    await mended.close()
    await again.stop()
  }
  expect(unanswered).toBeGreaterThan(3)
}, 180_000)

const BATCH = 500

async function insertBatch(client: StoreClient, batch: number): Promise<void> {
  const at = Date.UTC(2026, 10, 20, 12) + batch * 1_000
  const rows = Array.from({ length: BATCH }, (_, row) => [
    at + row,
    `model-${row % 50}`,
    'completed',
    row,
    '0.000000000001',
  ])
  const columns = ['started_at', 'model', 'outcome', 'duration_ms', 'cost_usd']
  await client.insertRows('attempts', namedRows(columns, ...rows), `batch-${batch}`)
}

async function started(dir: string): Promise<Engine> {
  const launched = await launch({
    dir,
    port: 0,
    maxMemoryBytes: 1_500_000_000,
    maxThreads: 2,
    database: 'understudy',
    appPassword: 'app',
    roPassword: 'ro',
    readyTimeoutMs: ENGINE_READY_MS,
    signal: forever,
  })
  if (launched.kind === 'failed') throw new Error(launched.detail)
  return launched.engine
}
