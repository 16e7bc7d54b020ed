import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { latency, MIXED_CALLS, startClosedLoop } from './closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from './compare-ledger.ts'
import { startDirectProbe } from './direct-probe.ts'
import { aProxyHome, settingsFor, type ProxyProcess } from './proxy-process.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { until } from './workers.ts'

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

const PAUSE_MS = 25

/**
 * Starting an engine takes CPU that everybody misses on a small machine, so each span is held against calls past the
 * proxy in the same span, not against a quieter time. Waiting for the store would show as seconds.
 */
const MAY_ADD = { p50Ms: 50, p99Ms: 500 }

/** What `outliveEngine` comes to where no client notices and every answer is stored once. */
export const UNHARMED = {
  failures: [],
  difference: NO_DIFFERENCE,
  others: [],
  tracesBeyondAnswers: 0,
  isReported: true,
  isRetried: true,
  tooSlow: [],
}

/** What becomes of a proxy under mixed calls whose engine is killed for `killingMs`, `leastKills` times at least, and then hangs. */
export async function outliveEngine(killingMs: number, leastKills: number) {
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
  const killed = await span(async () => {
    await sleep(killingMs)
    await until(`the engine was killed ${leastKills} times`, () => killer.kills() >= leastKills)
  })
  await killer.stop()
  await proxy.stored()

  process.kill(proxy.enginePid(), 'SIGSTOP')
  const hung = await span(() => proxy.nextLine('store_engine_started'))
  await proxy.stored()
  await loop.stop()
  await direct.stop()
  await proxy.drained()

  const { traces, ...stored } = await compareLedger(proxy.rows, loop.ledger)
  return {
    ...stored,
    failures: loop.failures,
    tracesBeyondAnswers: traces - loop.ledger.size,
    isReported: proxy.lines().some(({ event }) => event === 'store_unavailable'),
    isRetried: ((await proxy.metric('understudy_store_insert_retries_total')) ?? 0) > 0,
    tooSlow: [killed, hung].filter(
      ({ p50, p99 }) => p50.proxied >= p50.direct * 3 + MAY_ADD.p50Ms || p99.proxied >= p99.direct * 3 + MAY_ADD.p99Ms,
    ),
  }
}
