import { onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { type Call, MIXED_CALLS, startClosedLoop } from './closed-loop.ts'
import { compareLedger, type Difference } from './compare-ledger.ts'
import { aProxyHome, type Settings, settingsFor } from './proxy-process.ts'

export type KillReport = {
  readonly difference: Difference
  readonly answered: number
  /** Rows of requests that nobody got a whole answer to. */
  readonly others: number
  readonly traces: number
  readonly quarantined: number
  /** Why requests got no whole answer. */
  readonly failures: readonly string[]
}

export type KillOptions = {
  /** What the config file says beside `settingsFor`, given the simulator's address. */
  readonly settings?: (upstream: string) => Settings
  readonly calls?: readonly Call[]
}

/** Kills a proxy with SIGKILL, `kills` times, under the load of `clients`; then waits until all is stored, and compares. */
export async function killUnderLoad(
  kills: number,
  clients: number,
  { settings = () => ({}), calls = MIXED_CALLS }: KillOptions = {},
): Promise<KillReport> {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const home = await aProxyHome(settingsFor(simulator.url, settings(simulator.url)))
  onTestFinished(() => home.close())

  let proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients, calls })
  onTestFinished(() => loop.stop())
  for (let kill = 0; kill < kills; kill += 1) {
    // At a different point of its life each time: while the store still starts, in the first segment, between inserts.
    await loop.answers(50 + (kill % 10) * 137)
    if (kill % 3 === 2) await proxy.stored()
    const { signal } = await proxy.end('SIGKILL')
    if (signal !== 'SIGKILL') throw new Error('the proxy ended before it was killed')
    proxy = await home.start()
  }
  await loop.answers(100)
  await loop.stop()
  await proxy.drained()
  const { difference, others, traces } = await compareLedger(proxy.rows, loop.ledger)
  const quarantined = await proxy.rows('SELECT 1 FROM quarantine')
  return {
    difference,
    answered: loop.ledger.size,
    others: others.length,
    traces,
    quarantined: quarantined.length,
    failures: loop.failures,
  }
}
