import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditedPicks } from '../../src/domain/feedback/audited-picks.ts'
import type { Pair } from '../../src/domain/pair.ts'
import { scoreRevision } from '../../src/domain/score.ts'
import { LEFT_OUT_AFTER, LEFT_OUT_BEFORE, NOT_DRAWN } from '../../src/evaluate/report/backed-share.ts'
import { readReportRows } from '../../src/evaluate/report/read-report-rows.ts'
import { reportQueries } from '../../src/evaluate/report/report-queries.ts'
import { shadowReport } from '../../src/evaluate/report/shadow-report.ts'
import { filledIn } from '../../src/store/analyses/filled-in.ts'
import { readAnalysis } from '../../src/store/analyses/read-analysis.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { attemptRow, ATTEMPT_COLUMNS } from '../../src/store/attempt-row.ts'
import { FUNNEL_COLUMNS, funnelRow } from '../../src/store/funnel-row.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { PAIR_COLUMNS, pairRow } from '../../src/store/pair-row.ts'
import { runQuery } from '../../src/store/query/run-query.ts'
import { restoreJudgeSpend } from '../../src/compose/restore-judge-spend.ts'
import type { Spend } from '../../src/domain/spend-budget.ts'
import { quietLog, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { anAttempt } from '../fakes/an-exchange.ts'
import { boardFile } from '../fakes/dashboard-file.ts'
import { asGrafanaSends, EVERYTHING } from '../fakes/grafana-query.ts'
import { insertable } from '../fakes/insertable.ts'
import { realWorld } from '../fakes/real-world.ts'

let engine: TestEngine
let client: StoreClient
beforeAll(async () => {
  engine = await startTestEngine()
  client = await engine.migrated()
})
afterAll(() => engine?.close())

const RATES = { uncachedInput: 1_000_000, cacheRead: 100_000, textOutput: 2_000_000 }
const PAIRS = 200

test('the report says of stored pairs and calls what went into them', async () => {
  const now = Date.now()
  const pairs: Pair[] = []
  const attempts: string[] = []
  for (let each = 0; each < PAIRS; each++) {
    const [traceId, stableId, candidateId] = [realWorld.newId(), realWorld.newId(), realWorld.newId()]
    const isControl = each % 10 === 0
    const call = (id: string, model: string, picoUsd: bigint, isTimeout: boolean): string =>
      attemptRow(
        {
          request: {
            id: traceId,
            api: 'chat_completions',
            isStream: false,
            controls: { task: 'math', team: undefined },
          },
          decision: { route: 'default', arm: 'none', policyVersion: 'abc' },
        },
        anAttempt({
          id,
          startedAt: now,
          role: model === 'strong' ? 'primary' : 'shadow',
          target: { provider: 'sim', model },
          outcome: isTimeout
            ? { kind: 'unavailable', error: 'first_byte_timeout', mayHaveRun: true }
            : { kind: 'completed', status: 200 },
          cost: { kind: 'priced', picoUsd, rates: { ...anAttemptRates(), ...RATES }, source: 'config' },
        }),
        0,
        'here',
      )
    attempts.push(call(stableId, 'strong', 1_000_000_000n, false))
    attempts.push(call(candidateId, isControl ? 'strong' : 'weak', 250_000_000n, each % 20 === 1))
    const pair = aPair(traceId, stableId, candidateId, isControl, now)
    // Of nine candidates one loses; A/A is a tie.
    const d = isControl || each % 9 !== 0 ? 0 : -1
    pairs.push({
      ...pair,
      evaluator: 'answered',
      version: '1',
      verdict: { kind: 'compared', d: 0, isConsistent: undefined },
    })
    pairs.push({ ...pair, evaluator: 'judge', verdict: { kind: 'compared', d, isConsistent: true } })
    // Unjudged, and lost by two evaluators: one loss.
    if (each < 3) {
      for (const evaluator of ['valid_json', 'schema']) {
        const lost = { kind: 'compared', d: -1, isConsistent: undefined } as const
        pairs.push({
          ...pair,
          isControl: false,
          comparison: 'rollout:unjudged',
          evaluator,
          version: '1',
          verdict: lost,
        })
      }
    }
    // Judged before by another version, and once more by this one: the later row counts.
    pairs.push({
      ...pair,
      evaluator: 'judge',
      verdict: { kind: 'failed', why: 'no_reply' },
      revision: scoreRevision(0, now - 5),
    })
  }
  await client.insertRows('pairs', namedRows(PAIR_COLUMNS, ...pairs.map((pair) => pairRow(pair, 'here'))), 'p')
  await client.insertRows('attempts', insertable(ATTEMPT_COLUMNS, attempts), 'a')
  const funnel = [
    ['eligible', '', 1000],
    ['skipped', 'not_sampled', 750],
    ['skipped', 'hosted_tools', 50],
    ['mirrored', '', 200],
    ['compared', '', 200],
  ] as const
  const counts = funnel.map(([stage, reason, requests]) =>
    funnelRow({ minute: now, shadow: 'cheaper', target: undefined, isControl: false, stage, reason, requests }, 'here'),
  )
  await client.insertRows('shadow_funnel', namedRows(FUNNEL_COLUMNS, ...counts), 'f')

  const queries = reportQueries({ name: 'cheaper', sinceSeconds: 3_600 })
  const ask = async (sql: string): Promise<readonly (readonly unknown[])[]> => {
    const read = await runQuery(engine.reader(), sql, 10_000, AbortSignal.timeout(20_000))
    if (read.kind !== 'ok') throw new Error(`${read.detail}\n${sql}`)
    return read.rows
  }
  const report = shadowReport(
    'cheaper',
    readReportRows({
      verdicts: await ask(queries.verdicts),
      lengths: await ask(queries.lengths),
      calls: await ask(queries.calls),
      savings: await ask(queries.savings),
      failures: await ask(queries.failures),
      worst: await ask(queries.worst),
      funnel: await ask(queries.funnel),
    }),
    0.25,
  )
  const [weak, other] = ['sim/weak', 'sim/other'].map((candidate) =>
    reportQueries({ name: 'cheaper', sinceSeconds: 3_600, candidate }),
  )
  expect(await ask(weak?.calls ?? '')).toEqual(await ask(queries.calls))
  expect(await ask(other?.calls ?? '')).toEqual([])
  // What the stable model does with itself is about none of them.
  expect(new Set((await ask(other?.verdicts ?? '')).map(([, isControl]) => isControl))).toEqual(new Set([true]))
  expect(report.pooled).toMatchObject({ pairs: 180, wins: 0, ties: 160, losses: 20, failed: 0 })
  expect(report.control).toMatchObject({ pairs: 20, ties: 20 })
  expect(report.saving?.share).toBeCloseTo(0.75)
  expect(report.calls).toMatchObject([
    { task: 'math', side: 'stable', model: 'strong', calls: 180, priced: 180, observedUsd: 0.001 },
    { task: 'math', side: 'candidate', model: 'weak', calls: 180, observedUsd: 0.00025 },
  ])
  // 1,000 tokens in at 1 micro-dollar, 200 out at 2, whatever came out of a cache.
  for (const { listUsd } of report.calls) expect(listUsd).toBeCloseTo(0.0014, 12)
  expect(report.failures).toEqual([{ side: 'candidate', kind: 'first_byte_timeout', calls: 10 }])
  expect(report.worst[0]).toMatchObject({ d: -1, task: 'math', isConsistent: true, hasContent: false })
  const unjudged = await ask(reportQueries({ name: 'rollout:unjudged', sinceSeconds: 3_600 }).worst)
  expect([unjudged.length, new Set(unjudged.map(([traceId]) => traceId)).size]).toEqual([3, 3])
  expect(report.backedShare).toBeCloseTo(0.8)
  expect(report.verdict).toMatch(
    /^weak is not worse than strong by more than 0\.25 \(d −0\.111 .* over 180 pairs\); it costs 75\.0 % less than strong \(95 %: 75\.0 % to 75\.0 % saved; evidence speaks for 80\.0 % of the traffic\)\.$/,
  )
})

test('what routing audits found is told by request, of one audit or of all, and on the dashboard as surely as by the command', async () => {
  const { database } = client.address
  const until = Math.floor(Date.now() / 60_000) * 60_000
  const at = `fromUnixTimestamp64Milli(${until - 60_000})`
  const id = (number: string): string =>
    `toUUID(concat('0199a0b0-0000-7000-8000-', leftPad(toString(${number}), 12, '0')))`
  await client.command(
    `INSERT INTO ${database}.traces (trace_id, received_at, route, task, outcome) SELECT ${id('number')}, ${at}, 'picked', 'math', 'completed' FROM numbers(20)`,
  )
  // Three requests of each unit: those of the first were picked wrong, and one of the second. Another audit saw them too.
  const audited = (audit: string, from: number, count: number, d: string): Promise<void> =>
    client.command(
      `INSERT INTO ${database}.pairs (trace_id, candidate_attempt_id, trace_at, paired_at, comparison, evaluator, version, revision, d, route, task, unit, point_usd, extra_usd, audit_candidates)
      SELECT ${id('number')}, generateUUIDv7(), ${at}, ${at}, 'audit:${audit}:picked', 'judge', '1', 1, ${d}, 'picked', 'math', toString(intDiv(number, 3)), 0.01, 0, 1 FROM numbers(${from}, ${count})`,
    )
  await audited('a', 0, 12, 'if(number < 4, 1, -1)')
  await audited('b', 6, 8, '-1')
  await client.command(
    `INSERT INTO ${database}.shadow_funnel (minute, shadow, stage, reason, requests) SELECT toStartOfMinute(${at}), concat('audit:', of.1, ':picked'), of.2, of.3, of.4
    FROM (SELECT arrayJoin([('a', 'eligible', '', 14), ('a', 'mirrored', '', 12), ('a', 'skipped', 'not_sampled', 2), ('b', 'eligible', '', 8), ('b', 'mirrored', '', 8)]) AS of)`,
  )
  const read = async (sql: string): Promise<Readonly<Record<string, unknown>>> => {
    const found = await runQuery(engine.reader(), sql, 10, AbortSignal.timeout(20_000))
    if (found.kind !== 'ok') throw new Error(`${found.detail}\n${sql}`)
    const [row = []] = found.rows
    // Counts of 64 bits come as texts.
    const cell = (value: unknown): unknown => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value)
    return Object.fromEntries(found.columns.map(({ name }, index) => [name, cell(row[index])]))
  }
  const params = {
    left_out_before: [...LEFT_OUT_BEFORE],
    left_out_after: [...LEFT_OUT_AFTER],
    not_drawn: [...NOT_DRAWN],
  }
  const of = (audit: string) =>
    read(
      filledIn(readAnalysis('routing-audits'), {
        route: 'picked',
        audit,
        since: until - 120_000,
        as_of: until,
        ...params,
      }),
    )
  const one = {
    task: 'math',
    requests: 12,
    right_picks: 8,
    partial: 0,
    units: 4,
    nn: 36,
    rn: 24,
    rr: 22,
    regret_usd: 4,
    gn: 12,
    gg: 10,
  }
  expect(await of('a')).toMatchObject({ ...one, backed: expect.closeTo(0.7, 9) })
  expect(await of('b')).toMatchObject({ requests: 8, right_picks: 8, units: 3, backed: expect.closeTo(0.4, 9) })
  // What both looked at is told once, and what the two speak for is no more than the larger share.
  expect(await of('')).toMatchObject({ requests: 14, right_picks: 10, backed: expect.closeTo((0.7 * 14) / 20, 9) })

  const panel = boardFile('quality').panels.find(({ title }) => title === 'Routing picks')
  const window = { from: new Date(until - 120_000), to: new Date(until), intervalMs: 60_000 }
  const shown = await read(asGrafanaSends(panel?.targets[0].rawSql ?? '', window, EVERYTHING))
  const squares = { nn: 40, rn: 28, rr: 26, gn: 12, gg: 10 }
  const sums = { task: 'math', requests: 14, partial: 0, right: 10, regretUsd: 4, units: 5, squares }
  const { accuracy } = auditedPicks([sums], 1)
  expect(shown).toMatchObject({ Audited: 14, Right: 10 / 14, Regret: expect.closeTo(4 / 14, 9) })
  expect(shown['At least']).toBeCloseTo(accuracy?.low ?? 0, 4)
  expect(shown['At most']).toBeCloseTo(accuracy?.high ?? 0, 4)
})

test('what the judge has cost this hour and this day is read back at the next start', async () => {
  const call = (startedAt: number, picoUsd: bigint): string =>
    attemptRow(
      {
        request: {
          id: realWorld.newId(),
          api: 'chat_completions',
          isStream: false,
          controls: { task: undefined, team: undefined },
        },
        decision: { route: 'default', arm: 'none', policyVersion: 'abc' },
      },
      anAttempt({
        id: realWorld.newId(),
        startedAt,
        role: 'judge',
        cost: { kind: 'priced', picoUsd, rates: anAttemptRates(), source: 'config' },
      }),
      0,
      'here',
    )
  const now = Date.now()
  const calls = [call(now, 1_500n), call(now, 2n), call(now - 48 * 3_600_000, 7_000n)]
  await client.insertRows('attempts', insertable(ATTEMPT_COLUMNS, calls), 'judge')
  const spent = await new Promise<Spend>((resolve) =>
    restoreJudgeSpend(
      {
        status: () => ({ kind: 'ready', detail: '' }),
        subscribe: () => () => undefined,
        query: (sql, limit, signal) => runQuery(engine.reader(), sql, limit, signal),
      },
      () => true,
      resolve,
      quietLog,
    ),
  )
  expect(spent).toEqual({ hour: 1_502n, day: 1_502n })
})

function anAttemptRates() {
  return {
    uncachedInput: undefined,
    cacheRead: undefined,
    cacheWrite5m: undefined,
    cacheWrite1h: undefined,
    audioInput: undefined,
    textOutput: undefined,
    reasoning: undefined,
    audioOutput: undefined,
    webSearch: undefined,
  }
}

function aPair(traceId: string, stableId: string, candidateId: string, isControl: boolean, now: number): Pair {
  return {
    traceId,
    stableAttemptId: stableId,
    candidateAttemptId: candidateId,
    comparison: 'cheaper',
    isControl,
    evaluator: 'judge',
    version: 'judge-fair/pairwise-1/0',
    revision: scoreRevision(0, now),
    pairedAt: now,
    verdict: { kind: 'compared', d: 0, isConsistent: true },
    stable: { target: { provider: 'sim', model: 'strong' }, value: undefined, chars: 120 },
    candidate: { target: { provider: 'sim', model: 'weak' }, value: undefined, chars: 120 },
    route: 'default',
    task: 'math',
    unit: undefined,
    isRedacted: false,
    explanation: '',
    picoUsd: 0n,
    policyVersion: 'abc',
  }
}
