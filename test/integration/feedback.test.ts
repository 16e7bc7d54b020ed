import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FEEDBACK_RULE } from '../../src/domain/feedback/rule.ts'
import { NO_TALLY, type Tally } from '../../src/domain/feedback/tally.ts'
import { readAnalysis } from '../../src/store/analyses/read-analysis.ts'
import type { Row, StoreClient } from '../../src/store/client.ts'
import { type FeedbackWanted, readFeedback } from '../../src/store/feedback-readings.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { type FedRequest, feedbackRequests, storeFeedback } from '../fakes/feedback-rows.ts'
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

  /** Of each unit and day the first value, by arrival. */
  function firsts(of: readonly FedRequest[], value: (request: FedRequest) => number | undefined) {
    const found = new Map<string, { readonly request: FedRequest; readonly value: number }>()
    for (const request of of) {
      const own = value(request)
      const isInTime =
        request.receivedAt > wanted.asOf - FEEDBACK_RULE.horizonMs &&
        request.receivedAt <= wanted.asOf - FEEDBACK_RULE.watermarkMs &&
        request.scoredAt <= wanted.asOf
      if (own === undefined || !isInTime) continue
      const day = new Date(request.receivedAt).toISOString().slice(0, 10)
      const key = `${day} ${request.unit === '' ? request.id : request.unit}`
      const known = found.get(key)
      const isEarlier =
        known === undefined ||
        request.scoredAt < known.request.scoredAt ||
        (request.scoredAt === known.request.scoredAt && request.id < known.request.id)
      if (isEarlier) found.set(key, { request, value: own })
    }
    return [...found.values()]
  }

  function tallied(values: readonly { readonly request: FedRequest; readonly value: number }[]): Tally {
    let [mass, sum, squares] = [0, 0, 0]
    for (const { request, value } of values) {
      const weight = 0.5 ** ((wanted.asOf - request.receivedAt) / FEEDBACK_RULE.halfLifeMs)
      mass += weight
      sum += weight * value
      squares += weight * value * value
    }
    return { mass, sum, squares }
  }

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
      const scores = firsts(own, ({ score }) => score)
      const judged = rowOf('judge')
      expectSame(judged?.tally, tallied(scores))
      const since = (at: number) => scores.filter(({ request }) => request.scoredAt > at).length
      // Mass is of the first score alone; counting goes by the first arrival of the group, which is its.
      expect(judged).toMatchObject({
        fresh: since(task === 'math' ? changedAt.math : changedAt['']),
        freshForAll: since(changedAt['']),
        sinceQuarantine: since(task === 'math' && model === 'small' ? NOW - 5 * DAY_MS : 0),
        yardstick: { evaluator: 'judge', version: 'v1' },
      })
      const pairs = model === 'large' ? [] : firsts(own, ({ d }) => d)
      expectSame(rowOf('pairs')?.tally ?? NO_TALLY, tallied(pairs))

      const inTime = own.filter(
        ({ receivedAt }) => receivedAt > wanted.asOf - FEEDBACK_RULE.horizonMs && receivedAt <= wanted.asOf,
      )
      const cost = read.value.costs.find((row) => row.task === task && row.arm === `openai/${model}`)
      const priced = inTime.flatMap((request) => (request.usd === undefined ? [] : [{ request, value: request.usd }]))
      expectSame(cost?.tally, tallied(priced))
      expect(cost?.requests).toBeCloseTo(tallied(inTime.map((request) => ({ request, value: 0 }))).mass, 6)
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
})
