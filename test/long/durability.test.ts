import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { killUnderLoad } from '../fakes/kill-under-load.ts'
import { aProxyHome, queryAs, settingsFor } from '../fakes/proxy-process.ts'
import { aStoreDoor, type Way } from '../fakes/store-door.ts'
import { outliveEngine, UNHARMED } from '../fakes/store-outage.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'

const KILLS = 100
const OUTAGE_MS = 60_000
const CLIENTS = 12
const MINUTES = 10

it('has exactly one row for every answered request after a hundred SIGKILLs under load', async () => {
  const report = await killUnderLoad(KILLS, CLIENTS)
  expect(report.difference).toEqual(NO_DIFFERENCE)
  expect(report.others).toBeLessThanOrEqual(KILLS * CLIENTS)
  expect(report.traces).toBe(report.answered + report.others)
  expect(report.quarantined).toBe(0)
})

it('serves on while ClickHouse is killed for a minute, then hangs, and stores every answer once', async () => {
  expect(await outliveEngine(OUTAGE_MS, 6)).toEqual(UNHARMED)
})

it('stores every answer once through ten minutes of a server that comes and goes, and a proxy that is killed', async () => {
  const engine = await startTestEngine()
  onTestFinished(() => engine.close())
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const door = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const store = { kind: 'url', url: door.url, username: 'app', password: 'app', database: 'long' }
  const home = await aProxyHome(settingsFor(simulator.url, { store }))
  onTestFinished(() => home.close())

  let proxy = await home.start()
  const loop = startClosedLoop(home.port, { clients: CLIENTS, calls: MIXED_CALLS, pauseMs: 20 })
  onTestFinished(() => loop.stop())
  const until = performance.now() + MINUTES * 60_000
  const ways: readonly Way[] = ['open', 'refused', 'lost_answers', 'slow', 'silent']
  for (let turn = 0; performance.now() < until; turn += 1) {
    await door.make(ways[turn % ways.length] ?? 'open')
    await sleep(3_000 + (turn % 7) * 1_000)
    if (turn % 4 !== 3) continue
    await proxy.end('SIGKILL')
    proxy = await home.start()
  }
  await door.make('open')
  await loop.stop()
  await proxy.drained()
  const rows = queryAs(engine.engine.url, { username: 'app', password: 'app', database: 'long' })
  const { difference } = await compareLedger(rows, loop.ledger)
  expect(difference).toEqual(NO_DIFFERENCE)
  expect(await rows('SELECT * FROM quarantine')).toEqual([])
})
