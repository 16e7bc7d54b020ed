import { expect, it, onTestFinished } from 'vitest'
import { MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'

const KILLS = 10
const CLIENTS = 12

it('has exactly one row for every answered request after ten SIGKILLs under load', async () => {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const home = await aProxyHome(settingsFor(simulator.url))
  onTestFinished(() => home.close())

  let proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: CLIENTS, calls: MIXED_CALLS })
  onTestFinished(() => loop.stop())
  for (let kill = 0; kill < KILLS; kill += 1) {
    // At a different point of its life each time: while the store still starts, in the first segment, between inserts.
    await loop.answers(50 + kill * 137)
    if (kill % 3 === 2) await proxy.stored()
    expect(await proxy.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    proxy = await home.start()
  }
  await loop.answers(100)
  await loop.stop()
  await proxy.drained()

  const { difference, others, traces } = await compareLedger(proxy.rows, loop.ledger)
  expect(difference).toEqual(NO_DIFFERENCE)
  expect(loop.ledger.size).toBeGreaterThan(KILLS * 300)
  expect(loop.failures.filter((why) => !/ECONNREFUSED|ECONNRESET|socket hang up|aborted/.test(why))).toEqual([])
  // The rest were under way when the process died: at most one for each client and kill.
  expect(others.length).toBeLessThanOrEqual(KILLS * CLIENTS)
  expect(traces).toBe(loop.ledger.size + others.length)
  expect(await proxy.rows('SELECT * FROM quarantine')).toEqual([])
})
