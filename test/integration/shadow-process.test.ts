import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { aModel, judgeHabits } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { aProxyHome, type ProxyHome, type ProxyProcess, settingsFor } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({
    models: [
      aModel('stable'),
      aModel('candidate', { firstByteMs: 20, outputTokens: { min: 250, max: 250 } }),
      aModel('wrong', { quality: 0 }),
      aModel('judge', { judges: judgeHabits() }),
    ],
  })
})
afterAll(() => simulator.close())

async function aHome(shadow: Record<string, unknown>, workers = 1): Promise<ProxyHome> {
  const home = await aProxyHome(
    settingsFor(simulator.url, {
      workers,
      providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-server', include_usage: true } },
      prices: [{ model: '*', input: 1, output: 4 }],
      shadows: {
        trial: {
          sample: '100%',
          aa_share: '20%',
          headroom_floor: '0%',
          candidates: 'openai/candidate',
          budget: { per_hour: 100, per_day: 100 },
          ...shadow,
        },
      },
    }),
  )
  onTestFinished(() => home.close())
  return home
}

/** Resolves to the id of the trace. */
async function ask(home: ProxyHome, user: string): Promise<string> {
  const answer = await fetch(`${home.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client' },
    body: JSON.stringify({ model: 'stable', user, messages: [{ role: 'user', content: 'What is 17 + 25?' }] }),
  })
  await answer.text()
  return answer.headers.get('x-understudy-trace-id') ?? ''
}

type Funnel = {
  readonly eligible: number
  readonly mirrored: number
  readonly compared: number
  readonly skipped: Readonly<Record<string, number>>
  readonly failed: Readonly<Record<string, number>>
}
type Shown = {
  readonly funnel: Funnel
  readonly running: number
  readonly queued: number
  readonly budget: { readonly hour: { readonly used_usd: string } }
}

async function shown(proxy: ProxyProcess): Promise<Shown> {
  const { shadows } = JSON.parse((await proxy.admin('/admin/shadows')).text) as { shadows: [Shown] }
  return shadows[0]
}

/** Waits until what became of `count` requests is known. */
async function eligible(proxy: ProxyProcess, count: number): Promise<Shown> {
  for (;;) {
    const now = await shown(proxy)
    if (now.funnel.eligible >= count) return now
    await sleep(50)
  }
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, n) => all + n, 0)

const FUNNEL = `SELECT stage, sum(requests) AS n FROM understudy.shadow_funnel WHERE shadow = 'trial' GROUP BY stage`

async function storedFunnel(proxy: ProxyProcess): Promise<Readonly<Record<string, number>>> {
  const rows = await proxy.rows<{ stage: string; n: number }>(FUNNEL)
  return Object.fromEntries(rows.map(({ stage, n }) => [stage, Number(n)]))
}

test('the sums are exact in SQL, in the metrics and at /admin/shadows, and nothing compared is lost to a SIGKILL', async () => {
  const home = await aHome({ max_concurrent: 2, max_queued: 5 })
  const first = await home.start()
  for (let round = 0; round < 4; round++)
    await Promise.all(Array.from({ length: 10 }, (_, i) => ask(home, `${round}.${i}`)))
  // With calls under way and others waiting.
  let known = await shown(first)
  for (let more = 0; known.funnel.compared < 5; more++) {
    await ask(home, `more ${more}`) // a machine that is short of time leaves many out
    known = await shown(first)
  }
  expect(known.funnel.eligible).toBe(known.funnel.mirrored + sum(known.funnel.skipped))
  expect(known.funnel.mirrored).toBe(known.funnel.compared + sum(known.funnel.failed))
  expect(await first.metric('understudy_shadow_cost_usd_total', { shadow: 'trial' })).toBeGreaterThan(0)
  await first.end('SIGKILL')

  const second = await home.start()
  await second.stored()
  await second.drained()
  const stored = await storedFunnel(second)
  expect(stored['eligible']).toBe((stored['mirrored'] ?? 0) + (stored['skipped'] ?? 0))
  expect(stored['mirrored']).toBe((stored['compared'] ?? 0) + (stored['failed'] ?? 0))
  expect(stored['compared']).toBeGreaterThanOrEqual(known.funnel.compared)
  const [calls] = await second.rows<{ n: number; paired: number }>(
    `SELECT count() AS n, countIf(shadow_arm = 'aa') AS aa, countIf(pair_id IN (SELECT attempt_id FROM understudy.attempts WHERE role = 'primary')) AS paired
     FROM understudy.attempts WHERE role = 'shadow' AND shadow = 'trial'`,
  )
  expect(Number(calls?.n)).toBeGreaterThanOrEqual(Number(stored['mirrored']))
  expect(calls?.paired).toBe(calls?.n)
  const [pairs] = await second.rows<{ n: number }>(
    'SELECT uniqExact(candidate_attempt_id) AS n FROM understudy.v_pairs',
  )
  expect(Number(pairs?.n)).toBeGreaterThanOrEqual(Number(stored['compared']))
  // What clients are charged knows nothing of it.
  const [bill] = await second.rows<{ same: number }>(
    `SELECT toString(sum(cost_usd)) = (SELECT toString(sum(cost_usd)) FROM understudy.attempts WHERE role = 'primary') AS same FROM understudy.traces`,
  )
  expect(Number(bill?.same)).toBe(1)
})

test('a budget of $0.05 stops within one request of it, says so everywhere, and is not forgotten at a restart', async () => {
  const home = await aHome({ aa_share: '0%', max_concurrent: 3, budget: { per_hour: 0.05, per_day: 0.05 } })
  const first = await home.start()
  await first.stored()
  // A call is about 0.001 USD.
  for (let i = 0; i < 70; i++) {
    await ask(home, String(i))
    await eligible(first, i + 1)
  }
  const { funnel, budget } = await shown(first)
  const used = Number(budget.hour.used_usd)
  expect(funnel.skipped['budget']).toBeGreaterThan(5)
  expect(used).toBeGreaterThan(0.047)
  expect(used).toBeLessThan(0.0515)
  const labels = {
    shadow: 'trial',
    candidate: 'openai/candidate',
    arm: 'candidate',
    stage: 'skipped',
    reason: 'budget',
  }
  expect(await first.metric('understudy_shadow_requests_total', labels)).toBe(funnel.skipped['budget'])
  await first.drained()
  const [row] = await first.rows<{ spent: number }>(
    `SELECT toFloat64(sum(cost_usd)) AS spent FROM understudy.attempts WHERE role = 'shadow'`,
  )
  expect(Number(row?.spent)).toBeCloseTo(used, 9)
  await first.end('SIGTERM')

  const second = await home.start()
  await second.stored()
  while (Number((await shown(second)).budget.hour.used_usd) < 0.04) await sleep(50)
  // Its first projection knows nothing of what the candidate says on average, so one call may still fit.
  for (let i = 0; i < 4; i++) {
    await ask(home, `again ${i}`)
    await eligible(second, i + 1)
  }
  const after = await shown(second)
  expect(after.funnel.mirrored).toBeLessThanOrEqual(1)
  expect(after.funnel.skipped).toEqual({ budget: 4 - after.funnel.mirrored })
})

test('two workers share one funnel and one budget', async () => {
  const home = await aHome({ aa_share: '0%', budget: { per_hour: 0.02, per_day: 0.02 }, max_concurrent: 4 }, 2)
  const proxy = await home.start()
  for (let i = 0; i < 60; i++) {
    await ask(home, String(i))
    await eligible(proxy, i + 1)
  }
  const { funnel, budget } = await shown(proxy)
  expect(funnel.eligible).toBe(60)
  expect(funnel.eligible).toBe(funnel.mirrored + sum(funnel.skipped))
  expect(Number(budget.hour.used_usd)).toBeLessThan(0.02 + 2 * 0.0011)
})

test('with several workers, too, a client reads its own trace, and nobody else does', async () => {
  const home = await aHome({}, 2)
  const proxy = await home.start()
  await proxy.stored()
  const id = await ask(home, 'me')
  await proxy.drained()
  const read = async (key: string) => {
    const answer = await fetch(`${home.url}/understudy/v1/traces/${id}`, {
      headers: { authorization: `Bearer ${key}` },
    })
    return { status: answer.status, text: await answer.text() }
  }
  const own = await read('sk-client')
  expect(own.status).toBe(200)
  expect(JSON.parse(own.text)).toMatchObject({ trace: { trace_id: id }, attempts: [{ role: 'primary' }] })
  expect((await read('sk-other')).status).toBe(404)
})

test.each([1, 2])(
  'with %i processes a shadow is turned off and on by a command, everywhere and at once',
  async (workers) => {
    const home = await aHome({}, workers)
    const proxy = await home.start()
    await proxy.stored()
    const turn = async (position: 'on' | 'off'): Promise<void> => {
      const { code, stdout } = await runCli(['shadow', position, 'trial', '-c', home.configFile])
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: `The shadow trial is ${position}. In force here; every other proxy has it within about a second.\n`,
      })
    }
    await turn('off')
    // Workers hear of it a moment later.
    for (let shows = true; shows; await sleep(20)) {
      const { shadows } = JSON.parse((await proxy.admin('/admin/shadows')).text) as { shadows: [{ on: boolean }] }
      shows = shadows[0].on
    }
    for (let i = 0; i < 6; i++) await ask(home, `off ${i}`)
    await turn('on')
    for (;;) {
      await ask(home, 'on')
      if ((await shown(proxy)).funnel.eligible > 0) break
    }
  },
)

test('a routing audit that is off runs while its command does, which tells how often the best model was picked', async () => {
  const home = await aProxyHome(
    settingsFor(simulator.url, {
      providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-server' } },
      prices: [{ model: '*', input: 1, output: 4 }],
      routes: { chat: { match: { model: 'stable' }, target: 'openai/stable', fallbacks: ['openai/wrong'] } },
      judge: { target: 'openai/judge', budget: { per_hour: 10, per_day: 10 } },
      audits: { picks: { kind: 'routing', sample: '100%', budget: 1, point_value: 0.01, enabled: false } },
    }),
  )
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  await ask(home, 'before')
  const unknown = await runCli(['audit', 'routing', 'another', '-c', home.configFile])
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no audit another of kind routing') })

  let isOver = false
  const command = runCli(['audit', 'routing', 'picks', '-n', '8', '--for', '50s', '-f', 'json', '-c', home.configFile])
  void command.then(() => (isOver = true))
  // Clients come and go as they like; what is asked once it is off is not audited.
  for (let each = 0; !isOver; each++) {
    await ask(home, `during ${each}`)
    await sleep(20)
  }
  const { code, stdout, stderr } = await command
  expect(code).toBe(0)
  expect(stderr).toContain('Auditing chat (100 % of its requests), until 8 requests of each or for 50 s.')
  expect(stderr).toContain('The shadow audit:picks:chat is on.')
  expect(stderr).toContain('The shadow audit:picks:chat is off.')
  const { routes } = JSON.parse(stdout) as {
    routes: [{ compared: number; picks: { requests: number; backedShare: number } }]
  }
  const [found] = routes
  expect(found).toMatchObject({ route: 'chat', picks: { partial: 0 } })
  expect(found.compared).toBeGreaterThanOrEqual(8)
  expect(found.picks.requests).toBe(found.compared)
  expect(found.picks.backedShare).toBeGreaterThan(0)
  expect(await shown(proxy)).toMatchObject({ on: false })
  const effectiveness = await runCli(['weights', 'effectiveness', 'chat', '-c', home.configFile])
  expect(effectiveness.stdout).toContain('audited requests, which speak for')

  // Nobody can turn it off again at a proxy that is gone.
  const left = runCli(['audit', 'routing', 'picks', '--for', '50s', '-c', home.configFile])
  while (!JSON.stringify(await shown(proxy)).includes('"on":true')) await sleep(50)
  await proxy.end('SIGKILL')
  expect(await left).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Turn it off: understudy shadow off audit:picks:chat'),
  })
})
