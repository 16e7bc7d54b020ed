import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { changeWeights, untilWeights, weightsOf } from '../fakes/live-proxies.ts'
import { aProxyHome, queryAs, type ProxyHome, type Query, type Settings } from '../fakes/proxy-process.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { runCli } from '../fakes/run-cli.ts'
import { aStoreDoor } from '../fakes/store-door.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.close())

const BASE = { 'openai/a': 90, 'openai/b': 10 }
const KEY = 'sk-literal-0123456789abcdef'

function settings(
  database: string,
  weights: Readonly<Record<string, number>> = BASE,
  url = engine.engine.url,
): Settings {
  return {
    admin: { listen: '127.0.0.1:0' },
    log: { requests: false },
    store: { kind: 'url', url, username: 'app', password: 'app', database },
    providers: { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9', api_key: KEY } },
    routes: {
      chat: {
        match: { model: 'gpt-*' },
        strategy: 'weighted',
        targets: Object.entries(weights).map(([target, weight]) => ({ target, weight })),
      },
      one: { match: { model: 'o1' }, target: 'openai/o1' },
    },
  }
}

/** Homes of proxies that are one deployment: the same file, the same store. */
async function homesOn(database: string, count = 2, url?: string): Promise<readonly ProxyHome[]> {
  const homes = await Promise.all(Array.from({ length: count }, () => aProxyHome(settings(database, BASE, url))))
  for (const home of homes) onTestFinished(() => home.close())
  return homes
}

function rowsIn(database: string): Query {
  return queryAs(engine.engine.url, { username: 'app', password: 'app', database })
}

it('a change made at one proxy is in force at once there, and within 3 s on the others, with its audit row', async () => {
  const [one, two] = await Promise.all((await homesOn('spread')).map((home) => home.start()))
  if (one === undefined || two === undefined) throw new Error('no proxies')
  await Promise.all([one.stored(), two.stored()])
  const tookMs: number[] = []
  for (const weight of [20, 30, 40]) {
    const body = { weights: { 'openai/b': weight }, reason: `try ${weight}` }
    const put = await changeWeights(one, 'chat', body, { 'x-understudy-actor': 'ada' })
    expect(put).toMatchObject({
      status: 200,
      json: { live: true, stored: true, weights: { 'openai/a': 90, 'openai/b': weight } },
    })
    tookMs.push(await untilWeights(two, 'chat', ({ weights }) => weights['openai/b'] === weight))
  }
  console.log(`live weights seen by the other proxy after ${tookMs.map(Math.round).join(', ')} ms`)
  expect(Math.max(...tookMs)).toBeLessThan(3_000)

  const seen = JSON.parse((await two.admin('/admin/policy')).text)
  expect(seen.live).toMatchObject({
    revision: '3',
    weights: [
      {
        route: 'chat',
        base: BASE,
        weights: { 'openai/a': 90, 'openai/b': 40 },
        live: true,
        last_change: { actor: 'ada', reason: 'try 40', counts: true, before: { weights: { 'openai/b': 30 } } },
      },
    ],
  })
  expect(seen.effective.routes[0].targets).toEqual([
    { target: 'openai/a', weight: 90 },
    { target: 'openai/b', weight: 40 },
  ])
  const audit = await rowsIn('spread')(
    'SELECT revision, actor, reason, kind, subject, before, after, policy_version FROM config_changes ORDER BY revision',
  )
  expect(audit).toHaveLength(3)
  expect(audit[1]).toEqual({
    revision: 2,
    actor: 'ada',
    reason: 'try 30',
    kind: 'weights_set',
    subject: 'chat',
    before: JSON.stringify({ weights: { 'openai/a': 90, 'openai/b': 20 }, pins: [] }),
    after: JSON.stringify({ weights: { 'openai/a': 90, 'openai/b': 30 }, pins: [] }),
    policy_version: JSON.parse((await one.admin('/admin/policy')).text).version,
  })

  const back = await changeWeights(two, 'chat', undefined)
  expect(back).toMatchObject({ status: 200, etag: '"file"', json: { live: false, weights: BASE } })
  await untilWeights(one, 'chat', ({ live }) => !live)

  const policies = await rowsIn('spread')<{ version: string; text: string }>(
    'SELECT version, text FROM policy_versions',
  )
  expect(new Set(policies.map(({ version }) => version)).size).toBe(2) // each has a port of its own in its file
  for (const { text } of policies) {
    expect(text).not.toContain(KEY)
    expect(JSON.parse(text)).toMatchObject({ routes: { chat: { strategy: 'weighted' } } })
  }
})

it('a later edit of the file wins, and editing it back does not revive the change', async () => {
  const homes = await homesOn('edited')
  const [one, two] = await Promise.all(homes.map((home) => home.start()))
  if (one === undefined || two === undefined) throw new Error('no proxies')
  await Promise.all([one.stored(), two.stored()])
  await changeWeights(one, 'chat', { weights: { 'openai/b': 50 }, pins: ['openai/b'] })
  await untilWeights(two, 'chat', ({ weights, pins }) => weights['openai/b'] === 50 && pins[0] === 'openai/b')

  const edited = { 'openai/a': 80, 'openai/b': 20 }
  homes[0]?.configure(settings('edited', edited))
  await untilWeights(one, 'chat', ({ weights }) => weights['openai/b'] === 20)
  await untilWeights(two, 'chat', ({ live }) => !live)
  homes[0]?.configure(settings('edited'))
  await untilWeights(one, 'chat', ({ base }) => base['openai/b'] === 10)
  expect(await weightsOf(one, 'chat')).toMatchObject({ live: false, weights: BASE })
  expect(await weightsOf(two, 'chat')).toMatchObject({ live: false, weights: BASE })
  const kinds = await rowsIn('edited')('SELECT kind, actor, reason FROM config_changes ORDER BY revision')
  expect(kinds.slice(1)).toEqual([{ kind: 'weights_superseded', actor: 'config file', reason: 'the file was edited' }])
})

it('of two changes on top of the same one the second is told that it came too late', async () => {
  const [one, two] = await Promise.all((await homesOn('conflict')).map((home) => home.start()))
  if (one === undefined || two === undefined) throw new Error('no proxies')
  await Promise.all([one.stored(), two.stored()])
  let tag = '"file"'
  for (let round = 1; round <= 5; round++) {
    const answers = await Promise.all(
      [one, two].map((proxy, index) =>
        changeWeights(proxy, 'chat', { weights: { 'openai/b': round * 10 + index } }, { 'if-match': tag }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412])
    const winner = answers.find(({ status }) => status === 200)
    expect(answers.find(({ status }) => status === 412)?.json.error?.message).toContain(winner?.etag)
    tag = winner?.etag ?? ''
  }
  const [count] = await rowsIn('conflict')<{ n: number; last: number }>(
    "SELECT countIf(kind = 'weights_set') AS n, max(revision) AS last FROM config_changes",
  )
  expect(count?.last).toBe(count?.n)
  await untilWeights(two, 'chat', (now) => `"${now.tag}"` === tag)
  await untilWeights(one, 'chat', (now) => `"${now.tag}"` === tag)
})

it('while ClickHouse is away changes count where they are made, outlive a restart, and reach the others afterwards', async () => {
  const door = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const [home] = await homesOn('outage', 1, door.url)
  const [other] = await homesOn('outage', 1)
  const [away, two] = [await home?.start(), await other?.start()]
  if (home === undefined || away === undefined || two === undefined) throw new Error('no proxies')
  await Promise.all([away.stored(), two.stored()])
  await changeWeights(two, 'chat', { weights: { 'openai/b': 20 } })
  await untilWeights(away, 'chat', ({ weights }) => weights['openai/b'] === 20)

  await door.make('refused')
  const put = await changeWeights(away, 'chat', { weights: { 'openai/b': 33 }, reason: 'no store' })
  expect(put).toMatchObject({ status: 200, json: { stored: false, live: true, weights: { 'openai/b': 33 } } })
  const strict = await changeWeights(away, 'chat', { weights: { 'openai/b': 34 } }, { 'if-match': put.etag ?? '' })
  expect(strict).toMatchObject({ status: 503, json: { error: { code: 'store_unavailable' } } })
  expect(statSync(join(home.dataDir, 'live-changes.json')).mode & 0o777).toBe(0o600)
  await away.end('SIGKILL')

  const again = await home.start()
  expect(await weightsOf(again, 'chat')).toMatchObject({ live: true, weights: { 'openai/a': 90, 'openai/b': 33 } })
  expect(await weightsOf(two, 'chat')).toMatchObject({ weights: { 'openai/b': 20 } })
  await door.make('open')
  await untilWeights(two, 'chat', ({ weights }) => weights['openai/b'] === 33)
  const rows = await rowsIn('outage')<{ reason: string }>('SELECT reason FROM config_changes ORDER BY revision')
  expect(rows.map(({ reason }) => reason)).toEqual(['', 'no store'])
})

it('a change made without sight of the others gives way to one that was made after it, and both are on record', async () => {
  const door = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const [[home], [other]] = await Promise.all([homesOn('late', 1, door.url), homesOn('late', 1)])
  const [away, two] = [await home?.start(), await other?.start()]
  if (away === undefined || two === undefined) throw new Error('no proxies')
  await Promise.all([away.stored(), two.stored()])
  await door.make('refused')
  await changeWeights(away, 'chat', { weights: { 'openai/b': 20 }, reason: 'first' })
  await changeWeights(two, 'chat', { weights: { 'openai/b': 40 }, reason: 'second' })
  await door.make('open')
  await untilWeights(away, 'chat', ({ weights }) => weights['openai/b'] === 40)
  const rows = rowsIn('late')
  while ((await rows('SELECT 1 FROM config_changes')).length < 2) await sleep(50)
  expect(await rows('SELECT reason FROM config_changes ORDER BY revision')).toEqual([
    { reason: 'second' },
    { reason: 'first' },
  ])
  await untilWeights(two, 'chat', ({ weights }) => weights['openai/b'] === 40)
})

it('a file that was edited while nobody ran wins as well, on a proxy that has never been there before', async () => {
  const [[home], [fresh]] = await Promise.all([homesOn('replaced', 1), homesOn('replaced', 1)])
  const proxy = await home?.start()
  if (proxy === undefined || fresh === undefined) throw new Error('no proxy')
  await proxy.stored()
  await changeWeights(proxy, 'chat', { weights: { 'openai/b': 50 } })
  await proxy.end('SIGTERM')

  fresh.configure(settings('replaced', { 'openai/a': 70, 'openai/b': 30 }))
  const next = await fresh.start()
  const rows = rowsIn('replaced')
  const kinds = async () =>
    (await rows<{ kind: string }>('SELECT kind FROM config_changes ORDER BY revision')).map((row) => row.kind)
  while ((await kinds()).length < 2) await sleep(50)
  expect(await kinds()).toEqual(['weights_set', 'weights_superseded'])
  fresh.configure(settings('replaced'))
  await untilWeights(next, 'chat', ({ base }) => base['openai/b'] === 10)
  expect(await weightsOf(next, 'chat')).toMatchObject({ live: false, weights: BASE })
})

it('every worker of a proxy decides by the live weights, those that start later too', async () => {
  const simulator = await startSimulator({ models: [aModel('a'), aModel('b')] })
  onTestFinished(() => simulator.close())
  const home = await aProxyHome({
    ...settings('workers'),
    workers: 2,
    providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: KEY } },
  })
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const put = await changeWeights(proxy, 'chat', { weights: { 'openai/a': 0, 'openai/b': 1 } })
  expect(put).toMatchObject({ status: 200, json: { live: true, stored: true } })
  const ask = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const answer = await fetch(`${home.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { connection: 'close', 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: `${n}` }] }),
      })
      await answer.text()
    }
  }
  await ask(40)
  await proxy.end('SIGTERM')
  const again = await home.start()
  await ask(40)
  await again.drained()
  const rows = await rowsIn('workers')(
    'SELECT target_model AS model, count() AS n, uniqExact(instance) AS workers FROM traces GROUP BY model',
  )
  expect(rows).toEqual([{ model: 'b', n: 80, workers: 2 }])
})

it('weights are read and changed from the command line, and what cannot be is explained', async () => {
  const [home] = await homesOn('cli', 1)
  const proxy = await home?.start()
  if (home === undefined || proxy === undefined) throw new Error('no proxy')
  await proxy.stored()
  const weights = (...args: string[]) =>
    runCli(['weights', ...args, '-c', home.configFile], { environment: { USER: 'grace' } })

  const set = await weights('set', 'chat', 'openai/b=25', '--reason', 'cheaper')
  expect(set).toMatchObject({ code: 0, stderr: '' })
  expect(set.stdout).toContain('every other proxy has it')
  expect((await weights('pin', 'chat', 'openai/b', '--actor', 'ada')).code).toBe(0)
  const [listed, json] = await Promise.all([weights('list'), weights('list', '-f', 'json')])
  expect(JSON.parse(json.stdout)).toMatchObject([{ route: 'chat' }])
  expect(listed.stdout).toMatch(/│ \S+Z ada +│\n.*│ openai\/b │ 10 +│ 25 pinned │/)
  expect((await weights('unpin', 'chat', 'openai/b')).stdout).not.toContain('pinned')
  expect((await weights('reset', 'chat', '--reason', 'enough')).code).toBe(0)
  const history = await weights('history', 'chat')
  for (const text of ['weights_set', 'weights_reset', 'grace', 'ada', 'cheaper', 'enough', 'openai/b 25 pinned']) {
    expect(history.stdout).toContain(text)
  }

  const faults: [readonly string[], string][] = [
    [['set', 'chat', 'openai/c=1'], 'unknown target "openai/c". Known: openai/a, openai/b.'],
    [['set', 'chat', 'openai/a=0', 'openai/b=0'], 'expected at least one weight above 0'],
    [['set', 'chat', 'openai/a=many'], 'expected <target>=<weight>'],
    [['set', 'one', 'openai/o1=1'], 'expected a route with weights (weighted or balance), found fixed'],
    [['set', 'chats', 'openai/a=1'], 'There is no route "chats". Known: chat, one.'],
  ]
  for (const [args, text] of faults)
    expect(await weights(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining(text) })
  const negative = await changeWeights(proxy, 'chat', { weights: { 'openai/a': -1 } })
  expect(negative).toMatchObject({
    status: 422,
    json: { error: { code: 'invalid_weights', message: 'chat: openai/a: expected a weight of 0 or more, found -1.' } },
  })
})
