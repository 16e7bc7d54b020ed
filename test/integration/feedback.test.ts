import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { decideAndRemember, entryOfDecision } from '../../src/domain/feedback/decision-record.ts'
import { QUALITY_SOURCES } from '../../src/domain/feedback/readings.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { timeField } from '../../src/store/row-fields.ts'
import { someInputs, someScores } from '../fakes/a-feedback.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { feedbackRequests, storeFeedback } from '../fakes/feedback-rows.ts'
import { changeWeights, untilFeedback, untilWeights, weightsOf } from '../fakes/live-proxies.ts'
import { aProxyHome, queryAs, type Settings } from '../fakes/proxy-process.ts'
import { realWorld } from '../fakes/real-world.ts'
import { runCli } from '../fakes/run-cli.ts'
import { aStoreDoor } from '../fakes/store-door.ts'
import { createDraws } from '../simulation/draws.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.close())

describe('a proxy whose route lets evidence move its weights', () => {
  const MODELS = [
    { model: 'large', usd: 0.01, quality: { coding: 0.8, math: 0.8 } },
    { model: 'small', usd: 0.001, quality: { coding: 0.79, math: 0.4 } },
  ]
  const ARMS = ['openai/large', 'openai/small']

  function settings(database: string, changes: { readonly url?: string; readonly mode?: string } = {}): Settings {
    return {
      admin: { listen: '127.0.0.1:0' },
      log: { requests: false },
      decider: { tick: '60ms' },
      store: { kind: 'url', url: changes.url ?? engine.engine.url, username: 'app', password: 'app', database },
      providers: { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9', api_key: 'k' } },
      routes: {
        chat: {
          match: { model: 'gpt-*' },
          targets: ARMS.map((target) => ({ target, weight: 50 })),
          feedback: { mode: changes.mode ?? 'apply' },
        },
      },
    }
  }

  async function addRequests(own: StoreClient, count: number, agoMs: number): Promise<void> {
    const span = { count, until: Date.now() - agoMs, spanMs: 2 * DAY_MS }
    const requests = feedbackRequests(createDraws(count), MODELS, ['coding', 'math'], span)
    await storeFeedback(own, { route: 'chat', provider: 'openai', reference: 'nobody' }, requests)
  }

  const rowsOf = (database: string) => queryAs(engine.engine.url, { username: 'app', password: 'app', database })

  it('moves them once, by task, with a row that says why, that replays, and that an operator can overrule', async () => {
    await addRequests(await engine.migrated('fed'), 6_000, 600_000)
    const home = await aProxyHome(settings('fed'))
    onTestFinished(() => home.close())
    const proxy = await home.start()
    await proxy.stored()
    await untilWeights(proxy, 'chat', ({ last_change: last }) => last?.actor === 'understudy')
    const moved = await weightsOf(proxy, 'chat')
    expect(moved).toMatchObject({
      live: true,
      weights: { 'openai/large': 100, 'openai/small': 0 },
      tasks: {
        coding: { 'openai/large': 40.01, 'openai/small': 59.99 },
        math: { 'openai/large': 100, 'openai/small': 0 },
      },
      last_change: { kind: 'weights_set', reason: expect.stringContaining('decision 1: all traffic: ') },
    })
    await untilFeedback(proxy, ({ verdict }) => verdict === 'held')
    const decisions = await rowsOf('fed')(
      'SELECT revision, name, kind, actor, reason, before, after FROM weight_decisions ORDER BY revision',
    )
    expect(decisions).toEqual([
      {
        revision: 1,
        name: 'chat',
        kind: 'applied',
        actor: 'understudy',
        reason: expect.stringContaining(
          'math: openai/large 50.0 → 100.0 %, openai/small 50.0 → 0.0 % (worse than the reference)',
        ),
        before: JSON.stringify({ weights: { 'openai/large': 50, 'openai/small': 50 }, pins: [] }),
        after: expect.stringContaining('"tasks":{"coding"'),
      },
    ])
    expect(proxy.lines().filter(({ event }) => event === 'model_below_minimum')).toMatchObject([
      { route: 'chat', task: '', target: 'openai/small' },
      { route: 'chat', task: 'math', target: 'openai/small' },
    ])

    const weights = (...args: string[]) => runCli(['weights', ...args, '-c', home.configFile])
    const [explained, unknown] = await Promise.all([weights('explain', 'chat'), weights('explain', 'chats')])
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no route chats. Known: chat') })
    for (const text of ['all traffic', 'coding: ', 'quarantined', 'judge by judge (v1)', '60.0 %']) {
      expect(explained.stdout).toContain(text)
    }
    expect(explained.stdout).toMatch(/math +│ openai\/large +│ \d+ +│ \d\d\.\d % +│ \d\d\.\d % +│ \d+ +│/)

    const standings = await rowsOf('fed')(
      "SELECT task, target, standing, round(share_after, 2) AS share FROM v_model_standings WHERE task != '' ORDER BY task, target",
    )
    expect(standings).toEqual([
      { task: 'coding', target: 'openai/large', standing: 'eligible', share: 0.4 },
      { task: 'coding', target: 'openai/small', standing: 'eligible', share: 0.6 },
      { task: 'math', target: 'openai/large', standing: 'eligible', share: 1 },
      { task: 'math', target: 'openai/small', standing: 'quarantined', share: 0 },
    ])
    const listed = await weights('list')
    expect(listed.stdout).toMatch(/openai\/small +│ 50 +│ 0 +│ coding 59.99, math 0 /)
    expect(listed.stdout).toContain('chat: feedback apply, held. ')

    // Half of the requests went elsewhere, and no pairs say what became of their quality.
    const effectiveness = await weights('effectiveness', 'chat', '--since', '7d')
    expect(effectiveness.stdout).toContain('Routes are those of the proxy at http://127.0.0.1:')
    expect(effectiveness.stdout).toContain('Savings: not enough evidence (pairs speak for 0.0 % of the ')

    // By hand both arms get half of everything again, and the small one is pinned: evidence may not take it away.
    await changeWeights(proxy, 'chat', { weights: { 'openai/large': 50, 'openai/small': 50 }, pins: ['openai/small'] })
    await untilFeedback(proxy, ({ detail }) => detail.includes('pinned'))
    expect(await weightsOf(proxy, 'chat')).toMatchObject({
      weights: { 'openai/small': 50 },
      tasks: {},
      pins: ['openai/small'],
    })
    // Without the pin it goes at once, however recent the change.
    await changeWeights(proxy, 'chat', { pins: [] })
    await untilWeights(proxy, 'chat', ({ weights: now }) => now['openai/small'] === 0)
    const replayed = await weights('replay')
    expect(replayed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^(\d+) decisions made again: \1 agree \(100\.00 %\)/),
    })
  })

  it('leaves them as they are, and says so, without scores, with old ones and while ClickHouse is away, and where it may only suggest', async () => {
    const door = await aStoreDoor(engine.engine.port)
    onTestFinished(() => door.close())
    const own = await engine.migrated('suggested')
    const home = await aProxyHome(settings('suggested', { url: door.url, mode: 'suggest' }))
    onTestFinished(() => home.close())
    const proxy = await home.start()
    await proxy.stored()
    await untilFeedback(proxy, ({ verdict, detail }) => verdict === 'frozen' && detail.includes('no scores'))
    await addRequests(own, 2_000, 2 * DAY_MS)
    await untilFeedback(proxy, ({ verdict, detail }) => verdict === 'frozen' && detail.includes('too old'))
    await addRequests(own, 6_000, 600_000)
    await untilFeedback(proxy, ({ verdict }) => verdict === 'moved')
    await door.make('refused')
    await untilFeedback(proxy, ({ verdict }) => verdict === 'frozen')
    await door.make('open')
    // It looks again, and has nothing new to say.
    await untilFeedback(proxy, ({ verdict }) => verdict === 'moved')
    expect(await rowsOf('suggested')('SELECT kind FROM weight_decisions ORDER BY revision')).toEqual([
      { kind: 'frozen' },
      { kind: 'suggested' },
    ])
    expect(await weightsOf(proxy, 'chat')).toMatchObject({ live: false, weights: { 'openai/small': 50 } })
    expect(proxy.lines().filter(({ event }) => event === 'weights_changed')).toEqual([])
  })
})

it('decisions of a megabyte each are all made again', async () => {
  const own = await engine.migrated('large')
  const arms = ['openai/large', 'openai/small', 'openai/mid', 'openai/tiny']
  const tasks = Array.from({ length: 100 }, (_, index) => `a-task-with-a-name-of-some-length-${index}`)
  const quality = tasks.flatMap((task) =>
    QUALITY_SOURCES.flatMap((source) =>
      arms.map((arm) =>
        someScores(arm, 150.123456789, 0.8, {
          task,
          yardstick: { source, evaluator: source, version: 'v'.repeat(200) },
        }),
      ),
    ),
  )
  const weights = { weights: Object.fromEntries(arms.map((arm) => [arm, 25])), pins: [] }
  const record = decideAndRemember(someInputs({ quality, weights }))
  const entry = entryOfDecision(record, {
    id: realWorld.newId(),
    route: 'r',
    revision: 1,
    instance: '',
    policyVersion: '',
  })
  expect(entry.details.length).toBeGreaterThan(800_000)
  const rows = Array.from({ length: 21 }, (_, index) => [
    entry.name,
    entry.kind,
    index + 1,
    realWorld.newId(),
    timeField(entry.at),
    entry.after,
    entry.details,
  ])
  const columns = ['name', 'kind', 'revision', 'event_id', 'at', 'after', 'details']
  await own.insertRows('weight_decisions', namedRows(columns, ...rows), 'large')
  const store = { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database: 'large' }
  const home = await aProxyHome({ store, providers: { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9' } } })
  onTestFinished(() => home.close())
  const replayed = await runCli(['weights', 'replay', '-c', home.configFile])
  expect(replayed).toMatchObject({ code: 0, stdout: '21 decisions made again: 21 agree (100.00 %).\n' })
})
