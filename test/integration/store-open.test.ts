import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { StoreSettings } from '../../src/domain/policy.ts'
import type { Log, World } from '../../src/domain/ports.ts'
import { openClient } from '../../src/store/client.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store, StoreStatus } from '../../src/store/store.ts'
import { ATTEMPT_COLUMNS, attemptRows } from '../../src/store/attempt-row.ts'
import { TRACE_COLUMNS, traceRow } from '../../src/store/trace-row.ts'
import { insertable } from '../fakes/insertable.ts'
import { anAttempt, anExchange, aRequest } from '../fakes/an-exchange.ts'
import { aRetention, ENGINE_READY_MS, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'

const world: World = { now: () => Date.now(), monotonic: () => performance.now(), newId: () => randomUUID() }

const EMBEDDED: StoreSettings = { kind: 'embedded', port: 0, maxMemoryBytes: 1_500_000_000 }

function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-open-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A log that remembers. */
function recordingLog(): { readonly log: Log; readonly said: { event: string; fields: unknown }[] } {
  const said: { event: string; fields: unknown }[] = []
  const say = (event: string, fields?: unknown): void => void said.push({ event, fields })
  return { log: { info: say, warn: say, error: say }, said }
}

function opened(settings: StoreSettings, dataDir = tempDir()) {
  const { log, said } = recordingLog()
  const store = openStore({ settings, dataDir, retention: aRetention, world, log })
  onTestFinished(() => store.close())
  return { store, said, dataDir }
}

function ready(store: Store): Promise<readonly string[]> {
  return store.migrate(AbortSignal.timeout(ENGINE_READY_MS))
}

async function until(store: Store, isWanted: (status: StoreStatus) => boolean): Promise<void> {
  if (isWanted(store.status())) return
  await new Promise<void>((resolve) => {
    const unsubscribe = store.subscribe((status) => {
      if (!isWanted(status)) return
      unsubscribe()
      resolve()
    })
  })
}

/** The rows of a request made just now, as the spool would hold them. */
function rowsOfNow(): { readonly id: string; readonly traces: Buffer; readonly attempts: Buffer } {
  const now = Date.now()
  const stamp = now.toString(16).padStart(12, '0')
  const id = `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${randomUUID().slice(15)}`
  const exchange = anExchange({ request: aRequest({ id }), receivedAt: now, attempts: [anAttempt({ startedAt: now })] })
  return {
    id,
    traces: insertable(TRACE_COLUMNS, [traceRow(exchange, 'here')]),
    attempts: insertable(ATTEMPT_COLUMNS, attemptRows(exchange, 'here')),
  }
}

describe('the embedded store', () => {
  test('opens at once, takes no rows before it is ready, and takes them then', async () => {
    const { store } = opened(EMBEDDED)
    const { id, traces, attempts } = rowsOfNow()
    expect(store.status().kind).toBe('starting')
    expect(store.access()).toBeUndefined()
    expect(await store.insert('traces', traces, 'one')).toMatchObject({ kind: 'unavailable' })
    expect((await store.reads.summary(60)).kind).toBe('unavailable')

    expect(await ready(store)).toContain('001_traces.sql')
    expect(store.status().kind).toBe('ready')
    expect(store.serverVersion()).toMatch(/^\d+\.\d+/)
    expect(await store.insert('traces', traces, 'one')).toEqual({ kind: 'stored' })
    expect(await store.insert('attempts', attempts, 'one')).toEqual({ kind: 'stored' })
    expect(await store.reads.trace(id)).toMatchObject({ kind: 'ok', value: { attempts: [{ role: 'primary' }] } })
  })

  test('keeps its rows, its read-only password and nobody else’s over a restart', async () => {
    const first = opened(EMBEDDED)
    const { id, traces } = rowsOfNow()
    await ready(first.store)
    expect(await first.store.insert('traces', traces, 'one')).toEqual({ kind: 'stored' })
    const access = first.store.access()
    await first.store.close()

    const second = opened(EMBEDDED, first.dataDir)
    expect(await ready(second.store)).toEqual([])
    expect(second.store.access()?.readOnly).toEqual(access?.readOnly)
    expect(await second.store.reads.trace(id)).toMatchObject({ value: { trace: { trace_id: id } } })
    expect(statSync(join(first.dataDir, 'clickhouse-ro-password')).mode & 0o777).toBe(0o600)
    // The batch sent again by a writer that did not hear the answer before the restart.
    expect(await second.store.insert('traces', traces, 'one')).toEqual({ kind: 'stored' })
    const read = await second.store.reads.recentTraces({ limit: 10, minutes: 60, equals: {}, status: undefined })
    expect(read.kind === 'ok' && read.value).toHaveLength(1)
  })

  test('lets a person look with the read-only user, and no more than look', async () => {
    const { store } = opened(EMBEDDED)
    await ready(store)
    const access = store.access()
    const reader = openClient({
      url: access?.url ?? '',
      database: access?.database ?? '',
      username: access?.readOnly?.username ?? '',
      password: access?.readOnly?.password ?? '',
    })
    onTestFinished(() => reader.close())
    const sql = 'SELECT count() AS n FROM understudy.traces'
    expect(await reader.select({ name: 'test', sql, parse: (row) => row.n })).toEqual({ kind: 'ok', value: ['0'] })
    await expect(reader.command('DROP TABLE understudy.traces')).rejects.toThrow(/readonly|privileges/i)
    expect(await reader.insert('traces', rowsOfNow().traces, 'x')).toMatchObject({ kind: 'unavailable' })
  })

  test('comes back by itself when the engine is killed, with every row that it had acknowledged', async () => {
    const { store, said } = opened(EMBEDDED)
    await ready(store)
    const { id, traces } = rowsOfNow()
    expect(await store.insert('traces', traces, 'one')).toEqual({ kind: 'stored' })
    const pid = said.find((line) => line.event === 'store_engine_started')?.fields
    process.kill((pid as { pid: number }).pid, 'SIGKILL')
    await until(store, (status) => status.kind === 'down')
    await until(store, (status) => status.kind === 'ready')
    expect(await store.reads.trace(id)).toMatchObject({ value: { trace: { trace_id: id } } })
    expect(await store.insert('traces', rowsOfNow().traces, 'two')).toEqual({ kind: 'stored' })
  })

  test('closed while it is starting, ends everything it began', async () => {
    const { store } = opened(EMBEDDED)
    const waiting = ready(store)
    await Promise.all([expect(waiting).rejects.toThrow('The store is closed.'), store.close()])
    expect(store.status().kind).toBe('closed')
  })
})

describe('a server elsewhere', () => {
  function addressOf(engine: TestEngine, parts: { password?: string; database?: string } = {}): StoreSettings {
    return { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database: 'elsewhere', ...parts }
  }

  async function testEngine(): Promise<TestEngine> {
    const engine = await startTestEngine()
    onTestFinished(() => engine.close())
    return engine
  }

  test('is used under the database that the settings name', async () => {
    const engine = await testEngine()
    const { store } = opened(addressOf(engine, { database: 'my-own' }))
    await ready(store)
    const { id, traces } = rowsOfNow()
    expect(await store.insert('traces', traces, 'one')).toEqual({ kind: 'stored' })
    expect(await store.reads.trace(id)).toMatchObject({ value: { trace: { trace_id: id } } })
    expect(store.access()).toEqual({ url: engine.engine.url, database: 'my-own', readOnly: undefined })
  })

  test('that refuses the password is down, and the password is in no status and no log', async () => {
    const engine = await testEngine()
    const { store, said } = opened(addressOf(engine, { password: 'wrong-and-secret' }))
    await until(store, (status) => status.kind === 'down')
    expect(store.status().detail).toMatch(/password|authentication/i)
    expect(JSON.stringify([said, store.status(), store.access()])).not.toContain('wrong-and-secret')
    await expect(store.migrate(AbortSignal.timeout(100))).rejects.toThrow(/did not become ready in time/)
  })

  test('whose tables are wiped while it runs gets them back, and the rows sent since', async () => {
    const engine = await testEngine()
    const { store } = opened(addressOf(engine))
    await ready(store)
    await engine.client('elsewhere').command('DROP DATABASE elsewhere SYNC')
    const { traces } = rowsOfNow()
    expect(await store.insert('traces', traces, 'one')).toMatchObject({ kind: 'unavailable' })
    await expect
      .poll(() => store.insert('traces', traces, 'one'), { timeout: 30_000, interval: 200 })
      .toEqual({ kind: 'stored' })
  })

  test('gets a changed retention without a restart', async () => {
    const engine = await testEngine()
    const { store, said } = opened(addressOf(engine))
    await ready(store)
    store.setRetention({ ...aRetention, tracesDays: 5 })
    await expect.poll(() => said.map((line) => line.event), { timeout: 20_000 }).toContain('store_retention_changed')
    const sql = "SELECT engine_full FROM system.tables WHERE database = 'elsewhere' AND name = 'traces'"
    const read = await store.select({ name: 'test', sql, parse: (row) => row.engine_full })
    expect(read.kind === 'ok' && read.value[0]).toContain('toIntervalDay(5)')
  })
})

test('an address that nobody answers is down, and closing does not wait for it', async () => {
  const settings: StoreSettings = {
    kind: 'url',
    url: 'http://user:in-the-url@127.0.0.1:1',
    username: 'app',
    password: 'app',
    database: 'understudy',
  }
  const { store } = opened(settings)
  await until(store, (status) => status.kind === 'down')
  expect(store.access()?.url).toBe('http://127.0.0.1:1')
  await store.close()
})

test('no store takes no rows and says why', async () => {
  const { store } = opened({ kind: 'none' })
  expect(store.status()).toEqual({ kind: 'none', detail: 'No store is configured (store: none).' })
  expect(await store.insert('traces', Buffer.from('{}\n'), 'x')).toMatchObject({ kind: 'unavailable' })
  expect(await store.migrate(AbortSignal.timeout(1_000))).toEqual([])
})
