import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { armAt, askVerb, rolloutOf, untilRollout } from '../fakes/live-rollouts.ts'
import {
  aProxyHome,
  type ProxyHome,
  type ProxyProcess,
  type Query,
  queryAs,
  type Settings,
} from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'
import { aStoreDoor } from '../fakes/store-door.ts'

let engine: TestEngine
let simulator: Simulator
beforeAll(async () => {
  engine = await startTestEngine()
  simulator = await startSimulator({ models: [aModel('a'), aModel('b')] })
})
afterAll(async () => {
  await engine?.close()
  await simulator?.close()
})

const NOW = 'swap'

/** A rollout that starts by itself at half of the units, and moves by nothing but a person or the file. */
function settings(database: string, rollout: Settings = {}, url = engine.engine.url): Settings {
  return {
    admin: { listen: '127.0.0.1:0' },
    log: { requests: false },
    store: { kind: 'url', url, username: 'app', password: 'app', database },
    providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-test' } },
    routes: { chat: { match: { model: 'gpt-*' }, target: 'openai/a' } },
    decider: { tick: '300ms' },
    rollouts: {
      [NOW]: {
        route: 'chat',
        candidate: 'openai/b',
        shadow: false,
        steps: ['50%', '80%'],
        metric: 'feedback',
        ...rollout,
      },
    },
  }
}

async function homesOn(database: string, count = 2, url?: string): Promise<readonly ProxyHome[]> {
  const homes = await Promise.all(Array.from({ length: count }, () => aProxyHome(settings(database, {}, url))))
  for (const home of homes) onTestFinished(() => home.close())
  return homes
}

async function startAll(homes: readonly ProxyHome[]): Promise<readonly ProxyProcess[]> {
  const proxies = await Promise.all(homes.map((home) => home.start()))
  await Promise.all(proxies.map((proxy) => proxy.stored()))
  return proxies
}

function rowsIn(database: string): Query {
  return queryAs(engine.engine.url, { username: 'app', password: 'app', database })
}

/** A session whose unit falls to the candidate at 50 %, found by asking. */
async function candidateSession(url: string, name: string): Promise<string> {
  for (let n = 0; n < 64; n++) if ((await armAt(url, `${name}-${n}`)) === 'candidate') return `${name}-${n}`
  throw new Error('no session falls to the candidate')
}

it('a rollout of the file starts by itself, and every verb is in force on both proxies within 3 s', async () => {
  const homes = await homesOn('verbs')
  const [one, two] = await startAll(homes)
  const [urlOne, urlTwo] = homes.map(({ url }) => url)
  if (one === undefined || two === undefined || urlOne === undefined || urlTwo === undefined)
    throw new Error('no proxies')
  for (const proxy of [one, two]) await untilRollout(proxy, NOW, ({ stage }) => stage === '50%')

  const deciders = await Promise.all([one, two].map((proxy) => proxy.metric('understudy_rollout_decider')))
  expect(deciders.toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual([0, 1])
  for (const proxy of [one, two]) {
    expect(await proxy.metric('understudy_rollout_percent', { rollout: NOW })).toBe(50)
    expect(await proxy.metric('understudy_rollout_phase', { rollout: NOW, phase: 'ramping' })).toBe(1)
  }

  const session = await candidateSession(urlOne, 'verbs')
  expect(await armAt(urlTwo, session)).toBe('candidate')
  const tookMs: number[] = []
  const ask = async (proxy: ProxyProcess, other: ProxyProcess, verb: string, phase: string): Promise<void> => {
    const answer = await askVerb(proxy, NOW, `${verb}${verb.includes('?') ? '&' : '?'}reason=because`, {
      'x-understudy-actor': 'ada',
    })
    expect(answer).toMatchObject({ status: 200, json: { stored: true, phase, actor: 'ada', reason: 'because' } })
    tookMs.push(await untilRollout(other, NOW, (now) => now.phase === phase && now.revision === answer.json.revision))
  }
  await ask(one, two, 'pause', 'paused')
  await ask(two, one, 'resume', 'ramping')
  await ask(one, two, 'promote', 'ramping')
  expect(await rolloutOf(two, NOW)).toMatchObject({ stage: '80%', percent: 80 })
  await ask(two, one, 'promote?to=full', 'baking')
  await ask(one, two, 'rollback', 'rolled_back')
  expect([await armAt(urlOne, session), await armAt(urlTwo, session)]).toEqual(['none', 'none'])
  console.log(`verbs seen by the other proxy after ${tookMs.map(Math.round).join(', ')} ms`)
  expect(Math.max(...tookMs)).toBeLessThan(3_000)

  expect(await askVerb(one, NOW, 'pause')).toMatchObject({ status: 409, json: { error: { code: 'refused' } } })
  expect(await askVerb(one, NOW, 'retry')).toMatchObject({ status: 409 })
  expect(await askVerb(one, 'nobody', 'start')).toMatchObject({ status: 404 })
  expect(await askVerb(one, NOW, 'abort', { 'if-match': '"1"' })).toMatchObject({ status: 412 })
  const events = await rowsIn('verbs')<{ revision: number; kind: string; actor: string }>(
    'SELECT revision, kind, actor FROM rollout_events ORDER BY revision',
  )
  expect(events.map(({ kind }) => kind).join(' ')).toBe('created started paused resumed stepped stepped rolled_back')
  expect(events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7])

  const [home] = homes
  const cli = (...args: string[]) =>
    runCli(['rollout', ...args, '-c', home?.configFile ?? ''], { environment: { USER: 'grace' } })
  expect(JSON.parse((await cli('list', '-f', 'json')).stdout)).toContainEqual(
    expect.objectContaining({ name: NOW, phase_text: 'rolled back (by hand)' }),
  )
  expect((await cli('show', NOW)).stdout).toMatch(/rolled back \(by hand\).*ada/s)
  expect((await cli('explain', NOW)).stdout).toMatch(/rolled back .*\n {2}\d{4}-\S+Z ada: because\n/)
  expect((await cli('estimate', NOW)).stdout).toContain('normal')
  expect(await cli('retry', NOW)).toMatchObject({ code: 1, stderr: expect.stringContaining('it may be retried from') })
  expect(await cli('replay', NOW)).toMatchObject({ code: 0, stdout: expect.stringContaining('agree (100.00 %)') })
})

it('a percentage that is edited in the file moves units within 3 s on both proxies, and only adds them', async () => {
  const homes = await homesOn('edited')
  const [one, two] = await startAll(homes)
  if (one === undefined || two === undefined) throw new Error('no proxies')
  for (const proxy of [one, two]) await untilRollout(proxy, NOW, ({ stage }) => stage === '50%')
  homes[0]?.configure(settings('edited', { steps: ['60%', '80%'] }))
  const editedAt = performance.now()
  for (const proxy of [one, two]) await untilRollout(proxy, NOW, ({ percent }) => percent === 60)
  expect(performance.now() - editedAt).toBeLessThan(3_000)
  expect((await rolloutOf(one, NOW)).epoch).toBe(1)
  // The other file, which says something else, is older: it does not undo the edit.
  await sleep(1_500)
  expect(await rolloutOf(two, NOW)).toMatchObject({ percent: 60, actor: 'config file' })

  homes[1]?.configure(settings('edited', { steps: ['60%', '80%'], state: 'paused' }))
  for (const proxy of [one, two]) await untilRollout(proxy, NOW, ({ phase }) => phase === 'paused')
  await askVerb(one, NOW, 'resume')
  await sleep(1_500)
  expect(await rolloutOf(two, NOW)).toMatchObject({ phase: 'ramping', percent: 60 })
})

it('while ClickHouse is away a rollback counts at once, outlives a restart, and is told afterwards', async () => {
  const door = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const [[home], [other]] = await Promise.all([homesOn('outage', 1, door.url), homesOn('outage', 1)])
  if (home === undefined || other === undefined) throw new Error('no homes')
  const [away] = await startAll([home])
  if (away === undefined) throw new Error('no proxy')
  await untilRollout(away, NOW, ({ stage }) => stage === '50%')
  const [two] = await startAll([other])
  if (two === undefined) throw new Error('no proxy')
  await untilRollout(two, NOW, ({ stage }) => stage === '50%')
  const session = await candidateSession(home.url, 'outage')

  await door.make('refused')
  expect(await askVerb(away, NOW, 'promote')).toMatchObject({ status: 503 })
  expect(await armAt(home.url, session)).toBe('candidate')
  const gone = await askVerb(away, NOW, 'rollback?reason=no%20store', { 'x-understudy-actor': 'ada' })
  expect(gone).toMatchObject({ status: 200, json: { stored: false, phase: 'rolled_back', unstored: 1 } })
  expect(await armAt(home.url, session)).toBe('none')
  await away.end('SIGKILL')
  const again = await home.start()
  expect(await rolloutOf(again, NOW)).toMatchObject({ phase: 'rolled_back', actor: 'ada' })
  expect(await armAt(home.url, session)).toBe('none')
  expect((await rolloutOf(two, NOW)).phase).toBe('ramping')

  home.configure(settings('outage', { steps: ['50%', '70%'] }, door.url))
  await untilRollout(again, NOW, ({ steps }) => steps[1] === 70)
  await door.make('open')
  await untilRollout(two, NOW, ({ phase }) => phase === 'rolled_back')
  await untilRollout(again, NOW, ({ unstored }) => unstored === 0)
  const told = () =>
    rowsIn('outage')<{ kind: string; actor: string; reason: string }>(
      'SELECT kind, actor, reason FROM rollout_events WHERE revision > 2 ORDER BY revision',
    )
  while ((await told()).length < 2) await sleep(50)
  expect(await told()).toEqual([
    { kind: 'rolled_back', actor: 'ada', reason: 'no store' },
    { kind: 'edited', actor: 'config file', reason: 'the file was edited' },
  ])
})

it('a candidate that fails is gone from its proxy at once, without the store, and from the others when it is back', async () => {
  const door = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const [home] = await homesOn('breaker', 1, door.url)
  if (home === undefined) throw new Error('no home')
  const [proxy] = await startAll([home])
  if (proxy === undefined) throw new Error('no proxy')
  await untilRollout(proxy, NOW, ({ stage }) => stage === '50%')
  await door.make('refused')
  simulator.playbill.play('outage', { model: 'b' })
  onTestFinished(() => simulator.playbill.stop())
  let asked = 0
  while ((await rolloutOf(proxy, NOW)).phase === 'ramping' && asked < 64) {
    await armAt(home.url, `breaker-${(asked += 1)}`)
  }
  const seen = await rolloutOf(proxy, NOW)
  expect(seen).toMatchObject({ phase_text: 'rolled back (breaker)', actor: 'understudy', unstored: 1 })
  expect(seen.reason).toContain('5 failures in a row')
  await door.make('open')
  await untilRollout(proxy, NOW, ({ unstored }) => unstored === 0)
  const rows = rowsIn('breaker')
  const decided = () =>
    rows<{ rule: string; id: string }>(
      "SELECT rule, toString(decision_id) AS id FROM rollout_decisions WHERE action = 'rollback'",
    )
  while ((await decided()).length === 0) await sleep(50)
  const [decision] = await decided()
  const [event] = await rows<{ details: string }>("SELECT details FROM rollout_events WHERE kind = 'rolled_back'")
  expect(decision?.rule).toBe('breaker')
  expect(JSON.parse(event?.details ?? '')).toMatchObject({ decision: decision?.id })
})
