import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { latency, MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, settingsFor, type ProxyProcess } from '../fakes/proxy-process.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'

/** Kills the engine as soon as it runs, each time that it is started again; stops with an engine that lives. */
function killAgainAndAgain(proxy: ProxyProcess): { readonly kills: () => number; readonly stop: () => Promise<void> } {
  let kills = 0
  let isStopped = false
  const next = async (): Promise<void> => {
    while (!isStopped) {
      const started = proxy.nextLine('store_engine_started')
      process.kill(proxy.enginePid(), 'SIGKILL')
      kills += 1
      await started
    }
  }
  const running = next()
  return {
    kills: () => kills,
    stop: () => {
      isStopped = true
      return running
    },
  }
}

const KILLING_MS = 15_000

it('serves on while ClickHouse is killed again and again, then hangs, and stores every answer once', async () => {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const home = await aProxyHome(settingsFor(simulator.url))
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: 8, calls: MIXED_CALLS, pauseMs: 25 })
  onTestFinished(() => loop.stop())
  const span = async (during: () => Promise<unknown>) => {
    const from = performance.now()
    await during()
    const between = { from, to: performance.now() }
    return { p50: latency(loop.ledger, 50, between), p99: latency(loop.ledger, 99, between), between }
  }
  await loop.answers(200) // warm
  const before = await span(() => sleep(5_000))

  const killer = killAgainAndAgain(proxy)
  const killed = await span(() => sleep(KILLING_MS))
  await killer.stop()
  expect(killer.kills()).toBeGreaterThan(3)
  await proxy.stored()

  process.kill(proxy.enginePid(), 'SIGSTOP')
  const hung = await span(() => proxy.nextLine('store_engine_started'))
  await proxy.stored()
  await loop.stop()
  await proxy.drained()

  expect(loop.failures).toEqual([])
  expect(await compareLedger(proxy.rows, loop.ledger)).toEqual({
    difference: NO_DIFFERENCE,
    others: [],
    traces: loop.ledger.size,
  })
  expect(proxy.lines().filter(({ event }) => event === 'store_unavailable')).not.toEqual([])
  expect(await proxy.metric('understudy_store_insert_retries_total')).toBeGreaterThan(0)
  // Starting an engine takes CPU that the clients miss on a small machine, waiting for one would show as seconds.
  for (const during of [killed, hung]) {
    expect(during.p50).toBeLessThan(before.p50 * 2 + 10)
    expect(during.p99).toBeLessThan(before.p99 * 3 + 150)
  }
})
