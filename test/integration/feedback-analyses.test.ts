import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { AuditAnswer, AuditPathKind } from '../../src/domain/audit.ts'
import { FEEDBACK_RULE } from '../../src/domain/feedback/rule.ts'
import { NO_TALLY, type Tally } from '../../src/domain/feedback/tally.ts'
import { type Analysis, readAnalysis } from '../../src/store/analyses/read-analysis.ts'
import { openAuditRecords } from '../../src/store/audit-records.ts'
import type { Row, StoreClient } from '../../src/store/client.ts'
import { type FeedbackWanted, readFeedback } from '../../src/store/feedback-readings.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { timeField } from '../../src/store/row-fields.ts'
import { realWorld } from '../fakes/real-world.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { feedbackRequests, storeFeedback } from '../fakes/feedback-rows.ts'
import { firstValues, talliedByHand } from '../fakes/feedback-sums.ts'
import { MATRIX_BY_HAND, RIGHT_BY_HAND, SAVING_BY_HAND } from '../fakes/effectiveness-sql.ts'
import { aProxyHome, queryAs } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'
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
  // Shadows leave them alone.
  const audited = feedbackRequests(createDraws(9), models, ['coding'], { count: 50, until: NOW, spanMs: DAY_MS }).map(
    (request) => ({ ...request, d: undefined, score: 0 }),
  )
  beforeAll(async () => {
    await storeFeedback(client, route, requests)
    await storeFeedback(
      client,
      { ...route, route: 'another' },
      feedbackRequests(createDraws(8), models, ['coding'], { count: 50, until: NOW - 1, spanMs: DAY_MS }),
    )
    // Questions of an audit go the way of the traffic, and are none.
    await storeFeedback(client, { ...route, tags: { audit: 'golden' } }, audited)
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

  it('and of more scores than can be read those of a part of the requests', async () => {
    const massOf = async (most?: number): Promise<number> => {
      const read = await readFeedback(engine.reader().select, 'understudy', wanted, signal, most)
      if (read.kind !== 'ok') throw new Error(read.detail)
      return read.value.quality.reduce((sum, { tally }) => sum + tally.mass, 0)
    }
    const [whole, part] = [await massOf(), await massOf(1_000)]
    expect(part).toBeGreaterThan(0.15 * whole)
    expect(part).toBeLessThan(0.5 * whole)
  })

  it('what audits found of a model that they asked by itself, each question once a day', async () => {
    const ago = (hours: number): number => wanted.asOf - hours * HOUR_MS
    const answer = (
      question: string,
      answeredAt: number,
      value: number | undefined,
      kind: AuditPathKind = 'target',
    ) => ({
      kind,
      path: kind === 'target' ? 'openai/org/small' : 'counted',
      question,
      task: 'audited',
      answeredAt,
      traceId: undefined,
      value,
      failure: value === undefined ? 'timeout' : '',
      model: 'small-2026',
      picoUsd: 1n,
    })
    const records = openAuditRecords(() => client)
    const keep = async (run: string, answers: readonly AuditAnswer[]): Promise<void> => {
      const kept = await records.keepAnswers({ audit: 'nightly', run, questionSet: 'set' }, answers, 'test')
      expect(kept.kind).toBe('ok')
    }
    await keep('one', [answer('a', ago(48), 1), answer('b', ago(48), 0.5), answer('c', ago(48), undefined)])
    await keep('two', [answer('a', ago(1), 0), answer('a', ago(1), 1, 'route')])
    const read = await readFeedback(engine.reader().select, 'understudy', wanted, signal)
    if (read.kind !== 'ok') throw new Error(read.detail)
    const [row, ...others] = read.value.quality.filter(({ task }) => task === 'audited')
    expect(others).toEqual([])
    expect(row).toMatchObject({
      arm: 'openai/org/small',
      yardstick: { source: 'audit', evaluator: 'nightly', version: 'set' },
      latestAt: ago(1),
    })
    const weight = (hours: number): number => 0.5 ** (hours / 168)
    expectSame(row?.tally, { mass: 2 * weight(48) + weight(1), sum: 1.5 * weight(48), squares: 1.25 * weight(48) })
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
      // Calls are calls, whoever asked.
      const own = [requests, audited]
        .flatMap((of) => of.map((request, index) => ({ ...request, durationMs: 100 + index })))
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

  it('who went on to another model, not who was asked again', async () => {
    const row = (attempts: number, servedProvider: string, servedModel: string) => [
      realWorld.newId(),
      timeField(NOW),
      'fell-back',
      'anthropic',
      [{ provider: 'openai', model: 'small' }],
      attempts,
      servedProvider,
      servedModel,
      'completed',
    ]
    const columns = 'trace_id received_at route provider targets attempts served_provider target_model outcome'.split(
      ' ',
    )
    const rows = [row(1, 'openai', 'small'), row(2, 'openai', 'small'), row(2, 'openai', 'large'), row(2, 'b', 'small')]
    await client.insertRows('traces', namedRows(columns, ...rows), 'fell back')
    const read = await client.select({
      name: 'fallbacks',
      sql: `${readAnalysis('routed-traffic')} SETTINGS output_format_json_quote_64bit_integers = 0`,
      params: { database: 'understudy', route: 'fell-back', since: NOW - 1, as_of: NOW },
      parse: (found): Row => found,
    })
    expect(read).toMatchObject({ value: [{ provider: 'openai', model: 'small', requests: 4, fallen_back: 2 }] })
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

  it('the report of effectiveness, and its matrix of tasks and models', async () => {
    const store = { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database: 'understudy' }
    const targets = ['openai/large', 'openai/small'].map((target) => ({ target, weight: 50 }))
    const home = await aProxyHome({
      store,
      providers: { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9', api_key: 'k' } },
      routes: { counted: { targets, feedback: { mode: 'suggest', delta: 0.05 } } },
      quality: { minimum: { math: 0.9 } },
    })
    onTestFinished(() => home.close())
    const { stdout } = await runCli(['weights', 'effectiveness', 'counted', '--since', '60d', '-c', home.configFile])
    const sql = queryAs(engine.engine.url, { username: 'app', password: 'app', database: 'understudy' })
    const [sums] = await sql<{ n: number; moved: number; saved: number; whole: number; error: number }>(SAVING_BY_HAND)
    if (sums === undefined) throw new Error('there are no requests')
    const { n, moved, saved, whole, error } = sums
    const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
    const interval = [saved - 1.959964 * error, saved + 1.959964 * error].map((end) => percent(end / whole))
    expect(stdout).toContain(`counted: ${n} requests, against openai/large for all of them.`)
    expect(stdout).toContain(
      `Savings: ${percent(saved / whole)} (95 %: ${interval.join(' to ')}), ${saved.toFixed(4)} USD; pairs speak for 100.0 % of the ${moved} requests that went elsewhere.`,
    )
    const [right] = await sql<{ share: number; pairs: number }>(RIGHT_BY_HAND)
    expect(stdout).toMatch(
      new RegExp(`Right choices: ${percent(right?.share ?? 0)} .* of ${right?.pairs} judged pairs`),
    )
    const matrix = await sql<{ task: string; model: string; mean: number; error: number; n: number }>(MATRIX_BY_HAND)
    expect(matrix).toHaveLength(4)
    const cells = stdout.split('\n').map((line) => line.split('│').map((cell) => cell.trim()))
    for (const cell of matrix) {
      const [low, high] = [-1.959964, 1.959964].map((z) => (cell.mean + z * cell.error).toFixed(3))
      const isBelow = cell.task === 'math' && Number(high) < 0.9
      const shown = `${cell.mean.toFixed(3)} [${low}, ${high}]${isBelow ? ' below' : ''}`
      const least = cell.task === 'math' ? '0.9' : ''
      expect(cells).toContainEqual(
        expect.arrayContaining([
          cell.task,
          `openai/${cell.model}`,
          shown,
          String(cell.n),
          least,
          'judge by judge (v1)',
        ]),
      )
    }
  })
})
