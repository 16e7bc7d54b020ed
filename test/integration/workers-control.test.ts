import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { pidsOf } from '../bench/process-tree.ts'
import { MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, settingsFor, type ProxyHome, type Settings } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'
import { isAlive, serving, until, workerPids } from '../fakes/workers.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(() => simulator?.close())

it('puts a new policy in force in every worker, by file, signal and admin API, and fails no request by it', async () => {
  const policy = (reload: number): Settings =>
    settingsFor(simulator.url, { workers: 2, prices: [{ model: 'sim-*', input: 1 + reload, output: 2 }] })
  const home = await aHome(policy(0))
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: 8, calls: MIXED_CALLS, pauseMs: 5 })
  onTestFinished(() => loop.stop())

  /** Ids of requests that began after a policy had been said to be in force, by its version. */
  const after = new Map<string, string>()
  const results: string[] = []
  for (let reload = 1; reload <= 9; reload++) {
    await loop.answers(20)
    const applied = proxy.nextLine('policy_applied')
    const text = textOf(home, policy(reload))
    if (reload % 3 === 0) {
      const headers = { 'content-type': 'application/yaml' }
      const put = await fetch(`${proxy.adminUrl}/admin/policy`, { method: 'PUT', headers, body: text })
      const { result, version }: { result: string; version: string } = JSON.parse(await put.text())
      results.push(result)
      // Answered only when all workers have it: whoever asks now, wherever, is served under it.
      await Promise.all(Array.from({ length: 6 }, async () => after.set(await traceOf(home), version)))
    } else {
      home.configure(policy(reload))
      if (reload % 3 === 1) proxy.signal('SIGHUP')
    }
    await applied
  }
  await loop.answers(20)
  await loop.stop()
  await proxy.drained()

  expect(results).toEqual(['applied', 'applied', 'applied'])
  expect(loop.failures).toEqual([])
  expect((await compareLedger(proxy.rows, loop.ledger)).difference).toEqual(NO_DIFFERENCE)
  const rows = await proxy.rows<{ id: string; version: string; worker: string }>(
    "SELECT toString(trace_id) AS id, policy_version AS version, splitByChar('/', instance)[-1] AS worker FROM traces",
  )
  const stored = new Map(rows.map((row) => [row.id, row]))
  for (const [id, version] of after) expect(stored.get(id)?.version).toBe(version)
  expect(new Set([...after.keys()].map((id) => stored.get(id)?.worker)).size).toBe(2)
  expect(new Set(rows.map(({ version }) => version)).size).toBe(10)
  expect(proxy.lines().filter(({ event }) => event === 'policy_not_everywhere')).toEqual([])
})

it('is one process beside its engine with one worker, and one more for each with several', async () => {
  for (const [workers, processes] of [
    [1, 2],
    [3, 5],
  ]) {
    const home = await aHome(settingsFor(simulator.url, { workers }))
    const proxy = await home.start()
    await proxy.stored()
    expect(pidsOf(proxy.pid).length).toBe(processes)
    expect((await proxy.readiness()).workers).toEqual(workers === 1 ? undefined : { serving: workers, wanted: workers })
    await proxy.end('SIGTERM')
  }
})

it('takes the number of workers from the command line where it is told there, and refuses what is none', async () => {
  const settings = settingsFor(simulator.url, { workers: 1, store: { kind: 'none' } })
  const home = await aProxyHome(settings, { args: ['--workers', '2'] })
  onTestFinished(() => home.close())
  const proxy = await home.start()
  expect((await proxy.readiness()).workers).toEqual({ serving: 2, wanted: 2 })
  // The file says 1 and always has: nothing needs a restart.
  expect(await proxy.metric('understudy_config_restart_needed')).toBe(0)
  for (const wrong of ['0', '257', 'many']) {
    const { code, stderr } = await runCli(['serve', '-c', home.configFile, '--workers', wrong])
    expect(code).toBe(1)
    expect(stderr).toContain('Expected a whole number from 1 to 256, or auto.')
  }
})

it('finishes what is under way in all workers before it stops, and turns nobody away without a word', async () => {
  const home = await aHome(settingsFor(simulator.url, { workers: 2, store: { kind: 'none' } }))
  const proxy = await home.start()
  const slow = Array.from({ length: 8 }, () =>
    fetch(`${home.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk', 'x-sim-fault': 'tokens@60, speed@60' },
      body: '{"model":"sim-plain","stream":true,"messages":[{"role":"user","content":"Tell me."}]}',
    }).then((answer) => answer.text()),
  )
  await until('all are under way', () => simulator.counters.received >= 8 && simulator.counters.openConnections >= 8)
  const ended = proxy.end('SIGTERM')
  for (const text of await Promise.all(slow)) expect(text).toMatch(/data: \[DONE\]\n\n$/)
  expect((await ended).code).toBe(0)
  const stopped = proxy.lines().filter(({ event }) => event === 'worker_stopped')
  expect(stopped.map(({ cutRequests }) => cutRequests)).toEqual([0, 0])
})

it('cuts what has not finished by the deadline, in all workers at once, and says how many', async () => {
  const home = await aHome(
    settingsFor(simulator.url, { workers: 2, store: { kind: 'none' }, shutdown_deadline: '500ms' }),
  )
  const proxy = await home.start()
  const before = simulator.counters.received
  const hung = Array.from({ length: 6 }, () =>
    fetch(`${home.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk', 'x-sim-fault': 'hang' },
      body: '{"model":"sim-plain","messages":[{"role":"user","content":"Tell me."}]}',
    }).then(
      () => 'answered',
      () => 'cut',
    ),
  )
  await until('all are under way', () => simulator.counters.received - before >= 6)
  const startedAt = performance.now()
  expect((await proxy.end('SIGTERM')).code).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  expect(await Promise.all(hung)).toEqual(Array.from({ length: 6 }, () => 'cut'))
  expect(proxy.lines().findLast(({ event }) => event === 'stopped')).toMatchObject({ cutRequests: 6 })
})

it('does not start when a port is taken, and says which, whoever finds it out', async () => {
  const taken = createServer()
  const home = await aHome(settingsFor(simulator.url, { workers: 2 }))
  await new Promise<void>((resolve) => void taken.listen(home.port, '127.0.0.1', resolve))
  onTestFinished(() => void taken.close())
  const { code, output } = await home.startAndEnd()
  expect(code).toBe(1)
  expect(output).toContain(`understudy: data port: cannot listen on 127.0.0.1:${home.port}: another process holds it`)
})

it('leaves no worker behind when the primary is killed', async () => {
  const home = await aHome(settingsFor(simulator.url, { workers: 2, store: { kind: 'none' } }))
  const proxy = await home.start()
  await serving(proxy, 2)
  const workers = workerPids(proxy)
  expect(workers.every(isAlive)).toBe(true)
  await proxy.end('SIGKILL')
  await until('the workers have ended', () => !workers.some(isAlive))
})

async function aHome(settings: Settings): Promise<ProxyHome> {
  const home = await aProxyHome(settings)
  onTestFinished(() => home.close())
  return home
}

/** The file as `configure` writes it. */
function textOf(home: ProxyHome, settings: Settings): string {
  return JSON.stringify({ listen: `127.0.0.1:${home.port}`, data_dir: home.dataDir, ...settings })
}

/** Asks on a connection of its own; the trace id of the answer. */
async function traceOf(home: ProxyHome): Promise<string> {
  const answer = await fetch(`${home.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-test', connection: 'close' },
    body: '{"model":"sim-plain","messages":[{"role":"user","content":"hi"}]}',
  })
  await answer.arrayBuffer()
  return answer.headers.get('x-understudy-trace-id') ?? ''
}
