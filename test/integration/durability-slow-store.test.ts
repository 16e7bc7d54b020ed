import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { latency, MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, queryAs, settingsFor } from '../fakes/proxy-process.ts'
import { aStoreDoor } from '../fakes/store-door.ts'

const MEASURED_MS = 4_000
/** Less than what the door adds to every answer while it is slow. */
const SLOW_MS = 600

it('a ClickHouse that takes its time slows no client, and gets every row', async () => {
  const engine = await startTestEngine()
  onTestFinished(() => engine.close())
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const door = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const access = { username: 'app', password: 'app', database: 'slow_way' }
  const home = await aProxyHome(settingsFor(simulator.url, { store: { kind: 'url', url: door.url, ...access } }))
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: 8, calls: MIXED_CALLS, pauseMs: 20 })
  onTestFinished(() => loop.stop())
  const measured = async () => {
    const from = performance.now()
    await sleep(MEASURED_MS)
    const span = { from, to: performance.now() }
    const answers = [...loop.ledger.values()].filter(({ at }) => at >= from).length
    return { p50: latency(loop.ledger, 50, span), p99: latency(loop.ledger, 99, span), answers }
  }
  await loop.answers(300) // warm
  const quick = await measured()

  await door.make('slow')
  const askedAt = performance.now()
  await queryAs(door.url, access)('SELECT 1')
  expect(performance.now() - askedAt).toBeGreaterThan(SLOW_MS)
  const slow = await measured()
  await loop.stop()
  await proxy.drained() // through the slow door

  expect(loop.failures).toEqual([])
  expect(slow.answers).toBeGreaterThan(quick.answers / 2)
  expect(slow.p50).toBeLessThan(quick.p50 * 2 + 10)
  // A call that waited for its insert would take 700 ms more.
  expect(slow.p99).toBeLessThan(quick.p99 * 3 + 150)
  expect(await compareLedger(queryAs(engine.engine.url, access), loop.ledger)).toEqual({
    difference: NO_DIFFERENCE,
    others: [],
    traces: loop.ledger.size,
  })
})
