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

const columns = { traces: ['trace_id', 'received_at', 'path'], attempts: ['attempt_id'] }
const aTrace = (id: string, ...more: readonly unknown[]) =>
  JSON.stringify([id, '2026-11-20 12:00:00.000', '/v1', ...more])

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
  const spool = await aSpool({ dir, columns })
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
  const spool = await aSpool({ maxAgeMs: 1000, columns })
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
  const spool = await aSpool({ columns })
  const ids = Array.from({ length: 20 }, () => realWorld.newId())
  const misnamed = aTrace('not a uuid')
  const poison = [
    aTrace(realWorld.newId(), 'one field too many'),
    JSON.stringify([realWorld.newId(), '2026-11-20 12:00:00.000']),
    aTrace(realWorld.newId()).slice(0, -1),
    '\u0000\u0000\u0000',
    misnamed,
  ]
  await appended(
    spool,
    'traces',
    ...ids.flatMap((id, n) => [aTrace(id), ...(n % 4 === 0 ? [poison[n / 4] ?? ''] : [])]),
  )
  spool.seal()
  const writer = startWriter({ spool, insert: client.insert, world: realWorld, log: quietLog })
  expect(await writer.drain(60_000)).toBe('empty')
  const stored = new Set(await traceIds(client))
  expect(ids.filter((id) => !stored.has(id))).toEqual([])
  const kept = await column(client, 'SELECT row AS value FROM understudy.quarantine')
  // A row with a field for each name is kept with its names.
  const named = '{"trace_id":"not a uuid","received_at":"2026-11-20 12:00:00.000","path":"/v1"}'
  expect(kept.toSorted()).toEqual([...poison.slice(0, -1), named].toSorted())
  const reasons = await column(client, 'SELECT reason AS value FROM understudy.quarantine')
  expect(reasons.filter((reason) => reason.includes('CANNOT_PARSE_UUID'))).toHaveLength(1)
  expect(writer.status()).toMatchObject({ insertedRows: { traces: 20 }, quarantinedRows: { traces: 5 } })
  await writer.close()
})

it('fills in what an older version did not write, and sets aside what a newer one wrote', async () => {
  const client = await engine.migrated('versions')
  const [older, newer] = [realWorld.newId(), realWorld.newId()]
  const dir = aDirectory()
  const first = await aSpool({ dir, columns: { ...columns, traces: ['received_at', 'trace_id'] } })
  await appended(first, 'traces', JSON.stringify(['2026-11-20 12:00:00.000', older]))
  await first.close()
  const second = await aSpool({ dir, columns: { ...columns, traces: ['trace_id', 'no_such_column'] } })
  await appended(second, 'traces', JSON.stringify([newer, 1]))
  second.seal()
  const writer = startWriter({ spool: second, insert: client.insert, world: realWorld, log: quietLog })
  expect(await writer.drain(30_000)).toBe('empty')
  const traces = "SELECT concat(toString(trace_id), ' ', task, ' ', path) AS value FROM versions.traces"
  expect(await column(client, traces)).toEqual([`${older} unknown `])
  const kept = "SELECT row AS value FROM versions.quarantine WHERE reason LIKE '%no_such_column%'"
  expect(await column(client, kept)).toEqual([`{"trace_id":"${newer}","no_such_column":1}`])
  await writer.close()
})

it('waits for a table that is not there yet', async () => {
  const client = engine.client('later')
  const spool = await aSpool({ columns })
  await appended(spool, 'traces', aTrace(realWorld.newId()))
  spool.seal()
  const writer = startWriter({ spool, insert: client.insert, world: realWorld, log: quietLog })
  await expect.poll(() => writer.status().outage).toContain('later')
  await engine.migrated('later')
  expect(await writer.drain(30_000)).toBe('empty')
  expect(await column(client, 'SELECT count() AS value FROM later.traces')).toEqual(['1'])
  await writer.close()
})
