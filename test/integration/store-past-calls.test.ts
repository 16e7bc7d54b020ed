import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AttemptOutcome, Attempt } from '../../src/domain/exchange.ts'
import { targetVerdict } from '../../src/domain/routing/call-verdict.ts'
import { failureOf, triggerOf as kindTrigger } from '../../src/dialects/failure-kind.ts'
import { triggerOf } from '../../src/domain/routing/retry.ts'
import { ATTEMPT_COLUMNS, attemptRows } from '../../src/store/attempt-row.ts'
import { openReads, type Reads } from '../../src/store/read.ts'
import { anAttempt, anExchange, aRequest } from '../fakes/an-exchange.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { insertable } from '../fakes/insertable.ts'
import { realWorld } from '../fakes/real-world.ts'

const NOW = Date.now()
const WINDOW_MS = 120_000
const NO_BODY = Buffer.alloc(0)

/** Every way a call may end, each by a model of its own. */
const OUTCOMES: readonly AttemptOutcome[] = [
  { kind: 'completed', status: 200 },
  ...[400, 401, 404, 413, 429, 402, 498, 500, 502, 503, 529].map((status): AttemptOutcome => ({
    kind: 'refused',
    status,
    error: 'upstream_error',
    errorType: undefined,
  })),
  ...(
    ['connect_failed', 'connect_timeout', 'first_byte_timeout', 'upstream_reset', 'overloaded', 'internal'] as const
  ).map((error): AttemptOutcome => ({ kind: 'unavailable', error, mayHaveRun: false })),
  { kind: 'interrupted', status: 200, error: 'upstream_cut' },
  { kind: 'interrupted', status: 200, error: 'upstream_stream_error' },
  { kind: 'cancelled', status: undefined },
  { kind: 'cancelled', status: 200 },
]

let engine: TestEngine
let reads: Reads

function callAgo(agoMs: number, model: string, parts: Partial<Attempt> = {}, isStream = false): string[] {
  const attempt = anAttempt({
    id: realWorld.newId(),
    startedAt: NOW - agoMs,
    durationMs: 1_000,
    target: { provider: 'openai', model },
    ...parts,
  })
  return attemptRows(anExchange({ request: aRequest({ isStream }), attempts: [attempt] }), 'here')
}

beforeAll(async () => {
  engine = await startTestEngine()
  const owner = await engine.migrated()
  const rows = [
    ...OUTCOMES.flatMap((outcome, index) => callAgo(5_000, `outcome-${index}`, { outcome })),
    ...callAgo(30_000, 'plain', { durationMs: 2_000, firstTokenMs: 50 }),
    ...callAgo(30_000, 'stream', { durationMs: 2_000, firstTokenMs: 50 }, true),
    ...callAgo(WINDOW_MS + 60_000, 'long', { durationMs: 100_000 }),
    ...callAgo(WINDOW_MS + 60_000, 'old'),
    ...callAgo(5_000, 'shadow', { role: 'shadow' }),
    ...Array.from({ length: 300 }, (_, index) => callAgo(60_000 - index, 'busy')).flat(),
  ]
  await owner.insertRows('attempts', insertable(ATTEMPT_COLUMNS, rows), 'attempts')
  reads = openReads(engine.reader().select, 'understudy')
})
afterAll(() => engine?.close())

async function calls() {
  const read = await reads.pastCalls(WINDOW_MS)
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value
}

test('a stored call tells of its target what the live one told', async () => {
  const found = await calls()
  const told = OUTCOMES.map((_, index) => {
    const call = found.find(({ model }) => model === `outcome-${index}`)
    return call === undefined ? 'unclear' : call.hasFailed ? 'bad' : 'good'
  })
  const live = OUTCOMES.map((outcome) => {
    const trigger =
      outcome.kind === 'refused'
        ? kindTrigger(failureOf(outcome.status, [], NO_BODY, NOW).kind, { key: false, model: false })
        : triggerOf(outcome)
    return targetVerdict({ outcome, fault: trigger === undefined ? undefined : { trigger, retryAfterMs: undefined } })
  })
  expect(told).toEqual(live)
})

test('calls that ended within the window come, the newest two hundred of each target, with their times', async () => {
  const found = await calls()
  const of = (wanted: string) => found.filter(({ model }) => model === wanted)
  expect(of('plain')).toEqual([
    {
      provider: 'openai',
      model: 'plain',
      endedAt: NOW - 28_000,
      hasFailed: false,
      durationMs: 2_000,
      firstTokenMs: undefined,
    },
  ])
  expect(of('stream')).toMatchObject([{ firstTokenMs: 50 }])
  expect(of('long')).toHaveLength(1)
  expect([...of('old'), ...of('shadow')]).toEqual([])
  expect(of('busy')).toHaveLength(200)
  expect(Math.min(...of('busy').map(({ endedAt }) => endedAt))).toBe(NOW - 59_000 + 100)
})
