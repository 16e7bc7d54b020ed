import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { aProxyHome, type ProxyHome, type ProxyProcess, settingsFor } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'

const questions = Array.from({ length: 10 }, (_, each) =>
  JSON.stringify({ id: `q${each}`, prompt: `What is ${each} + 3?`, expected: String(each + 3), task: 'math' }),
)
const dir = mkdtempSync(join(tmpdir(), 'understudy-audit-'))
const file = join(dir, 'golden.jsonl')

let simulator: Simulator
let home: ProxyHome
let proxy: ProxyProcess
beforeAll(async () => {
  writeFileSync(file, questions.join('\n'))
  simulator = await startSimulator({ models: [aModel('right', { quality: 1 }), aModel('wrong', { quality: 0 })] })
  home = await aProxyHome(
    settingsFor(simulator.url, {
      providers: { sim: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-1' } },
      prices: [{ model: '*', input: 1, output: 2 }],
      routes: {
        good: { match: { model: 'good' }, target: 'sim/right' },
        bad: { match: { model: 'bad' }, target: 'sim/wrong' },
      },
      quality: { minimum: { math: 0.8 } },
      audits: { hourly: { questions: file, every: '1h', budget: 1 } },
    }),
  )
  proxy = await home.start()
  await proxy.stored()
})
afterAll(async () => {
  await home?.close()
  await simulator?.close()
  rmSync(dir, { recursive: true, force: true })
})

type Shown = {
  readonly state: string
  readonly asked: number
  readonly last: { readonly passed: boolean; readonly cells: readonly Readonly<Record<string, unknown>>[] } | null
}

async function shownWhen({ adminUrl }: ProxyProcess, isSo: (shown: Shown) => boolean): Promise<Shown> {
  for (;;) {
    const answer = await fetch(`${adminUrl}/admin/audits`)
    const { audits }: { audits: readonly [Shown] } = JSON.parse(await answer.text())
    if (isSo(audits[0])) return audits[0]
    await sleep(50)
  }
}

test('an audit of the policy runs by itself when it is due, and its result is at /admin/audits, in the metrics and in ClickHouse', async () => {
  const shown = await shownWhen(proxy, ({ state, last }) => last !== null && state === 'waiting')
  expect(shown.last).toMatchObject({ ending: 'complete', passed: false })
  expect(shown.last?.cells.map(({ path, mean, passed }) => [path, mean, passed])).toEqual([
    ['bad', 0, false],
    ['good', 1, true],
    ['sim/right', 1, true],
    ['sim/wrong', 0, false],
  ])
  const metrics = await (await fetch(`${proxy.adminUrl}/metrics`)).text()
  expect(metrics).toContain('understudy_audit_passed{audit="hourly"} 0')
  expect(metrics).toContain('understudy_audit_mean{audit="hourly",kind="route",path="good",task="math"} 1')
  expect(metrics).toContain('understudy_audit_answers_total{audit="hourly",result="answered"} 40')
  const rows = await proxy.rows(
    "SELECT path, answered, mean, is_passed FROM understudy.v_latest_audits WHERE audit = 'hourly' ORDER BY path",
  )
  expect(rows).toHaveLength(4)
  expect(rows[0]).toEqual({ path: 'bad', answered: 10, mean: 0, is_passed: false })
  await proxy.drained()
  const [answers] = await proxy.rows(
    'SELECT count() AS n, uniqExact(trace_id) AS traces FROM understudy.audit_answers WHERE trace_id IN (SELECT trace_id FROM understudy.traces)',
  )
  expect(answers).toEqual({ n: 40, traces: 40 })
})

test('audit golden shows each route, goes on where it ended, and fails below the minimum', async () => {
  const audit = (...more: string[]) => runCli(['audit', 'golden', file, '-c', home.configFile, ...more])
  simulator.forgetRequests()
  const first = await audit('--budget', '0.0002')
  expect(first.stderr).toContain('the budget is spent')
  expect(first.code).toBe(1)
  const asked = simulator.requests().length
  expect(asked).toBeLessThan(40)
  const second = await audit()
  expect(simulator.requests().length).toBe(40)
  expect(second.stdout).toMatch(/bad +│ math +│ 10 +│ 0 +│ 0\.000 \[0\.000, 0\.278\] +│ 0\.8 +│ below/)
  expect(second.stdout).toMatch(/good +│ math +│ 10 +│ 0 +│ 1\.000 \[0\.722, 1\.000\] +│ 0\.8 +│ +│/)
  expect(second.stdout).toMatch(/target +│ sim\/wrong +│ math +│ 10 +│ 0 +│ 0\.000 /)
  expect(second.code).toBe(1)
  const kept = await proxy.rows(
    "SELECT ending, count() AS cells, sum(answered) AS answers FROM understudy.audits WHERE audit = 'golden' GROUP BY run, ending ORDER BY run",
  )
  expect(kept).toMatchObject([{ ending: 'budget' }, { ending: 'complete', cells: 4, answers: 40 }])
})

test('audit golden that follows a whole run, or has other questions than the one that ended early, asks everything', async () => {
  const own = join(dir, 'own.jsonl')
  const audit = (...more: string[]) => runCli(['audit', 'golden', own, '-c', home.configFile, ...more])
  writeFileSync(own, questions.slice(0, 1).join('\n'))
  expect((await audit()).stdout).toMatch(/^4 answers, /m)
  simulator.forgetRequests()
  const again = await audit('--budget', '0.000001')
  expect(again.stdout).toMatch(/^1 answers, /m)
  writeFileSync(own, questions.slice(0, 2).join('\n'))
  simulator.setModel('wrong', { faults: [{ fault: 'status@503', probability: 1 }] })
  onTestFinished(() => simulator.setModel('wrong', { quality: 0 }))
  const other = await audit()
  expect(other.stdout).toMatch(/^8 answers, /m)
  expect(other.stdout).toContain('target sim/wrong: no answer to 2 (status_503)')
  expect(simulator.requests().length).toBeGreaterThanOrEqual(9)
})

test('an audit that meets the end of its proxy goes on with the next one, and nothing counts as wrong for it', async () => {
  simulator.setModel('slow', { quality: 1, firstByteMs: 150 })
  const own = await aProxyHome(
    settingsFor(simulator.url, {
      providers: { sim: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-1' } },
      prices: [{ model: '*', input: 1, output: 2 }],
      routes: { one: { target: 'sim/slow' } },
      audits: { nightly: { questions: file, budget: 1, max_concurrent: 2 } },
    }),
  )
  onTestFinished(own.close)
  simulator.forgetRequests()
  const first = await own.start()
  await shownWhen(first, ({ asked }) => asked >= 4)
  await first.end('SIGTERM')
  const second = await own.start()
  const { last } = await shownWhen(second, (shown) => shown.last !== null)
  expect(last?.cells.map(({ path, answered, failed }) => [path, answered, failed])).toEqual([
    ['one', 10, 0],
    ['sim/slow', 10, 0],
  ])
  // Two may have been under way.
  expect(simulator.requests().length).toBeLessThanOrEqual(22)
})
