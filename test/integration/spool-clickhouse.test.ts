import { afterAll, beforeAll, expect, it } from 'vitest'
import { aDirectory, appended, aSpool } from '../fakes/a-spool.ts'
import { ENGINE_READY_MS, quietLog, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { realWorld } from '../fakes/real-world.ts'
import { spoolingProcess } from '../fakes/spooling-process.ts'
import { parseAs } from '../../src/store/columns.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { startWriter } from '../../src/store/writer.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
}, ENGINE_READY_MS)
afterAll(() => engine.close())

const aTrace = (id: string, more: object = {}) =>
  JSON.stringify({ trace_id: id, received_at: '2026-11-20 12:00:00.000', ...more })

async function column(client: StoreClient, sql: string): Promise<string[]> {
  const read = await client.select({ name: 'test', sql, parse: parseAs({ value: 'text' }) })
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value.map(({ value }) => value)
}

const traceIds = (client: StoreClient) => column(client, 'SELECT toString(trace_id) AS value FROM understudy.traces')

it('makes a row of every released row, once, when the process is killed ten times while it writes', async () => {
  const client = await engine.migrated()
  await client.command('TRUNCATE TABLE understudy.traces')
  const dir = aDirectory()
  const released: string[] = []
  for (let kill = 0; kill < 10; kill += 1) {
    const life = spoolingProcess({ dir, maxRows: 200, store: client.address, rowsPerBurst: 3, paddingBytes: 200 })
    await life.until(() => life.kept.length > 500 + kill * 137)
    await life.kill()
    released.push(...life.kept)
  }
  const spool = await aSpool({ dir })
  const writer = startWriter({ spool, insert: client.insert, world: realWorld, log: quietLog })
  expect(await writer.drain(60_000)).toBe('empty')
  await writer.close()
  const stored = await traceIds(client)
  const ids = new Set(stored)
  expect(released.filter((id) => !ids.has(id))).toEqual([])
  expect(stored).toHaveLength(ids.size)
  expect(stored.length - released.length).toBeLessThanOrEqual(10 * 3)
})

it('has a row in the table within two seconds of its release', async () => {
  const client = await engine.migrated()
  const spool = await aSpool({ maxAgeMs: 1000 })
  const writer = startWriter({ spool, insert: client.insert, world: realWorld, log: quietLog })
  const id = realWorld.newId()
  await appended(spool, 'traces', aTrace(id))
  const releasedAt = performance.now()
  await expect.poll(() => traceIds(client), { timeout: 10_000, interval: 20 }).toContain(id)
  expect(performance.now() - releasedAt).toBeLessThan(2000)
  await writer.close()
})

it('quarantines with the reason of the server what it can never take, and stores all the rest', async () => {
  const client = await engine.migrated()
  const spool = await aSpool()
  const ids = Array.from({ length: 20 }, () => realWorld.newId())
  const poison = [
    aTrace(realWorld.newId(), { no_such_column: 1 }),
    aTrace('not a uuid'),
    `${aTrace(realWorld.newId()).slice(0, -1)}`,
    '\u0000\u0000\u0000',
  ]
  await appended(
    spool,
    'traces',
    ...ids.flatMap((id, n) => [aTrace(id), ...(n % 5 === 0 ? [poison[n / 5] ?? ''] : [])]),
  )
  spool.seal()
  const writer = startWriter({ spool, insert: client.insert, world: realWorld, log: quietLog })
  expect(await writer.drain(60_000)).toBe('empty')
  const stored = new Set(await traceIds(client))
  expect(ids.filter((id) => !stored.has(id))).toEqual([])
  const kept = await column(client, 'SELECT row AS value FROM understudy.quarantine')
  expect(kept.toSorted()).toEqual(poison.toSorted())
  const reasons = await column(client, 'SELECT reason AS value FROM understudy.quarantine')
  expect(reasons.filter((reason) => reason.includes('no_such_column'))).toHaveLength(1)
  expect(writer.status()).toMatchObject({ insertedRows: { traces: 20 }, quarantinedRows: { traces: 4 } })
  await writer.close()
})

it('waits for a table that is not there yet', async () => {
  const client = engine.client('later')
  const spool = await aSpool()
  await appended(spool, 'traces', aTrace(realWorld.newId()))
  spool.seal()
  const writer = startWriter({ spool, insert: client.insert, world: realWorld, log: quietLog })
  await expect.poll(() => writer.status().outage).toContain('later')
  await engine.migrated('later')
  expect(await writer.drain(30_000)).toBe('empty')
  expect(await column(client, 'SELECT count() AS value FROM later.traces')).toEqual(['1'])
  await writer.close()
})
