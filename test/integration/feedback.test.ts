import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { FEEDBACK_RULE } from '../../src/domain/feedback/rule.ts'
import { NO_TALLY, type Tally } from '../../src/domain/feedback/tally.ts'
import { type Analysis, readAnalysis } from '../../src/store/analyses/read-analysis.ts'
import type { Row, StoreClient } from '../../src/store/client.ts'
import { type FeedbackWanted, readFeedback } from '../../src/store/feedback-readings.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { feedbackRequests, storeFeedback } from '../fakes/feedback-rows.ts'
import { changeWeights, untilFeedback, untilWeights, weightsOf } from '../fakes/live-proxies.ts'
import { aProxyHome, queryAs, type Settings } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'
import { aStoreDoor } from '../fakes/store-door.ts'
import { firstValues, talliedByHand } from '../fakes/feedback-sums.ts'
import { createDraws } from '../simulation/draws.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = Math.floor(Date.now() / 1_000) * 1_000
const { signal } = new AbortController()

let engine: TestEngine
let client: StoreClient
beforeAll(async () => {
  engine = await startTestEngine()
  client = await engine.migrated()
})
afterAll(() => engine?.close())

describe('what the analyses say is what comes out by hand:', () => {
  const models = [
    { model: 'large', usd: 0.01, quality: { coding: 0.8, math: 0.8 } },
    { model: 'small', usd: 0.001, quality: { coding: 0.7, math: 0.5 } },
  ]
  const route = { route: 'counted', provider: 'openai', reference: 'large' }
  const requests = feedbackRequests(createDraws(7), models, ['coding', 'math'], {
    count: 3_000,
    until: NOW,
    spanMs: 45 * DAY_MS,
  })
  const changedAt = { '': NOW - 20 * DAY_MS, math: NOW - 2 * DAY_MS }
  const wanted: FeedbackWanted = {
    route: route.route,
    asOf: NOW - HOUR_MS,
    rule: FEEDBACK_RULE,
    reference: { provider: 'openai', model: 'large' },
    changedAt,
    quarantined: { math: { 'openai/small': NOW - 5 * DAY_MS } },
  }
  beforeAll(async () => {
    await storeFeedback(client, route, requests)
    await storeFeedback(
      client,
      { ...route, route: 'another' },
      feedbackRequests(createDraws(8), models, ['coding'], { count: 50, until: NOW - 1, spanMs: DAY_MS }),
    )
  })

  function expectSame(found: Tally | undefined, expected: Tally): void {
    expect(found?.mass).toBeCloseTo(expected.mass, 6)
    expect(found?.sum).toBeCloseTo(expected.sum, 6)
    expect(found?.squares).toBeCloseTo(expected.squares, 6)
  }

  it.each(['coding', 'math'])('quality and costs of %s, by source', async (task) => {
    const read = await readFeedback(engine.reader().select, 'understudy', wanted, signal)
    if (read.kind !== 'ok') throw new Error(read.detail)
    for (const model of ['large', 'small']) {
      const own = requests.filter((request) => request.task === task && request.model === model)
      const rowOf = (source: string) =>
        read.value.quality.find(
          (row) => row.task === task && row.arm === `openai/${model}` && row.yardstick.source === source,
        )
      const scores = firstValues(own, wanted.asOf, ({ score }) => score)
      const judged = rowOf('judge')
      expectSame(judged?.tally, talliedByHand(scores, wanted.asOf))
      const since = (at: number) => scores.filter(({ request }) => request.scoredAt > at).length
      // Mass is of the first score alone; counting goes by the first arrival of the group, which is its.
      expect(judged).toMatchObject({
        fresh: since(task === 'math' ? changedAt.math : changedAt['']),
        freshForAll: since(changedAt['']),
        sinceQuarantine: since(task === 'math' && model === 'small' ? NOW - 5 * DAY_MS : 0),
        yardstick: { evaluator: 'judge', version: 'v1' },
      })
      const pairs = model === 'large' ? [] : firstValues(own, wanted.asOf, ({ d }) => d)
      expectSame(rowOf('pairs')?.tally ?? NO_TALLY, talliedByHand(pairs, wanted.asOf))

      const inTime = own.filter(
        ({ receivedAt }) => receivedAt > wanted.asOf - FEEDBACK_RULE.horizonMs && receivedAt <= wanted.asOf,
      )
      const cost = read.value.costs.find(
        (row) => row.kind === 'live' && row.task === task && row.arm === `openai/${model}`,
      )
      const priced = inTime.flatMap((request) => (request.usd === undefined ? [] : [{ request, value: request.usd }]))
      expectSame(cost?.tally, talliedByHand(priced, wanted.asOf))
      expect(cost?.requests).toBeCloseTo(
        talliedByHand(
          inTime.map((request) => ({ request, value: 0 })),
          wanted.asOf,
        ).mass,
        6,
      )
    }
  })

  it('how calls fared in a window', async () => {
    const windowMs = 10 * DAY_MS
    const params = { database: 'understudy', route: 'counted', as_of: NOW, window_ms: windowMs }
    const read = await client.select({
      name: 'calls',
      sql: `${readAnalysis('call-windows')} SETTINGS output_format_json_quote_64bit_integers = 0`,
      params,
      parse: (row): Row => row,
    })
    if (read.kind !== 'ok') throw new Error(read.detail)
    for (const row of read.value) {
      const own = requests
        .map((request, index) => ({ ...request, durationMs: 100 + index }))
        .filter(
          ({ task, model, receivedAt }) =>
            task === row['task'] && model === row['model'] && receivedAt > NOW - windowMs,
        )
      const completed = own.filter(({ score }) => score !== undefined)
      const times = completed.map(({ durationMs }) => durationMs).toSorted((one, other) => one - other)
      const usd = own.flatMap((request) => (request.usd === undefined ? [] : [request.usd]))
      expect(row).toMatchObject({ calls: own.length, priced_calls: usd.length })
      expect(row['success_rate']).toBeCloseTo(completed.length / own.length, 9)
      expect(row['rate_limited_share']).toBeCloseTo(1 - completed.length / own.length, 9)
      expect(row['duration_ms_p50']).toBe(times[Math.floor(0.5 * times.length)])
      expect(row['first_token_ms_p95']).toBe((times[Math.floor(0.95 * times.length)] ?? 0) - 90)
      expect(row['cost_usd_per_call']).toBeCloseTo(usd.reduce((sum, one) => sum + one, 0) / usd.length, 9)
    }
    expect(read.value).toHaveLength(4)
  })

  it('what routing cost and how often another model should have answered', async () => {
    const since = NOW - 20 * DAY_MS
    const params = { database: 'understudy', route: 'counted', as_of: NOW, since, delta: 0.05 }
    const asked = async (analysis: Analysis): Promise<readonly Row[]> => {
      const sql = `${readAnalysis(analysis)} SETTINGS output_format_json_quote_64bit_integers = 0`
      const read = await client.select({ name: analysis, sql, params, parse: (row): Row => row })
      if (read.kind !== 'ok') throw new Error(read.detail)
      return read.value
    }
    const inTime = requests.filter(({ receivedAt }) => receivedAt > since && receivedAt <= NOW)
    const traffic = await asked('routed-traffic')
    expect(traffic).toHaveLength(4)
    for (const row of traffic) {
      const own = inTime.filter(({ task, model }) => task === row['task'] && model === row['model'])
      const usd = own.flatMap((request) => (request.usd === undefined ? [] : [request.usd]))
      const mean = usd.reduce((sum, one) => sum + one, 0) / usd.length
      const variance = usd.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (usd.length - 1)
      expect(row).toMatchObject({ requests: own.length, priced: usd.length, fallen_back: 0 })
      expect(row['usd']).toBeCloseTo(mean * usd.length, 9)
      expect(row['usd_variance']).toBeCloseTo(variance, 12)
    }
    const accuracy = await asked('routing-accuracy')
    expect(accuracy).toHaveLength(2)
    for (const row of accuracy) {
      // The reference against itself is no comparison of models.
      const own = inTime.filter(
        ({ task, d, model, usd }) => task === row['task'] && d !== undefined && model !== 'large' && usd !== undefined,
      )
      // d as the row has it: of the candidate, which is half as dear where the reference is stable.
      const cheaper = own.filter(({ d, isReferenceStable }) => isReferenceStable && (d ?? 0) >= -0.05).length
      const dearer = own.filter(({ d, isReferenceStable }) => !isReferenceStable && -(d ?? 0) > 0.05).length
      expect(row).toMatchObject({
        pairs: own.length,
        cheaper_would_do: cheaper,
        dearer_was_needed: dearer,
        right_choices: own.length - cheaper - dearer,
      })
    }
  })
})

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
    const explained = await weights('explain', 'chat')
    for (const text of ['all traffic', 'coding: ', 'quarantined', 'judge by judge (v1)', '60.0 %']) {
      expect(explained.stdout).toContain(text)
    }

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

    const effectiveness = await weights('effectiveness', 'chat', '--since', '7d')
    const [saving] = await rowsOf('fed')<{ saved: number; whole: number; n: number }>(`
      SELECT sum(small * mean - spent) AS saved, sum(small * mean + own) AS whole, toFloat64(sum(all)) AS n FROM (
        SELECT countIf(target_model = 'small' AND cost_usd IS NOT NULL) AS small, avgIf(toFloat64(cost_usd), target_model = 'large') AS mean,
          sumIf(toFloat64(cost_usd), target_model = 'small') AS spent, sumIf(toFloat64(cost_usd), target_model = 'large') AS own, count() AS all
        FROM traces WHERE route = 'chat' GROUP BY task)`)
    expect(effectiveness.stdout).toContain(`chat: ${saving?.n} requests, against openai/large for all of them.`)
    const share = (100 * (saving?.saved ?? 0)) / (saving?.whole ?? 1)
    expect(effectiveness.stdout).toContain(`Savings: ${share.toFixed(1)} % (95 %: `)
    expect(effectiveness.stdout).toContain(`${saving?.saved.toFixed(4)} USD; evidence speaks for `)
    expect(effectiveness.stdout).toMatch(/math +│ openai\/small +│ 0\.[34]\d\d/)

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
