import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unitShare } from '../../src/domain/assign.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { untilRollout } from '../fakes/live-rollouts.ts'
import { aProxyHome, type ProxyHome, type ProxyProcess, queryAs, type Settings } from '../fakes/proxy-process.ts'

const DATABASE = 'edit'
const PER_SECOND = 200
const RUNNING = 100

let engine: TestEngine
let simulator: Simulator
let homes: readonly ProxyHome[] = []
let proxies: readonly ProxyProcess[] = []

beforeAll(async () => {
  engine = await startTestEngine()
  simulator = await startSimulator({ models: [aModel('a', { isCanned: true }), aModel('b', { isCanned: true })] })
  homes = await Promise.all([aProxyHome(settings('10%')), aProxyHome(settings('10%'))])
  proxies = await Promise.all(homes.map((home) => home.start()))
  for (const proxy of proxies) await untilRollout(proxy, 'b', ({ percent }) => percent === 10)
})
afterAll(async () => {
  await Promise.all(homes.map((home) => home.close()))
  await engine?.close()
  await simulator?.close()
})

function settings(first: string): Settings {
  return {
    admin: { listen: '127.0.0.1:0' },
    log: { requests: false },
    store: { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database: DATABASE },
    providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-test' } },
    routes: { chat: { match: { model: 'gpt-*' }, target: 'openai/a' } },
    decider: { tick: '1s' },
    rollouts: { b: { route: 'chat', candidate: 'openai/b', shadow: false, steps: [first, '50%'], metric: 'feedback' } },
  }
}

it('an edited percentage is in force on both proxies within 3 s, fails no request, and only adds units', async () => {
  const load = startLoad(homes.map(({ port }) => port))
  await load.answered(RUNNING * 4) // each running conversation has come to both proxies
  const editedAt = Date.now()
  for (const home of homes) home.configure(settings('20%'))
  for (const proxy of proxies) await untilRollout(proxy, 'b', ({ percent }) => percent === 20)
  await load.answered(RUNNING * 4)
  const { statuses, fresh } = await load.stop()
  expect([...new Set(statuses)]).toEqual([200])

  await Promise.all(proxies.map((proxy) => proxy.drained()))
  const rows = queryAs(engine.engine.url, { username: 'app', password: 'app', database: DATABASE })
  const late = await rows<{ instance: string; old: number; first: number }>(`
    SELECT instance, maxIf(toUnixTimestamp64Milli(received_at), rollout_step = 10) AS old,
      minIf(toUnixTimestamp64Milli(received_at), rollout_step = 20) AS first
    FROM traces GROUP BY instance`)
  expect(late).toHaveLength(2)
  const afterMs = late.map(({ old }) => old - editedAt)
  console.log(`${statuses.length} requests; the old share was dealt until ${afterMs.join(' and ')} ms after the edit`)
  expect(Math.max(...afterMs)).toBeLessThan(3_000)
  expect(Math.min(...late.map(({ first }) => first))).toBeGreaterThan(editedAt)

  // Of the conversations that ran on, each is where it was; of those that began, each is where its share puts it.
  const [moves] = await rows<Record<string, number>>(`
    SELECT count() AS units, countIf(before != after) AS moved, countIf(has(before, 'candidate')) AS candidates,
      max(length(before)) AS arms_before
    FROM (SELECT unit, arraySort(groupUniqArrayIf(arm, rollout_step = 10)) AS before,
        arraySort(groupUniqArrayIf(arm, rollout_step = 20)) AS after
      FROM traces GROUP BY unit HAVING notEmpty(before) AND notEmpty(after))`)
  expect(moves).toMatchObject({ moved: 0, arms_before: 1 })
  expect(moves?.['units']).toBeGreaterThanOrEqual(RUNNING)
  expect(moves?.['candidates']).toBeGreaterThan(0)
  const begun = await rows<{ unit: string; step: number; arm: string }>(
    "SELECT unit, rollout_step AS step, arm FROM traces WHERE has(reasons, 'arm_dealt')",
  )
  const wrong = begun.filter(
    ({ unit, step, arm }) => (arm === 'candidate') !== unitShare('rollout:b', unit) * 100 < step,
  )
  expect(wrong).toEqual([])
  const added = begun.filter(({ unit, arm }) => arm === 'candidate' && unitShare('rollout:b', unit) >= 0.1)
  expect(added.length).toBeGreaterThan(0)
  expect(begun.length).toBeGreaterThan(fresh / 2)
})

type Load = {
  /** Waits until so many more requests have been answered, and all that were sent before them. */
  readonly answered: (more: number) => Promise<void>
  readonly stop: () => Promise<{ readonly statuses: readonly number[]; readonly fresh: number }>
}

/** An open load on all ports in turn: half of the requests go on in running conversations, half begin one. */
function startLoad(ports: readonly number[]): Load {
  const agent = new Agent({ keepAlive: true })
  const answers: Promise<number>[] = []
  const startedAt = performance.now()
  let [sent, fresh] = [0, 0]
  const timer = setInterval(() => {
    while (sent < ((performance.now() - startedAt) / 1_000) * PER_SECOND) {
      const n = sent++
      // 2 ports and 2 kinds in turn: each conversation comes to both ports.
      const isFresh = (n >> 1) % 2 === 0
      const session = isFresh ? `fresh-${(fresh += 1)}` : `running-${(n >> 2) % RUNNING}`
      answers.push(post(agent, ports[n % ports.length] ?? 0, session))
    }
  }, 5)
  return {
    answered: async (more) => {
      const wanted = sent + more
      while (sent < wanted) await sleep(50)
      await Promise.all(answers.slice(0, wanted))
    },
    stop: async () => {
      clearInterval(timer)
      const statuses = await Promise.all(answers)
      agent.destroy()
      return { statuses, fresh }
    },
  }
}

/** The status of an answer that came whole; 0 otherwise. */
function post(agent: Agent, port: number, session: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'x-understudy-session': session }
    const sent = request(
      { agent, port, host: '127.0.0.1', method: 'POST', path: '/openai/v1/chat/completions', headers },
      (answer) =>
        answer
          .resume()
          .once('end', () => resolve(answer.complete ? (answer.statusCode ?? 0) : 0))
          .once('error', () => resolve(0)),
    )
    sent.once('error', () => resolve(0))
    sent.end(JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] }))
  })
}
