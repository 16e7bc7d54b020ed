import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { MIXED_CALLS, startClosedLoop, type ClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, settingsFor, type ProxyHome, type ProxyProcess } from '../fakes/proxy-process.ts'
import { isAlive, metricSum, serving, until, workerPids } from '../fakes/workers.ts'

const CLIENTS = 12

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(() => simulator?.close())

it('stores one row for each answer of any worker, and its metrics and log lines are the ledger', async () => {
  const { proxy, loop } = await underLoad({ log: { requests: true } })
  await loop.answers(600)
  await loop.stop()
  await proxy.drained()
  expect(loop.failures).toEqual([])
  expect(await compareLedger(proxy.rows, loop.ledger)).toEqual({
    difference: NO_DIFFERENCE,
    others: [],
    traces: loop.ledger.size,
  })
  const instances = await proxy.rows<{ instance: string }>('SELECT instance FROM traces GROUP BY instance')
  expect(instances.map(({ instance }) => instance.replace(/^.*\//, '')).sort()).toEqual(['worker-1', 'worker-2'])

  expect(await metricSum(proxy, 'understudy_requests_total')).toBe(loop.ledger.size)
  expect(await metricSum(proxy, 'understudy_request_duration_seconds_count')).toBe(loop.ledger.size)
  const [stored] = await proxy.rows<{ rows: number }>(
    'SELECT (SELECT count() FROM traces) + (SELECT count() FROM attempts) AS rows',
  )
  expect(await metricSum(proxy, 'understudy_store_inserted_rows_total')).toBe(stored?.rows)
  expect(await proxy.metric('understudy_spool_rows')).toBe(0)
  expect(await proxy.metric('understudy_in_flight_requests', { provider: 'openai' })).toBe(0)
  expect(await proxy.metric('understudy_workers', { state: 'serving' })).toBe(2)

  const workers = workerPids(proxy)
  const { code } = await proxy.end('SIGTERM')
  expect(code).toBe(0)
  expect(workers.filter(isAlive)).toEqual([])
  const lines = proxy.lines()
  expect(new Set(lines.filter(({ event }) => event === 'request').map((line) => line['trace_id']))).toEqual(
    new Set(loop.ledger.keys()),
  )
  expect(lines.filter(({ event }) => event === 'worker_stopped').length).toBe(2)
  expect(lines.filter(({ event }) => event === 'worker_died' || event === 'worker_line_cut')).toEqual([])
})

it('loses only what a killed worker had under way, starts another, and no counter falls', async () => {
  const { proxy, loop } = await underLoad()
  await loop.answers(300)
  const before = await metricSum(proxy, 'understudy_requests_total')
  const [victim] = workerPids(proxy)
  if (victim === undefined) throw new Error('no worker')
  const died = proxy.nextLine('worker_died')
  const again = proxy.nextLine('worker_serving')
  process.kill(victim, 'SIGKILL')
  expect(await died).toMatchObject({ worker: 1, pid: victim, how: 'SIGKILL' })
  expect(await proxy.readiness()).toMatchObject({
    status: 'degraded',
    because: ['workers_missing'],
    workers: { serving: 1, wanted: 2 },
  })
  expect(await metricSum(proxy, 'understudy_requests_total')).toBeGreaterThanOrEqual(before)
  expect((await again)['pid']).not.toBe(victim)
  await serving(proxy, 2)
  const restarted = loop.ledger.size
  await loop.answers(300)
  await loop.stop()
  await proxy.drained()

  const { difference, others, traces } = await compareLedger(proxy.rows, loop.ledger)
  expect(difference).toEqual(NO_DIFFERENCE)
  expect(traces).toBe(loop.ledger.size + others.length)
  // Each client had one request under way; about half of them at the other worker.
  expect(loop.failures.length).toBeGreaterThan(0)
  expect(loop.failures.length).toBeLessThan(CLIENTS)
  expect(loop.failures.filter((why) => !/ECONNRESET|socket hang up|aborted/.test(why))).toEqual([])
  expect(others.length).toBeLessThanOrEqual(loop.failures.length)
  // What the killed one had counted since it last said so, at most a second before, is lost to the metrics alone.
  const counted = await metricSum(proxy, 'understudy_requests_total')
  expect(counted).toBeGreaterThanOrEqual(before + loop.ledger.size - restarted)
  expect(counted).toBeLessThanOrEqual(traces)
  expect(await proxy.metric('understudy_worker_restarts_total')).toBe(1)
})

it('stores the rows of all workers after the engine was killed, once each', async () => {
  const { proxy, loop } = await underLoad()
  await loop.answers(200)
  const died = proxy.nextLine('store_engine_died')
  process.kill(proxy.enginePid(), 'SIGKILL')
  await died
  await loop.answers(200)
  await loop.stop()
  await proxy.drained()
  expect(loop.failures).toEqual([])
  expect(await compareLedger(proxy.rows, loop.ledger)).toEqual({
    difference: NO_DIFFERENCE,
    others: [],
    traces: loop.ledger.size,
  })
})

it('leaves no client waiting whose connection was on its way to a killed worker', async () => {
  const home = await aHome({ workers: 2, store: { kind: 'none' } })
  const proxy = await home.start()
  // A connection for each call, so that at any time some are being made.
  const calls = MIXED_CALLS.map((call) => ({ ...call, headers: { ...call.headers, connection: 'close' } }))
  const loop = startClosedLoop(home.port, { clients: CLIENTS, calls })
  for (let kill = 0; kill < 3; kill++) {
    await loop.answers(100)
    const again = proxy.nextLine('worker_serving')
    process.kill(workerPids(proxy)[kill % 2] ?? 0, 'SIGKILL')
    await again
  }
  await loop.answers(100)
  // Each client ends with an answer or an error of its call; one that waits for ever would keep the test from ending.
  await loop.stop()
  expect(loop.failures.filter((why) => !/ECONNRESET|socket hang up|aborted/.test(why))).toEqual([])
})

it('keeps the rows of workers that a later start does not have, whoever was killed and how many there were', async () => {
  const home = await aHome({ workers: 3 })
  let proxy = await home.start()
  const loop = startClosedLoop(home.port, { clients: CLIENTS, calls: MIXED_CALLS })
  onTestFinished(() => loop.stop())
  // While the store still starts, so that the rows are in spools.
  await loop.answers(100)
  for (const workers of [1, 2]) {
    const old = workerPids(proxy)
    await proxy.end('SIGKILL')
    await until('the workers of a killed primary have ended', () => !old.some(isAlive))
    home.configure(settingsFor(simulator.url, { workers }))
    proxy = await home.start()
    await loop.answers(100)
  }
  await loop.stop()
  await proxy.drained()
  const { difference, others, traces } = await compareLedger(proxy.rows, loop.ledger)
  expect(difference).toEqual(NO_DIFFERENCE)
  expect(others.length).toBeLessThanOrEqual(2 * CLIENTS)
  expect(traces).toBe(loop.ledger.size + others.length)
  expect(loop.failures.filter((why) => !/ECONNREFUSED|ECONNRESET|socket hang up|aborted/.test(why))).toEqual([])
})

async function aHome(settings: Readonly<Record<string, unknown>>): Promise<ProxyHome> {
  const home = await aProxyHome(settingsFor(simulator.url, settings))
  onTestFinished(() => home.close())
  return home
}

async function underLoad(
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly proxy: ProxyProcess; readonly loop: ClosedLoop }> {
  const home = await aHome({ workers: 2, ...settings })
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: CLIENTS, calls: MIXED_CALLS })
  onTestFinished(() => loop.stop())
  return { proxy, loop }
}
