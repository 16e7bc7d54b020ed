import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { LEFT_OUT_AFTER, LEFT_OUT_BEFORE, NOT_DRAWN } from '../../src/evaluate/report/backed-share.ts'
import { filledIn } from '../../src/store/analyses/filled-in.ts'
import { readAnalysis } from '../../src/store/analyses/read-analysis.ts'
import { aModel, judgeHabits } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { startApp, type Row, type TestApp } from '../fakes/an-app.ts'

const REQUESTS = 20
const KEY = { authorization: 'Bearer sk-of-a-client', 'content-type': 'application/json' }

let simulator: Simulator
let app: TestApp
const traceIds: string[] = []

beforeAll(async () => {
  simulator = await startSimulator({
    models: [
      aModel('strong', { quality: 1 }),
      aModel('weak', { quality: 0 }),
      aModel('the-judge', { judges: judgeHabits() }),
      aModel('dear', { quality: 1 }),
      aModel('good', { quality: 1 }),
      aModel('poor', { quality: 0 }),
    ],
  })
  const provider = { dialect: 'openai', base_url: simulator.url }
  app = await startApp({
    providers: { openai: provider, paid: { ...provider, api_key: 'sk-of-the-server' } },
    prices: [
      { model: 'dear', input: 10, output: 20 },
      { model: 'poor', input: 0.1, output: 0.2 },
      { model: '*', input: 1, output: 2 },
    ],
    routes: {
      picks: {
        match: { model: 'picks' },
        targets: ['dear', 'good'].map((model) => ({ target: `paid/${model}`, weight: 1 })),
        fallbacks: ['paid/poor'],
      },
    },
    audits: {
      all: { kind: 'routing', sample: '100%', budget: 1, every: '1h', point_value: 0.01, max_concurrent: 20 },
    },
    shadows: {
      cheaper: {
        candidates: ['paid/weak'],
        sample: '100%',
        aa_share: '0%',
        budget: { per_hour: 1, per_day: 1 },
        max_concurrent: 8,
      },
    },
    quality: { evaluate: '100%', minimum: { math: 0.9 } },
    judge: { target: 'paid/the-judge', sample: { live: '100%' }, budget: { per_hour: 1, per_day: 1 } },
  })
  for (let each = 0; each < REQUESTS; each++) {
    const answer = await fetch(`${app.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...KEY, 'x-understudy-task': 'math' },
      body: JSON.stringify({ model: 'strong', messages: [{ role: 'user', content: `What is ${each} + 2?` }] }),
    })
    await answer.text()
    traceIds.push(answer.headers.get('x-understudy-trace-id') ?? '')
  }
})
afterAll(async () => {
  await app?.close()
  await simulator?.close()
})

describe('a shadow with a judge', () => {
  it('has every pair compared and judged in both orders, and the candidate found worse', async () => {
    const rows = await app.rowsOf(
      "SELECT d, is_consistent, cost_usd FROM understudy.v_pairs WHERE evaluator = 'judge'",
      REQUESTS,
    )
    expect(rows).toHaveLength(REQUESTS)
    expect(rows.every(({ d, is_consistent }) => d === -1 && is_consistent === true)).toBe(true)
    const calls = await app.rowsOf("SELECT cost_usd FROM understudy.attempts WHERE role = 'judge'", 3 * REQUESTS)
    expect(calls).toHaveLength(3 * REQUESTS)
  })

  it('shows what became of each request, to the last', async () => {
    const [counts] = await app.rowsOf(
      "SELECT sumIf(requests, stage = 'eligible') AS eligible, sumIf(requests, stage = 'mirrored') AS mirrored, sumIf(requests, stage = 'compared') AS compared FROM understudy.shadow_funnel HAVING compared >= 20",
      1,
    )
    expect(counts).toEqual({ eligible: REQUESTS, mirrored: REQUESTS, compared: REQUESTS })
  })
})

describe('live answers', () => {
  it('are scored by the evaluators and by the judge, beside their requests', async () => {
    const rows = await app.rowsOf(
      "SELECT evaluator, source, count() AS scores, avg(value) AS mean, any(model) AS model, any(task) AS task, min(is_known) AS all_known FROM understudy.v_answer_scores WHERE evaluator IN ('answered', 'judge') GROUP BY evaluator, source HAVING scores >= 20 AND all_known ORDER BY evaluator",
      2,
    )
    expect(rows).toEqual([
      {
        evaluator: 'answered',
        source: 'evaluator',
        scores: REQUESTS,
        mean: 1,
        model: 'strong',
        task: 'math',
        all_known: 1,
      },
      { evaluator: 'judge', source: 'judge', scores: REQUESTS, mean: 1, model: 'strong', task: 'math', all_known: 1 },
    ])
  })
})

describe('feedback', () => {
  const send = (body: unknown, headers: Record<string, string> = KEY): Promise<Response> =>
    fetch(`${app.url}/understudy/v1/feedback`, { method: 'POST', headers, body: JSON.stringify(body) })
  const scoresOf = (name: string): Promise<readonly Row[]> =>
    app.rowsOf(
      `SELECT value, explanation, source, is_known, model FROM understudy.v_answer_scores WHERE evaluator = '${name}'`,
      1,
    )

  it('is kept before it is answered, and joined with its request', async () => {
    const answer = await send({
      trace_id: traceIds[0],
      score: 0.75,
      name: 'helpful',
      source: 'human',
      comment: 'from me@example.com',
    })
    expect([answer.status, await answer.json()]).toEqual([202, { status: 'accepted' }])
    const [row] = await scoresOf('helpful')
    expect(row).toMatchObject({ value: 0.75, source: 'human', is_known: 1, model: 'strong' })
    expect(row?.['explanation']).not.toContain('me@example.com')
  })

  it('that is sent again replaces what was said before', async () => {
    await send({ trace_id: traceIds[1], thumbs: 'down', name: 'again' })
    await sleep(5)
    await send({ trace_id: traceIds[1], thumbs: 'up', name: 'again' })
    await app.rowsOf("SELECT 1 FROM understudy.v_scores WHERE evaluator = 'again' AND value = 1", 1)
    expect((await scoresOf('again')).map(({ value }) => value)).toEqual([1])
  })

  it('of an id that no request has is kept as well', async () => {
    const stranger = `${(traceIds[0] ?? '').slice(0, 24)}000000000000`
    expect((await send({ trace_id: stranger, label: 'good', name: 'stranger' })).status).toBe(202)
    expect(await scoresOf('stranger')).toMatchObject([{ value: 1, is_known: 0, explanation: 'good' }])
  })

  it.each([
    [{}, 'trace_id'],
    [{ trace_id: 'x', score: 1 }, 'trace_id'],
    [{ trace_id: '00000000-0000-7000-8000-000000000000', score: 1 }, 'never given'],
    [{ trace_id: '$', score: 2 }, 'score: expected a number from 0 to 1'],
    [{ trace_id: '$', score: 1, thumbs: 'up' }, 'exactly one'],
    [{ trace_id: '$', thumbs: 'sideways' }, 'thumbs'],
    [{ trace_id: '$', score: 1, source: 'robot' }, 'source'],
    [{ trace_id: '$', score: 1, name: '../x' }, 'name'],
    [{ trace_id: '$', score: 1, sorce: 'human' }, 'unknown field "sorce"'],
  ])('that says %j is refused with a sentence that teaches', async (body, said) => {
    const answer = await send({
      ...body,
      ...('trace_id' in body && body.trace_id === '$' ? { trace_id: traceIds[0] } : {}),
    })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain(said.replaceAll('"', '\\"'))
  })

  it('is not taken from a web page, nor beyond its size', async () => {
    const page = await send({ trace_id: traceIds[0], score: 1 }, { ...KEY, origin: 'https://evil.example' })
    expect(page.status).toBe(403)
    const large = await send({ trace_id: traceIds[0], score: 1, comment: 'x'.repeat(70_000) })
    expect(large.status).toBe(413)
    const got = await fetch(`${app.url}/understudy/v1/feedback`)
    expect(got.status).toBe(405)
    expect((await fetch(`${app.url}/understudy/v1/nothing`)).status).toBe(404)
  })
})

describe('a trace', () => {
  const read = (id: string | undefined, key: string): Promise<Response> =>
    fetch(`${app.url}/understudy/v1/traces/${id}`, { headers: key === '' ? {} : { authorization: `Bearer ${key}` } })

  it('can be read by the key that made it and by no other', async () => {
    await app.rowsOf('SELECT 1 FROM understudy.traces', REQUESTS)
    const own = await read(traceIds[0], 'sk-of-a-client')
    expect(own.status).toBe(200)
    expect(await own.json()).toMatchObject({ trace: { trace_id: traceIds[0] }, attempts: [{ role: 'primary' }] })
    expect((await read(traceIds[0], 'sk-of-another')).status).toBe(404)
    expect((await read(traceIds[0], '')).status).toBe(404)
    expect((await read('nonsense', 'sk-of-a-client')).status).toBe(404)
  })
})

describe('a routing audit', () => {
  const AUDITED = 24
  const SET_APART = 8

  /** How many requests a shadow has mirrored, as soon as it is known what became of `asked`. */
  async function mirroredOf(shadow: string, asked: number): Promise<number> {
    for (;;) {
      const answer = await fetch(`${app.adminUrl}/admin/shadows`)
      const { shadows }: { shadows: { name: string; funnel: { eligible: number; mirrored: number } }[] } = JSON.parse(
        await answer.text(),
      )
      const funnel = shadows.find(({ name }) => name === shadow)?.funnel
      if (funnel !== undefined && funnel.eligible >= asked) return funnel.mirrored
      await sleep(20)
    }
  }

  it('says of each request which model was worth most, and of the route how often that one had answered', async () => {
    const began = Date.now() - 1
    for (let each = 0; each < AUDITED + SET_APART; each++) {
      const answer = await fetch(`${app.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          ...KEY,
          'x-understudy-task': each % 3 === 0 ? 'math' : 'coding',
          ...(each < AUDITED ? {} : { 'x-understudy-shadow': 'off' }),
        },
        body: JSON.stringify({ model: 'picks', messages: [{ role: 'user', content: `What is ${each} + 3?` }] }),
      })
      expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)])
    }
    // A machine that is short of time leaves some out; the others speak for them.
    const mirrored = await mirroredOf('audit:all:picks', AUDITED + SET_APART)
    expect(mirrored).toBeGreaterThanOrEqual(AUDITED / 2)
    const audited = await app.rowsOf('SELECT * FROM understudy.v_routing_audits WHERE is_whole', mirrored)
    expect(audited).toHaveLength(mirrored)
    expect(new Set(audited.map(({ picked }) => picked))).toEqual(new Set(['paid/dear', 'paid/good']))
    expect(
      audited.filter(({ picked, best, is_right: right }) => best !== 'paid/good' || right !== Number(picked === best)),
    ).toEqual([])
    // Both other models, each once, and nobody else's.
    const calls = await app.rows(
      "SELECT model, countIf(shadow = 'audit:all:picks') AS calls FROM understudy.attempts WHERE started_at > now() - INTERVAL 1 HOUR AND role IN ('primary', 'shadow') AND model IN ('dear', 'good', 'poor') GROUP BY model ORDER BY model",
    )
    const picked = (model: string): number => audited.filter((row) => row['picked'] === `paid/${model}`).length
    expect(calls).toEqual([
      { model: 'dear', calls: picked('good') },
      { model: 'good', calls: picked('dear') },
      { model: 'poor', calls: mirrored },
    ])

    // Skips are written a second later.
    const counts = await app.rowsOf(
      `SELECT sumIf(requests, stage = 'eligible') AS eligible, sumIf(requests, stage = 'mirrored') AS mirrored,
        sumIf(requests, stage = 'compared') AS compared, sumIf(requests, reason = 'header_off') AS set_apart
      FROM understudy.shadow_funnel WHERE shadow = 'audit:all:picks' HAVING set_apart = ${SET_APART}`,
      1,
    )
    const eligible = AUDITED + SET_APART
    expect(counts).toEqual([{ eligible, mirrored, compared: mirrored, set_apart: SET_APART }])

    const reasons = {
      left_out_before: [...LEFT_OUT_BEFORE],
      left_out_after: [...LEFT_OUT_AFTER],
      not_drawn: [...NOT_DRAWN],
    }
    const sql = filledIn(readAnalysis('routing-audits').replaceAll('{database:Identifier}', 'understudy'), {
      route: 'picks',
      audit: '',
      since: began,
      as_of: Date.now(),
      ...reasons,
    })
    const found = await app.rowsOf(`SELECT * FROM (${sql}) WHERE backed > 0.7 AND backed < 0.8`, 2)
    const byHand = await app.rows(`
      SELECT task, count() AS requests, countIf(client.model = 'good') AS right_picks, count() AS units, count() AS nn, right_picks AS rn, right_picks AS rr,
        sumIf(toFloat64(client.cost_usd) - toFloat64(other.cost_usd), client.model = 'dear') AS regret_usd,
        sumIf(pow(toFloat64(client.cost_usd) - toFloat64(other.cost_usd), 2), client.model = 'dear') AS gg
      FROM understudy.attempts AS client
      LEFT JOIN (SELECT trace_id, cost_usd FROM understudy.attempts WHERE shadow = 'audit:all:picks' AND model = 'good') AS other
        ON other.trace_id = client.trace_id
      WHERE role = 'primary' AND trace_id IN (SELECT trace_id FROM understudy.attempts WHERE shadow = 'audit:all:picks')
      GROUP BY task ORDER BY requests DESC`)
    expect(byHand).toHaveLength(2)
    expect(found).toEqual(
      byHand.map((row) => ({
        route: 'picks',
        partial: 0,
        backed: expect.closeTo(AUDITED / (AUDITED + SET_APART), 9),
        ...row,
        gn: expect.closeTo(Number(row['regret_usd']), 10),
        gg: expect.closeTo(Number(row['gg']), 12),
        regret_usd: expect.closeTo(Number(row['regret_usd']), 10),
      })),
    )
  })
})
