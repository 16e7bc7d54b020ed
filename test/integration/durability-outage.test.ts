import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { latency, MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { startDirectProbe } from '../fakes/direct-probe.ts'
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

const KILLING_MS = 60_000
/** A minute of kills, and the starts before, between and after them. */
const TEST_TIMEOUT_MS = 300_000
const PAUSE_MS = 25

/**
 * Starting an engine takes CPU that everybody misses on a small machine, so each span is held against calls past the
 * proxy in the same span, not against a quieter time. Waiting for the store would show as seconds.
 */
const MAY_ADD = { p50Ms: 50, p99Ms: 500 }

it(
  'serves on while ClickHouse is killed for a minute, then hangs, and stores every answer once',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const simulator = await startSimulator()
    onTestFinished(() => simulator.close())
    const home = await aProxyHome(settingsFor(simulator.url))
    onTestFinished(() => home.close())
    const proxy = await home.start()
    await proxy.stored()
    const direct = startDirectProbe(simulator.url, PAUSE_MS)
    onTestFinished(() => direct.stop())
    const loop = startClosedLoop(home.port, { clients: 8, calls: MIXED_CALLS, pauseMs: PAUSE_MS })
    onTestFinished(() => loop.stop())
    const span = async (during: () => Promise<unknown>) => {
      const from = performance.now()
      await during()
      const between = { from, to: performance.now() }
      const plain = new Map([...loop.ledger].filter(([, { call }]) => call.name === 'plain'))
      const of = (percentile: number) => ({
        proxied: latency(plain, percentile, between),
        direct: direct.latency(percentile, between),
      })
      return { p50: of(50), p99: of(99) }
    }
    await loop.answers(200) // warm

    const killer = killAgainAndAgain(proxy)
    const killed = await span(() => sleep(KILLING_MS))
    await killer.stop()
    expect(killer.kills()).toBeGreaterThan(5)
    await proxy.stored()

    process.kill(proxy.enginePid(), 'SIGSTOP')
    const hung = await span(() => proxy.nextLine('store_engine_started'))
    await proxy.stored()
    await loop.stop()
    await direct.stop()
    await proxy.drained()

    expect(loop.failures).toEqual([])
    expect(await compareLedger(proxy.rows, loop.ledger)).toEqual({
      difference: NO_DIFFERENCE,
      others: [],
      traces: loop.ledger.size,
    })
    expect(proxy.lines().filter(({ event }) => event === 'store_unavailable')).not.toEqual([])
    expect(await proxy.metric('understudy_store_insert_retries_total')).toBeGreaterThan(0)
    for (const { p50, p99 } of [killed, hung]) {
      expect(p50.proxied).toBeLessThan(p50.direct * 3 + MAY_ADD.p50Ms)
      expect(p99.proxied).toBeLessThan(p99.direct * 3 + MAY_ADD.p99Ms)
    }
  },
)
