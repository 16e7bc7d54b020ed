import { renameSync, writeFileSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { MIXED_CALLS, startClosedLoop, type Call } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, settingsFor, type Settings } from '../fakes/proxy-process.ts'

const RELOADS = 20
const CLIENTS = 12

/** A stream that lasts longer than one reload: it begins under one policy and ends under another. */
const LONG_STREAM: Call = {
  name: 'long stream',
  method: 'POST',
  path: '/openai/v1/chat/completions',
  headers: { authorization: 'Bearer sk-test', 'x-sim-fault': 'tokens@120, speed@60' },
  body: JSON.stringify({ model: 'sim-plain', stream: true, messages: [{ role: 'user', content: 'Tell me.' }] }),
  lastBytes: /data: \[DONE\]\n\n$/,
  outcome: 'completed',
  attempts: 1,
}

it(`fails no request and cuts no stream in ${RELOADS} reloads under load, each to another provider, limit and timeout`, async () => {
  const simulators = [await startSimulator(), await startSimulator()] as const
  for (const simulator of simulators) onTestFinished(() => simulator.close())
  const policy = (reload: number): Settings => {
    const base_url = simulators[reload % 2 === 0 ? 0 : 1].url
    const live = {
      limits: { max_concurrent: 200 + reload, queue_timeout: '20s' },
      timeouts: { connect: '10s', first_byte: `${60 + reload}s`, idle: '30s' },
    }
    return settingsFor(base_url, {
      providers: {
        openai: { dialect: 'openai', base_url, include_usage: true, ...live },
        anthropic: { dialect: 'anthropic', base_url, ...live },
      },
      prices: [{ model: 'sim-*', input: 1 + reload, output: 2 }],
    })
  }
  const home = await aProxyHome(policy(0))
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: CLIENTS, calls: MIXED_CALLS, pauseMs: 10 })
  const streams = startClosedLoop(home.port, { clients: 4, calls: [LONG_STREAM] })
  onTestFinished(() => loop.stop())
  onTestFinished(() => streams.stop())

  for (let reload = 1; reload <= RELOADS; reload++) {
    await loop.answers(30)
    const applied = proxy.nextLine('policy_applied')
    if (reload % 2 === 0) home.configure(policy(reload))
    else {
      writeFileSync(`${home.configFile}.next`, textOf(home.port, home.dataDir, policy(reload)))
      renameSync(`${home.configFile}.next`, home.configFile)
    }
    if (reload % 5 === 0) proxy.signal('SIGHUP')
    await applied
  }
  await loop.answers(30)
  await Promise.all([loop.stop(), streams.stop()])
  await proxy.drained()

  expect(loop.failures).toEqual([])
  expect(streams.failures).toEqual([])
  const ledger = new Map([...loop.ledger, ...streams.ledger])
  expect(await compareLedger(proxy.rows, ledger)).toEqual({
    difference: NO_DIFFERENCE,
    others: [],
    traces: ledger.size,
  })
  // Every policy has answered, and both providers have had their share.
  const [seen] = await proxy.rows<{ readonly policies: number }>(
    'SELECT toUInt32(uniqExact(policy_version)) AS policies FROM traces',
  )
  expect(seen?.policies).toBe(RELOADS + 1)
  for (const { counters } of simulators) {
    expect(counters.received).toBeGreaterThan(100)
    expect(counters.clientClosed).toBe(0)
  }
  // Streams outlived the policy that they came under.
  const longest = Math.max(...[...streams.ledger.values()].map(({ durationMs }) => durationMs))
  expect(longest).toBeGreaterThan(1_500)
})

/** The file as `configure` writes it, for a rename. */
function textOf(port: number, dataDir: string, settings: Settings): string {
  return JSON.stringify({ listen: `127.0.0.1:${port}`, data_dir: dataDir, ...settings })
}
