import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pair } from '../../src/domain/pair.ts'
import { type Score, scoreRevision, timeOfId } from '../../src/domain/score.ts'
import type { Row, StoreClient } from '../../src/store/client.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { PAIR_COLUMNS, pairRow } from '../../src/store/pair-row.ts'
import { SCORE_COLUMNS, scoreRow } from '../../src/store/score-row.ts'
import { aDirectory } from '../fakes/a-spool.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { runCli } from '../fakes/run-cli.ts'

const NOW = Date.now()

/** A UUIDv7 of the time `NOW`. */
function anId(last: number): string {
  const hex = NOW.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${last.toString(16).padStart(12, '0')}`
}

let engine: TestEngine
let client: StoreClient

beforeAll(async () => {
  engine = await startTestEngine()
  client = await engine.migrated()
})
afterAll(() => engine?.close())

function aScore(changes: Partial<Score> = {}): Score {
  return {
    traceId: anId(1),
    attemptId: undefined,
    source: 'evaluator',
    evaluator: 'valid_json',
    version: '1',
    revision: scoreRevision(1, NOW),
    scoredAt: NOW,
    value: 1,
    failure: undefined,
    explanation: 'valid JSON',
    picoUsd: 0n,
    about: {
      route: 'default',
      task: 'math',
      arm: 'none',
      target: { provider: 'openai', model: 'gpt-4o' },
      policyVersion: 'abc',
    },
    ...changes,
  }
}

function aPair(changes: Partial<Pair> = {}): Pair {
  return {
    traceId: anId(2),
    stableAttemptId: anId(3),
    candidateAttemptId: anId(4),
    comparison: 'cheaper',
    isControl: false,
    evaluator: 'judge',
    version: 'judge-fair/pairwise-1/0',
    revision: scoreRevision(0, NOW),
    pairedAt: NOW,
    verdict: { kind: 'compared', d: -0.5, isConsistent: false },
    stable: { target: { provider: 'openai', model: 'gpt-4o' }, value: undefined, chars: 120 },
    candidate: { target: { provider: 'openai', model: undefined }, value: undefined, chars: 90 },
    route: 'default',
    task: 'math',
    unit: undefined,
    isRedacted: false,
    explanation: 'The second omits a step.',
    picoUsd: 1_234n,
    policyVersion: 'abc',
    ...changes,
  }
}

let inserts = 0

async function insertScores(...scores: readonly Score[]): Promise<void> {
  const rows = namedRows(SCORE_COLUMNS, ...scores.map((score) => scoreRow(score, 'one')))
  await client.insertRows('scores', rows, `scores-${(inserts += 1)}`)
}

async function insertPairs(...pairs: readonly Pair[]): Promise<void> {
  const rows = namedRows(PAIR_COLUMNS, ...pairs.map((pair) => pairRow(pair, 'one')))
  await client.insertRows('pairs', rows, `pairs-${(inserts += 1)}`)
}

async function rowsOf(sql: string, id: string): Promise<readonly Row[]> {
  const read = await client.select({ name: 'test', sql, params: { id }, parse: (row) => row })
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value
}

const scoresOf = (id: string): Promise<readonly Row[]> =>
  rowsOf('SELECT * FROM understudy.v_scores WHERE trace_id = {id:UUID} ORDER BY evaluator, attempt_id', id)
const pairsOf = (id: string): Promise<readonly Row[]> =>
  rowsOf('SELECT * FROM understudy.v_pairs WHERE trace_id = {id:UUID} ORDER BY evaluator', id)

test('a score reads as it was written, and what is unknown is NULL', async () => {
  const about = { route: undefined, task: undefined, arm: undefined, target: undefined, policyVersion: undefined }
  const failed = { value: undefined, failure: 'costly', picoUsd: undefined, explanation: '', about }
  await insertScores(aScore({ traceId: anId(10) }), aScore({ traceId: anId(10), attemptId: anId(11), ...failed }))
  const [whole, ofAttempt] = await scoresOf(anId(10))
  expect(whole).toMatchObject({
    trace_id: anId(10),
    attempt_id: '00000000-0000-0000-0000-000000000000',
    source: 'evaluator',
    evaluator: 'valid_json',
    version: '1',
    revision: scoreRevision(1, NOW).toString(),
    value: 1,
    failure: '',
    explanation: 'valid JSON',
    route: 'default',
    task: 'math',
    provider: 'openai',
    model: 'gpt-4o',
  })
  expect(Number(whole?.['cost_usd'])).toBe(0)
  expect(whole).toMatchObject({ trace_at: new Date(NOW).toISOString().replace('T', ' ').replace('Z', '') })
  expect(ofAttempt).toMatchObject({
    attempt_id: anId(11),
    value: null,
    failure: 'costly',
    cost_usd: null,
    task: 'unknown',
  })
})

test('a later version replaces an earlier one, and feedback that is sent again the one before', async () => {
  const traceId = anId(20)
  await insertScores(aScore({ traceId, version: '2', revision: scoreRevision(2, NOW), value: 0.25 }))
  // Made later, by a version that is behind.
  await insertScores(aScore({ traceId, revision: scoreRevision(1, NOW + 60_000), value: 0.75 }))
  const feedback = { traceId, source: 'application', evaluator: 'thumbs', version: '' } as const
  await insertScores(aScore({ ...feedback, revision: scoreRevision(0, NOW), value: 1 }))
  await insertScores(
    aScore({ ...feedback, revision: scoreRevision(0, NOW + 86_400_000), scoredAt: NOW + 86_400_000, value: 0 }),
  )
  expect((await scoresOf(traceId)).map((row) => [row['evaluator'], row['value']])).toEqual([
    ['thumbs', 0],
    ['valid_json', 0.25],
  ])
})

test('the same evaluator may score every answer of a request, and a person the same as a judge', async () => {
  const traceId = anId(30)
  await insertScores(
    aScore({ traceId }),
    aScore({ traceId, attemptId: anId(31) }),
    aScore({ traceId, source: 'human' }),
    aScore({ traceId, evaluator: 'json_schema' }),
  )
  expect(await scoresOf(traceId)).toHaveLength(4)
})

test('a score for an id that is no UUIDv7 is kept, by the time at which it was scored', async () => {
  const traceId = '123e4567-e89b-42d3-a456-426614174000'
  expect(timeOfId(traceId)).toBeUndefined()
  expect(timeOfId(anId(1))).toBe(NOW)
  await insertScores(aScore({ traceId }))
  expect(await scoresOf(traceId)).toHaveLength(1)
})

test('a pair reads as it was written, and a failed one has no d', async () => {
  await insertPairs(aPair(), aPair({ evaluator: 'tool_match', verdict: { kind: 'failed', why: 'costly' }, unit: 'u' }))
  const [judged, failed] = await pairsOf(anId(2))
  expect(judged).toMatchObject({
    stable_attempt_id: anId(3),
    candidate_attempt_id: anId(4),
    comparison: 'cheaper',
    is_control: false,
    d: -0.5,
    is_consistent: false,
    failure: '',
    cost_usd: '0.000000001234',
    stable_chars: 120,
    stable_value: null,
    candidate_model: '',
    candidate_chars: 90,
  })
  expect(failed).toMatchObject({ d: null, is_consistent: null, failure: 'costly', unit: 'u' })
})

test('scores and pairs of two versions of a judge are one row each, the newer', async () => {
  const traceId = anId(40)
  await insertPairs(aPair({ traceId, version: 'a' }))
  const newer = { version: 'b', revision: scoreRevision(0, NOW + 1), pairedAt: NOW + 1 }
  await insertPairs(aPair({ traceId, ...newer, verdict: { kind: 'compared', d: 1, isConsistent: true } }))
  expect(await pairsOf(traceId)).toMatchObject([{ version: 'b', d: 1 }])
})

test('a batch that is sent again with its token is stored once, in each of the three tables', async () => {
  const funnel = ['minute', 'instance', 'shadow', 'provider', 'model', 'is_control', 'stage', 'reason', 'requests']
  const batches: readonly (readonly [string, string])[] = [
    ['scores', namedRows(SCORE_COLUMNS, scoreRow(aScore({ traceId: anId(50) }), 'one'))],
    ['pairs', namedRows(PAIR_COLUMNS, pairRow(aPair({ traceId: anId(50) }), 'one'))],
    ['shadow_funnel', namedRows(funnel, [Math.floor(NOW / 1000), 'one', 's', '', '', false, 'skipped', 'budget', 7])],
  ]
  for (const [table, rows] of batches) {
    const before = await rowsOf(`SELECT count() AS n FROM understudy.${table}`, '')
    for (let sent = 0; sent < 3; sent++) await client.insertRows(table, rows, `again-${table}`)
    const after = await rowsOf(`SELECT count() AS n FROM understudy.${table}`, '')
    expect(Number(after[0]?.['n']) - Number(before[0]?.['n'])).toBe(1)
  }
  const [sum] = await rowsOf('SELECT sum(requests) AS n FROM understudy.shadow_funnel', '')
  expect(Number(sum?.['n'])).toBe(7)
})

test('understudy scores tells why some are missing, and of comments about requests that nobody knows, an hour later', async () => {
  const comment = { source: 'application', evaluator: 'feedback', version: '1' } as const
  const hoursAgo = (hours: number): number => NOW - hours * 3_600_000
  await insertScores(
    aScore({ ...comment, traceId: anId(70), scoredAt: hoursAgo(2) }),
    aScore({ ...comment, traceId: anId(71), scoredAt: hoursAgo(0) }),
    aScore({
      traceId: anId(72),
      evaluator: 'judge',
      value: undefined,
      failure: 'unpriced',
      picoUsd: undefined,
      explanation: '',
    }),
  )
  const { url, username, password, database } = client.address
  const config = join(aDirectory(), 'understudy.yaml')
  const providers = { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9' } }
  const store = { kind: 'url', url, username, password, database }
  writeFileSync(config, JSON.stringify({ data_dir: `${config}.data`, providers, store }))
  const { code, stdout, stderr } = await runCli(['scores', '-c', config])
  expect(code).toBe(0)
  expect(stdout).toContain('feedback')
  expect(stdout).toMatch(/│ 0 +│ 1 +│ unpriced +│/)
  expect(stderr).toBe(
    `understudy: 1 comments are about requests that nobody knows an hour later, such as ${anId(70)}; see v_scores_of_no_trace.\n`,
  )
})
