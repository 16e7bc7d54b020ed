import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Attempt, Exchange } from '../../src/domain/exchange.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { parseAs } from '../../src/store/columns.ts'
import { openReads, type Reads } from '../../src/store/read.ts'
import { ATTEMPT_COLUMNS, attemptRows } from '../../src/store/attempt-row.ts'
import { TRACE_COLUMNS, traceRow } from '../../src/store/trace-row.ts'
import { insertable } from '../fakes/insertable.ts'
import { anAttempt, anExchange, aRequest } from '../fakes/an-exchange.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'

const MINUTE_MS = 60_000
const NOW = Date.now()
const unpriced = { kind: 'unpriced', why: 'unknown_model' } as const
const reset = { kind: 'unavailable', error: 'upstream_reset', mayHaveRun: true } as const

let engine: TestEngine
let owner: StoreClient
let reads: Reads

/** A UUIDv7 made at `at`, the `nth` of that millisecond. */
function idAt(at: number, nth: number): string {
  const stamp = at.toString(16).padStart(12, '0')
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7000-8000-${nth.toString(16).padStart(12, '0')}`
}

let made = 0

function exchangeAgo(
  minutes: number,
  model: string,
  parts: Partial<Exchange> = {},
  attempt: Partial<Attempt> = {},
): Exchange {
  made += 1
  const receivedAt = NOW - minutes * MINUTE_MS
  return anExchange({
    request: aRequest({ id: idAt(receivedAt, made), model }),
    receivedAt,
    attempts: [
      anAttempt({
        id: idAt(receivedAt, made),
        startedAt: receivedAt,
        target: { provider: 'openai', model },
        ...attempt,
      }),
    ],
    ...parts,
  })
}

const recent = exchangeAgo(1, 'a')
const slow = exchangeAgo(2, 'a', {}, { durationMs: 9_000 })
const failed = exchangeAgo(
  3,
  'a',
  { outcome: 'unavailable', status: 502, error: 'upstream_reset' },
  { outcome: reset, usage: undefined, cost: { kind: 'unpriced', why: 'no_usage' }, firstTokenMs: undefined },
)
const other = exchangeAgo(4, 'b', {}, { cost: unpriced })
const shadowed = exchangeAgo(5, 'b', {
  attempts: [
    anAttempt({ id: idAt(NOW, 900), startedAt: NOW - 5 * MINUTE_MS, target: { provider: 'openai', model: 'b' } }),
    anAttempt({
      id: idAt(NOW, 901),
      startedAt: NOW - 5 * MINUTE_MS,
      target: { provider: 'openai', model: 'c' },
      role: 'shadow',
    }),
  ],
})
const old = exchangeAgo(200, 'a')

beforeAll(async () => {
  engine = await startTestEngine()
  owner = await engine.migrated()
  const all = [recent, slow, failed, other, shadowed, old]
  const traces = all.map((one) => traceRow(one, 'here'))
  const attempts = all.flatMap((one) => attemptRows(one, 'here'))
  await owner.insertRows('traces', insertable(TRACE_COLUMNS, traces), 'traces')
  await owner.insertRows('attempts', insertable(ATTEMPT_COLUMNS, attempts), 'attempts')
  reads = openReads(engine.reader().select, 'understudy')
})
afterAll(() => engine?.close())

async function idsOf(filter: Partial<Parameters<Reads['recentTraces']>[0]>): Promise<readonly string[]> {
  const read = await reads.recentTraces({ limit: 100, minutes: 60, equals: {}, status: undefined, ...filter })
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value.map((trace) => trace.trace_id)
}

const idOf = (exchange: Exchange): string => exchange.request.id

describe('recent traces', () => {
  test('come newest first, from the minutes asked for', async () => {
    expect(await idsOf({})).toEqual([recent, slow, failed, other, shadowed].map(idOf))
    expect(await idsOf({ minutes: 300 })).toContain(idOf(old))
  })

  test('are no more than asked for', async () => {
    expect(await idsOf({ limit: 2 })).toEqual([recent, slow].map(idOf))
  })

  test('match every value asked for', async () => {
    expect(await idsOf({ equals: { requested_model: 'b' } })).toEqual([other, shadowed].map(idOf))
    expect(await idsOf({ equals: { requested_model: 'a', outcome: 'unavailable' } })).toEqual([idOf(failed)])
    expect(await idsOf({ status: 502 })).toEqual([idOf(failed)])
    expect(await idsOf({ equals: { user: "' OR 1 = 1 --" } })).toEqual([])
  })
})

describe('one trace', () => {
  test('comes with its attempts in order', async () => {
    const read = await reads.trace(idOf(shadowed))
    expect(read).toMatchObject({
      kind: 'ok',
      value: {
        trace: { trace_id: idOf(shadowed), attempts: 1, cost_usd: '0.002', input_tokens: 1_000, output_tokens: 200 },
        attempts: [
          { position: 0, role: 'primary', model: 'b' },
          { position: 1, role: 'shadow', model: 'c' },
        ],
      },
    })
  })

  test('is found by its id in capitals as well', async () => {
    expect(await reads.trace(idOf(old).toUpperCase())).toMatchObject({ value: { trace: { trace_id: idOf(old) } } })
  })

  test.each([
    ['of a request that was never made', idAt(NOW, 12_345)],
    ['that is no UUIDv7', '3f2504e0-4f89-41d3-9a0c-0305e82c3301'],
    ['that is nothing', "x' OR '1'='1"],
  ])('of an id %s is none', async (_what, id) => {
    expect(await reads.trace(id)).toEqual({ kind: 'ok', value: undefined })
  })
})

test('the summary counts what each model did for clients, and what it cost', async () => {
  const read = await reads.summary(60)
  if (read.kind === 'unavailable') throw new Error(read.detail)
  expect(
    read.value.map(({ model, calls, errors, priced_calls, cost_usd }) => ({
      model,
      calls,
      errors,
      priced_calls,
      cost_usd,
    })),
  ).toEqual([
    { model: 'a', calls: 3, errors: 1, priced_calls: 2, cost_usd: '0.004' },
    { model: 'b', calls: 2, errors: 0, priced_calls: 1, cost_usd: '0.002' },
  ])
  const [a] = read.value
  expect(a).toMatchObject({ provider: 'openai', input_tokens: 2_000, output_tokens: 400, first_token_ms_p50: 220.25 })
  expect(a?.duration_ms_p50).toBeGreaterThanOrEqual(1_234)
  expect(a?.duration_ms_p95).toBeLessThanOrEqual(9_000)
})

test('the views tell the truth about the same rows', async () => {
  const rows = async (sql: string) => {
    const read = await engine.reader().select({ name: 'test', sql, parse: (row) => row })
    return read.kind === 'ok' ? read.value : read.detail
  }
  expect(
    await rows(`SELECT model, role, sum(calls) AS n, sum(cost_usd) AS usd FROM understudy.v_cost_per_model_hour
                WHERE hour > now() - INTERVAL 1 DAY GROUP BY model, role ORDER BY model, role`),
  ).toEqual([
    { model: 'a', role: 'primary', n: '4', usd: '0.006' },
    { model: 'b', role: 'primary', n: '2', usd: '0.002' },
    { model: 'c', role: 'shadow', n: '1', usd: '0.002' },
  ])
  expect(await rows('SELECT toString(trace_id) AS id, error FROM understudy.v_recent_errors')).toEqual([
    { id: idOf(failed), error: 'upstream_reset' },
  ])
  expect(await rows('SELECT model_name, calls FROM understudy.v_unpriced_models')).toEqual([
    { model_name: 'gpt-5-mini-2026-08-07', calls: '1' },
  ])
  expect(
    await rows(`SELECT model, sum(calls) AS n, max(duration_ms_p50_p95_p99[3]) AS worst
                FROM understudy.v_latency_per_model_minute GROUP BY model ORDER BY model`),
  ).toMatchObject([{ model: 'a', n: '3', worst: 9_000 }, { model: 'b' }, { model: 'c' }])
})

test('a read never changes anything, whoever asks', async () => {
  for (const client of [owner, engine.reader()]) {
    const sql = 'INSERT INTO understudy.leases (name) VALUES (1)'
    const read = await client.select({ name: 'test', sql, parse: (row) => row })
    expect(read.kind).toBe('unavailable')
  }
})

test('the read-only user sees its own database and no file of the machine through a table', async () => {
  const read = (sql: string) => engine.reader().select({ name: 'test', sql, parse: (row) => row })
  expect((await read('SELECT * FROM system.users')).kind).toBe('unavailable')
  expect((await read("SELECT * FROM file('/etc/passwd', 'LineAsString')")).kind).toBe('unavailable')
  expect((await read("SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'l String')")).kind).toBe('unavailable')
  expect((await read('SELECT 1 SETTINGS max_execution_time = 1000')).kind).toBe('unavailable')
})

test('a read that was given up on ends at once', async () => {
  const giveUp = new AbortController()
  const sql = 'SELECT sum(sleepEachRow(0.1)) FROM system.numbers'
  const read = owner.select({ name: 'test', sql, parse: (row) => row }, giveUp.signal)
  giveUp.abort()
  expect((await read).kind).toBe('unavailable')
})

test('a row that is not what its query promises is a bug and is named as one', async () => {
  const parse = parseAs({ n: 'number' })
  await expect(owner.select({ name: 'test', sql: "SELECT 'x' AS n", parse })).rejects.toThrow(
    /column n: expected number, found "x"/,
  )
})
