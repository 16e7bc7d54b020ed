import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { aProxyHome, settingsFor, type ProxyHome, type Settings } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'
import { serving } from '../fakes/workers.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({
    models: [aModel('bad', { faults: [{ fault: 'status@500', probability: 1 }] }), aModel('good')],
  })
})
afterAll(() => simulator?.close())

/** `model: any` goes to a model that fails, then to one that does not. */
function routed(changes: Settings = {}): Settings {
  return settingsFor(simulator.url, {
    providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-server' } },
    routes: { any: { match: { model: 'any' }, target: 'openai/bad', fallbacks: ['openai/good'] } },
    ...changes,
  })
}

async function aHome(settings: Settings): Promise<ProxyHome> {
  const home = await aProxyHome(settings)
  onTestFinished(home.close)
  return home
}

async function ask({ port }: ProxyHome): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'any', messages: [{ role: 'user', content: 'Hi' }] }),
  })
  await answer.text()
  return answer.status
}

it('what the proxy knows of its targets is shown by port, command, metric and log, explains a route, and outlives a restart', async () => {
  // No probe comes in between, however slow the machine is.
  const home = await aHome(routed({ health: { probe_after: '10m', probe_after_max: '10m' } }))
  const proxy = await home.start()
  for (let call = 0; call < 20; call++) expect(await ask(home)).toBe(200)
  const shown = await proxy.admin('/admin/targets')
  expect(JSON.parse(shown.text)).toMatchObject({
    targets: [
      { target: 'openai/bad', state: 'open', outage: { why: 'failures_in_a_row' }, window: { calls: 5, failures: 5 } },
      { target: 'openai/good', state: 'healthy', outage: null, window: { calls: 20, failures: 0 } },
    ],
  })
  const [{ code, stdout }, json] = await Promise.all([
    runCli(['targets', '-c', home.configFile]),
    runCli(['targets', '-c', home.configFile, '--format', 'json']),
  ])
  expect(code).toBe(0)
  expect(JSON.parse(json.stdout)).toMatchObject({ targets: [{ target: 'openai/bad' }, { target: 'openai/good' }] })
  expect(stdout).toMatch(/openai\/bad +│ open +│ failures_in_a_row since/)
  expect(await proxy.metric('understudy_target_state', { target: 'openai/bad', state: 'open' })).toBe(1)
  expect(await proxy.metric('understudy_target_changes_total', { target: 'openai/bad', state: 'open' })).toBe(1)
  expect(proxy.lines().filter(({ event }) => event.startsWith('target_'))).toMatchObject([
    { event: 'target_out', target: 'openai/bad', state: 'open', why: 'failures_in_a_row' },
  ])
  const explained = await fetch(`${proxy.adminUrl}/admin/route`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body: { model: 'any', messages: [] } }),
  })
  expect(await explained.json()).toMatchObject({
    decision: { targets: [{ model: 'good' }], rejected: [{ target: 'openai/bad', why: 'breaker_open' }] },
  })
  await proxy.drained()
  await proxy.end('SIGTERM')

  // With a window of five calls the stored ones are enough to say that it was failing.
  const eager = { health: { min_requests: 5, probe_after: '10m', probe_after_max: '10m' } }
  const known = { state: 'degraded', window: { calls: 5, failures: 5 } }
  for (const workers of [1, 2]) {
    home.configure(routed({ ...eager, workers }))
    const next = await home.start()
    await next.stored()
    const targets = Array.from({ length: workers }, () => [known, { window: { calls: 20 } }]).flat()
    await expect
      .poll(async () => JSON.parse((await next.admin('/admin/targets')).text), { timeout: 20_000 })
      .toMatchObject({ targets })
    await next.end('SIGTERM')
  }
}, 120_000)

it('with workers each keeps its own, and the admin port has them all', async () => {
  const home = await aHome(routed({ workers: 2, store: 'none' }))
  const proxy = await home.start()
  await serving(proxy, 2)
  for (let call = 0; call < 12; call++) expect(await ask(home)).toBe(200)
  const { targets } = JSON.parse((await proxy.admin('/admin/targets')).text)
  expect(targets.map(({ target }: { target: string }) => target).toSorted()).toEqual([
    'openai/bad',
    'openai/bad',
    'openai/good',
    'openai/good',
  ])
  expect(new Set(targets.map(({ instance }: { instance: string }) => instance.split('/').at(-1)))).toEqual(
    new Set(['worker-1', 'worker-2']),
  )
  const counted = (name: string): number =>
    targets
      .filter(({ target }: { target: string }) => target === name)
      .reduce((sum: number, { window }: { window: { calls: number } }) => sum + window.calls, 0)
  expect(counted('openai/good')).toBe(12)
  expect((await runCli(['targets', '-c', home.configFile])).stdout).toContain('instance')
}, 60_000)

it('understudy targets says so where no proxy runs', async () => {
  const home = await aHome(routed({ store: 'none' }))
  expect(await runCli(['targets', '-c', home.configFile])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no proxy runs'),
  })
})
