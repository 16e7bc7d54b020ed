import { afterAll, beforeAll, expect, it } from 'vitest'
import { armShares } from '../../src/domain/assign.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { readAnalysis } from '../../src/store/analyses/read-analysis.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { askVerb, untilRollout } from '../fakes/live-rollouts.ts'
import { aProxyHome, type ProxyHome, type ProxyProcess, type Query, queryAs } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'

// One rollout through a real proxy: from 20 % to 50 %, with a candidate that fails for a while, to its rollback.

const OLD = Array.from({ length: 120 }, (_, n) => `old-${n}`)
const NEW = Array.from({ length: 120 }, (_, n) => `new-${n}`)

let engine: TestEngine
let simulator: Simulator
let home: ProxyHome
let proxy: ProxyProcess
let rows: Query
/** By the name of the time, then by session: the arm and the model that the client was told. */
const told = new Map<string, ReadonlyMap<string, Told>>()

beforeAll(async () => {
  engine = await startTestEngine()
  simulator = await startSimulator({ models: [aModel('a'), aModel('b')] })
  const store = { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database: 'understudy' }
  home = await aProxyHome({
    admin: { listen: '127.0.0.1:0' },
    log: { requests: false },
    store,
    providers: {
      openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-test' },
      theirs: { dialect: 'openai', base_url: simulator.url },
    },
    routes: {
      chat: { match: { model: 'gpt-*' }, target: 'openai/a' },
      page: { match: { model: 'page' }, target: 'theirs/a' },
    },
    decider: { tick: '300ms' },
    rollouts: {
      b: {
        route: 'chat',
        candidate: 'openai/b',
        shadow: false,
        steps: ['20%', '50%'],
        metric: 'feedback',
        scored: '100%',
      },
      page: { route: 'page', candidate: 'openai/b', shadow: false, steps: ['50%'], metric: 'feedback' },
    },
  })
  proxy = await home.start()
  await proxy.stored()
  rows = queryAs(engine.engine.url, { username: 'app', password: 'app', database: 'understudy' })
  const stage = (wanted: string) =>
    untilRollout(proxy, 'b', ({ stage: now, percent }) => `${now} ${percent}` === wanted)

  await stage('20% 20')
  await untilRollout(proxy, 'page', ({ percent }) => percent === 50)
  told.set('20 %, begun', await askAll(OLD))
  const theirs = { mount: 'p/theirs', model: 'page' }
  told.set('programs', await askAll(OLD.slice(0, 20), theirs))
  told.set('pages', await askAll(OLD.slice(20, 40), { ...theirs, origin: 'https://page.example' }))
  await askAll(OLD.map((name) => `alone ${name}`))
  await askVerb(proxy, 'b', 'promote')
  await stage('50% 50')
  told.set('50 %, going on', await askAll(OLD))
  told.set('50 %, begun', await askAll(NEW))

  simulator.playbill.play('outage', { model: 'b' })
  const failing = new Map<string, Told>()
  for (let n = 0; failing.size < 3; n++) {
    const name = `failing-${n}`
    const answer = await askFor(name)
    if (answer.arm === 'candidate') failing.set(name, answer)
  }
  told.set('candidate out', failing)
  simulator.playbill.stop()

  await askVerb(proxy, 'b', 'rollback')
  await untilRollout(proxy, 'b', ({ phase }) => phase === 'rolled_back')
  told.set('rolled back', await askAll(OLD))
  await proxy.drained()
})
afterAll(async () => {
  await home?.close()
  await engine?.close()
  await simulator?.close()
})

type Told = { readonly status: number; readonly arm: string; readonly model: string }

type Asking = { readonly mount?: string; readonly model?: string; readonly origin?: string }

/** A name that begins with `alone` names no session: its first turn is the conversation. */
async function askFor(name: string, { mount = 'openai', model = 'gpt-5', origin }: Asking = {}): Promise<Told> {
  const session = name.startsWith('alone') ? {} : { 'x-understudy-session': name }
  const page = origin === undefined ? {} : { origin }
  const own = { authorization: 'Bearer sk-client' }
  const answer = await fetch(`${home.url}/${mount}/v1/chat/completions`, {
    method: 'POST',
    headers: { connection: 'close', 'content-type': 'application/json', ...own, ...session, ...page },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: `Hello from ${name}` }] }),
  })
  await answer.text()
  const header = (key: string): string => answer.headers.get(`x-understudy-${key}`) ?? 'none'
  return { status: answer.status, arm: header('arm'), model: header('model') }
}

async function askAll(names: readonly string[], asking?: Asking): Promise<ReadonlyMap<string, Told>> {
  const answers: (readonly [string, Told])[] = []
  for (let n = 0; n < names.length; n += 8) {
    const some = await Promise.all(
      names.slice(n, n + 8).map(async (name) => [name, await askFor(name, asking)] as const),
    )
    answers.push(...some)
  }
  return new Map(answers)
}

function armsOf(time: string): readonly string[] {
  return [...(told.get(time)?.values() ?? [])].map(({ arm }) => arm)
}

it('every arm on a trace is the one that SQL deals, row by row', async () => {
  const client = engine.client()
  for (const percent of [20, 50]) {
    const dealt = `dealt_${percent}`
    await client.command(`CREATE VIEW understudy.${dealt} AS SELECT DISTINCT unit FROM understudy.traces
      WHERE rollout = 'b' AND rollout_step = ${percent} AND has(reasons, 'arm_dealt')`)
    const read = await client.select({
      name: 'test-arms',
      sql: `SELECT toUInt32(count()) AS traces, toUInt32(countIf(traces.arm = 'candidate')) AS candidates,
          toUInt32(countIf(traces.arm != if(dealt.arm = 'none', 'stable', dealt.arm))) AS differing,
          toUInt32(countIf(traces.is_compared != (dealt.compared_arm != 'none'))) AS compared_otherwise,
          toUInt32(countIf(route != 'chat' OR rollout_epoch != 1 OR rollout_stage != '${percent}%')) AS elsewhere
        FROM understudy.traces AS traces INNER JOIN (${readAnalysis('assigned-arms')}) AS dealt USING (unit)
        WHERE rollout = 'b' AND rollout_step = ${percent} AND has(reasons, 'arm_dealt')`,
      params: { database: 'understudy', units: dealt, salt: 'rollout:b', ...armShares(percent, false) },
      parse: (row): Readonly<Record<string, number>> => JSON.parse(JSON.stringify(row)),
    })
    const [found] = read.kind === 'ok' ? read.value : []
    expect(found).toMatchObject({ differing: 0, compared_otherwise: 0, elsewhere: 0 })
    expect(found?.['traces']).toBeGreaterThanOrEqual(percent === 20 ? OLD.length * 2 : NEW.length)
    expect(found?.['candidates']).toBeGreaterThan(0)
  }
})

it('the client is told its arm, and the model is that of the arm', () => {
  for (const time of ['20 %, begun', '50 %, begun']) {
    for (const { status, arm, model } of told.get(time)?.values() ?? []) {
      expect([status, arm, model]).toEqual([200, arm, arm === 'candidate' ? 'b' : 'a'])
    }
    expect(new Set(armsOf(time))).toEqual(
      new Set(time.startsWith('20') ? ['candidate', 'control', 'stable'] : ['candidate', 'control']),
    )
  }
})

it('a conversation that runs stays on its arm when the share is raised; new ones are dealt the new share', async () => {
  expect(told.get('50 %, going on')).toEqual(told.get('20 %, begun'))
  // Within four standard deviations of 20 % and of 50 % of 120.
  const count = (time: string): number => armsOf(time).filter((arm) => arm === 'candidate').length
  expect(Math.abs(count('20 %, begun') - 24)).toBeLessThan(18)
  expect(Math.abs(count('50 %, begun') - 60)).toBeLessThan(22)
  const [pinned] = await rows<{ n: number }>("SELECT count() AS n FROM traces WHERE has(reasons, 'arm_pinned')")
  expect(pinned).toEqual({ n: OLD.length })
  const begun = OLD.length * 2 + NEW.length
  expect(await proxy.metric('understudy_pinned_conversations')).toBeGreaterThanOrEqual(begun)
})

it('a candidate that fails is answered for by stable, and the failure is the candidate’s', async () => {
  expect([...(told.get('candidate out')?.values() ?? [])]).toEqual(
    Array.from({ length: 3 }, () => ({ status: 200, arm: 'candidate', model: 'a' })),
  )
  const failed = await rows(`
    SELECT arm, outcome, target_model, attempts, arm_events, count() AS n FROM traces
    WHERE notEmpty(arm_events) GROUP BY ALL`)
  expect(failed).toEqual([
    { arm: 'candidate', outcome: 'completed', target_model: 'a', attempts: 2, arm_events: ['error'], n: 3 },
  ])
  const [row] = await rows<{ id: string; revision: number }>(
    'SELECT toString(trace_id) AS id, rollout_revision AS revision FROM traces WHERE notEmpty(arm_events) LIMIT 1',
  )
  const shown = await proxy.admin(`/admin/traces/${row?.id}`)
  expect(JSON.parse(shown.text)).toMatchObject({
    trace: {
      rollout: 'b',
      rollout_revision: row?.revision,
      rollout_epoch: 1,
      rollout_stage: '50%',
      rollout_step: 50,
      is_compared: true,
      arm_events: ['error'],
    },
  })
})

it('answers of both arms are scored alike, and nobody else’s', async () => {
  const scored = await rows<{ arm: string; compared: boolean; answers: number; scored: number }>(`
    SELECT arm, is_compared AS compared, count() AS answers,
      countIf(trace_id IN (SELECT trace_id FROM scores WHERE source = 'evaluator' AND evaluator = 'answered')) AS scored
    FROM traces WHERE rollout = 'b' GROUP BY ALL ORDER BY ALL`)
  expect(scored.map(({ arm, compared }) => [arm, compared])).toEqual([
    ['candidate', true],
    ['control', true],
    ['stable', false],
  ])
  for (const each of scored) expect(each.scored).toBe(each.compared ? each.answers : 0)
})

it('an explanation says which arm a request would have, and of which rollout', async () => {
  const [session] = [...(told.get('programs') ?? [])].find(([, { arm }]) => arm === 'candidate') ?? []
  const answer = await fetch(`${proxy.adminUrl}/admin/route`, {
    method: 'POST',
    headers: { connection: 'close', 'content-type': 'application/json' },
    body: JSON.stringify({
      path: '/p/theirs/v1/chat/completions',
      headers: { 'x-understudy-session': session },
      body: { model: 'page', messages: [{ role: 'user', content: 'Hello' }] },
    }),
  })
  expect(JSON.parse(await answer.text())).toMatchObject({
    decision: {
      route: 'page',
      arm: 'candidate',
      rollout: { name: 'page', stage: '50%', percent: 50, compared: true, target: 'openai/b' },
      targets: [
        { provider: 'openai', model: 'b' },
        { provider: 'theirs', model: 'a' },
      ],
    },
  })
})

it('a rollback takes the candidate from everybody at once, running conversations too', async () => {
  const answers = [...(told.get('rolled back')?.values() ?? [])]
  expect(answers).toEqual(OLD.map(() => ({ status: 200, arm: 'none', model: 'a' })))
  const [after] = await rows<{ n: number }>(`
    SELECT countIf(rollout = '' AND rollout_revision = 0 AND arm = 'none') AS n FROM traces WHERE route = 'chat'`)
  expect(after).toEqual({ n: OLD.length })
})

it('a web page that may not have the candidate’s key spent is no part of the rollout, instead of its failure', () => {
  expect(new Set(armsOf('programs'))).toEqual(new Set(['candidate', 'control']))
  expect([...(told.get('pages')?.values() ?? [])]).toEqual(
    Array.from({ length: 20 }, () => ({ status: 200, arm: 'none', model: 'a' })),
  )
})

it('every arm is dealt alike again from its row, the policy and the history of the rollout', async () => {
  const [stored] = await rows<{ n: number }>("SELECT count() AS n FROM traces WHERE decision_inputs != ''")
  const replayed = await runCli(['replay', '-c', home.configFile])
  expect(replayed).toMatchObject({ code: 0, stderr: '' })
  expect(replayed.stdout.trim()).toBe(`${stored?.n} traces decided again: ${stored?.n} agree (100.00 %).`)
})
