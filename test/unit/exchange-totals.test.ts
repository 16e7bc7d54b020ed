import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Attempt, Exchange } from '../../src/domain/exchange.ts'
import { namedRows, readableRow } from '../../src/store/named-rows.ts'
import { ATTEMPT_COLUMNS, attemptRows } from '../../src/store/attempt-row.ts'
import { TRACE_COLUMNS, traceRow } from '../../src/store/trace-row.ts'
import { createRequestLine } from '../../src/telemetry/request-line.ts'
import { anAttempt, anExchange } from '../fakes/an-exchange.ts'
import { anyExchangeAt } from '../fakes/any-exchange.ts'
import { metricsWith } from '../fakes/metrics-with.ts'
import { parseExposition } from '../fakes/parse-exposition.ts'

const unpriced = { usage: undefined, cost: { kind: 'unpriced', why: 'no_usage' } } as const
const timedOut = anAttempt({
  ...unpriced,
  outcome: { kind: 'unavailable', error: 'first_byte_timeout', mayHaveRun: true },
  firstTokenMs: undefined,
})
const RECEIVED_AT = anExchange().receivedAt

/** What the trace row, the log line and the metrics say of one exchange, in the same words. */
async function threeAccounts(exchange: Exchange) {
  const row: Record<string, unknown> = JSON.parse(readableRow(namedRows(TRACE_COLUMNS), traceRow(exchange, 'here')))
  let text = ''
  createRequestLine({ settings: () => ({ level: 'info', requests: true }), write: (line) => (text = line) })(exchange)
  const line: Record<string, unknown> = JSON.parse(text)
  const metrics = metricsWith()
  metrics.observe(exchange)
  const families = parseExposition(await metrics.expose())
  const sum = (name: string, suffix = ''): number | undefined => {
    const samples = families.get(name)?.samples.filter((sample) => sample.name === name + suffix) ?? []
    return samples.length === 0 ? undefined : samples.reduce((total, { value }) => total + value, 0)
  }
  return {
    row: { costUsd: row['cost_usd'], firstTokenMs: row['first_token_ms'], attempts: row['attempts'] },
    line: { costUsd: line['cost_usd'], firstTokenMs: line['ttft_ms'], attempts: line['attempts'] },
    metrics: {
      costUsd: sum('understudy_cost_usd_total'),
      firstTokenS: sum('understudy_time_to_first_token_seconds', '_sum'),
      unpriced: sum('understudy_unpriced_total') ?? 0,
    },
    unpricedAttempts: row['unpriced_attempts'],
  }
}

const streamed = (parts: Partial<Attempt>): Attempt => anAttempt({ streamEvents: 10, ...parts })

it('a time-out before a priced fallback leaves the cost known everywhere, and one attempt unpriced', async () => {
  const fallback = streamed({ role: 'fallback', startedAt: RECEIVED_AT + 5_000 })
  const said = await threeAccounts(anExchange({ attempts: [timedOut, fallback] }))
  expect(said).toEqual({
    row: { costUsd: '0.002000000000', firstTokenMs: 5_220.25, attempts: 2 },
    line: { costUsd: 0.002, firstTokenMs: 5_220.25, attempts: 2 },
    metrics: { costUsd: 0.002, firstTokenS: 5.22025, unpriced: 1 },
    unpricedAttempts: 1,
  })
})

it('what shadows, judges and classifiers cost or wait is nowhere taken for the client’s', async () => {
  const ours = (['classifier', 'shadow', 'judge'] as const).map((role) =>
    streamed({ role, startedAt: RECEIVED_AT + 90_000, target: { provider: 'other', model: 'other' } }),
  )
  const [classifier, ...after] = ours
  const attempts = [...(classifier === undefined ? [] : [classifier]), streamed({}), ...after]
  const said = await threeAccounts(anExchange({ attempts }))
  expect(said).toEqual({
    row: { costUsd: '0.002000000000', firstTokenMs: 221.25, attempts: 1 },
    line: { costUsd: 0.002, firstTokenMs: 221.25, attempts: 1 },
    metrics: { costUsd: 0.002, firstTokenS: 0.22125, unpriced: 0 },
    unpricedAttempts: 0,
  })
})

it('an error answer that was cut on its way costs nothing, an answer that was cut costs what is not known', async () => {
  const cut = (status: number) =>
    anAttempt({ ...unpriced, outcome: { kind: 'interrupted', status, error: 'upstream_cut' } })
  const error = await threeAccounts(anExchange({ attempts: [cut(500), anAttempt({ role: 'fallback' })] }))
  expect(error).toMatchObject({ row: { costUsd: '0.002000000000' }, line: { costUsd: 0.002 }, unpricedAttempts: 0 })
  const answer = await threeAccounts(anExchange({ attempts: [cut(200), anAttempt({ role: 'fallback' })] }))
  expect(answer).toMatchObject({ row: { costUsd: null }, line: { costUsd: null }, unpricedAttempts: 1 })
})

it('row, log line and metrics agree on any exchange', async () => {
  await fc.assert(
    fc.asyncProperty(anyExchangeAt(RECEIVED_AT), async (exchange) => {
      const { row, line, metrics, unpricedAttempts } = await threeAccounts(exchange)
      expect(line.attempts).toBe(row.attempts)
      expect([line.costUsd === null, line.firstTokenMs === null]).toEqual([
        row.costUsd === null,
        row.firstTokenMs === null,
      ])
      expect(metrics.unpriced).toBe(unpricedAttempts)
      expect(Number(line.costUsd)).toBeCloseTo(Number(row.costUsd), 9)
      expect(Number(line.firstTokenMs)).toBeCloseTo(Number(row.firstTokenMs), 2)
    }),
    { numRuns: 100 },
  )
})

it('a call that asks no model is neither priced nor unpriced, and its row says why it has no cost', async () => {
  const listed = anExchange({ attempts: [anAttempt({ usage: undefined, cost: { kind: 'not_billed' } })] })
  const { row, line, metrics } = await threeAccounts(listed)
  expect([row.costUsd, line.costUsd, metrics.costUsd, metrics.unpriced]).toEqual([null, null, undefined, 0])
  const trace = JSON.parse(readableRow(namedRows(TRACE_COLUMNS), traceRow(listed, 'here')))
  expect(trace).toMatchObject({ unpriced_attempts: 0 })
  const [attempt = ''] = attemptRows(listed, 'here')
  expect(JSON.parse(readableRow(namedRows(ATTEMPT_COLUMNS), attempt))).toMatchObject({ unpriced_why: 'not_billed' })
})
