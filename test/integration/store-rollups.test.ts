import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StoreClient } from '../../src/store/client.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { quantilesOf, ROLLED_UP, STEPS, sumsOf } from '../fakes/rollup-sums.ts'
import { ATTEMPT_COLUMNS, anyAttempts, anyTraces, TRACE_COLUMNS } from '../fakes/rollup-rows.ts'

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
