import { afterAll, beforeAll, expect, it } from 'vitest'
import { unitShare } from '../../src/domain/assign.ts'
import type { Readings } from '../../src/domain/rollout/evidence.ts'
import type { LivePhase } from '../../src/domain/rollout/phase.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import { momentsOf } from '../../src/domain/statistics/paired-betting.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { openRolloutStore, type RolloutStore } from '../../src/store/rollout-store.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { ENGINE_READY_MS, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { aRollout, MINUTE_MS } from '../fakes/a-rollout.ts'
import { anId } from '../fakes/ids-at.ts'
import { storeRequests, unitsOf } from '../fakes/rollout-rows.ts'

let engine: TestEngine
let client: StoreClient
let store: RolloutStore

/** A round minute of today, so that nothing is past its retention. */
const START = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 120 * MINUTE_MS
const AS_OF = START + 60 * MINUTE_MS

beforeAll(async () => {
  engine = await startTestEngine()
  client = await engine.migrated()
  const reader = engine.reader()
  store = openRolloutStore(() => client, reader.select, 'understudy')
}, ENGINE_READY_MS)
afterAll(() => engine.close())

let count = 0

const see = (rollout: Rollout, percent: number, seen: Parameters<typeof storeRequests>[2]): Promise<void> =>
  storeRequests(client, { rollout, percent, startedAt: START }, seen)

async function read(
  rollout: Rollout,
  live: LivePhase,
  changes: Partial<{ epoch: number; enteredAt: number; dealtAt: number; asOf: number }> = {},
): Promise<Readings> {
  const answer = await store.readings(
    { rollout, live, epoch: 1, enteredAt: START, dealtAt: START, asOf: AS_OF, watermarkMs: 2 * MINUTE_MS, ...changes },
    AbortSignal.timeout(30_000),
  )
  if (answer.kind === 'unavailable') throw new Error(answer.detail)
  return answer.value
}

const LIVE: LivePhase = { kind: 'ramping', percent: 25 }

function named(name: string, changes: Partial<Rollout> = {}): Rollout {
  return aRollout({ name, route: name, metric: 'judge', scoredShare: 1, ...changes })
}

it('pairs come of the arms as compared, one of each unit, and failures count for the arm that was dealt', async () => {
  const rollout = named('pairs')
  const candidates = unitsOf(rollout, 25, 'candidate', 40)
  const controls = unitsOf(rollout, 25, 'control', 40)
  await see(rollout, 25, [
    ...candidates.map((unit, n) => ({ unit, at: n / 10, score: 0.5, events: n < 4 ? ['error'] : [] })),
    ...controls.map((unit, n) => ({ unit, at: n / 10, score: 0.75 })),
    // Later calls of the same units say nothing more.
    ...candidates.map((unit) => ({ unit, at: 10, score: 1, events: ['timeout'] })),
    // Questions of an audit, which are no units of the route.
    ...unitsOf(rollout, 25, 'candidate', 45)
      .slice(40)
      .map((unit) => ({ unit, at: 1, score: 0, events: ['error'], isAudit: true })),
    // Another epoch, and who is not compared.
    { unit: candidates[0] ?? '', at: 1, score: 1, epoch: 2 },
  ])
  const readings = await read(rollout, LIVE)
  expect(readings.quality).toEqual([{ task: 'all', pairs: [[-0.25, 40]] }])
  const [success] = readings.success
  expect(momentsOf(success?.pairs ?? [])).toMatchObject({ pairs: 40, mean: -0.1 })
  const errors = readings.badEvents.find(({ event }) => event === 'error')?.windows ?? []
  expect(errors.reduce((sum, { badCandidate }) => sum + badCandidate, 0)).toBe(4)
  expect(errors.reduce((sum, { badControl }) => sum + badControl, 0)).toBe(0)
  expect(readings.units).toEqual({ since: START, candidate: 40, control: 40, neither: 0, compared: 80, inBoth: 0 })
  expect(readings.scores).toEqual({ candidate: { expected: 80, scored: 80 }, control: { expected: 40, scored: 40 } })
})

it('requests for which the candidate was out count neither for it nor against it', async () => {
  const rollout = named('out')
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 30), unitsOf(rollout, 25, 'control', 30)]
  await see(rollout, 25, [
    ...candidates.map((unit, n) => ({ unit, at: 1, score: 1, events: n < 20 ? ['error'] : [], isPassedOver: n < 19 })),
    ...controls.map((unit) => ({ unit, at: 1, score: 1 })),
  ])
  const { badEvents, quality } = await read(rollout, LIVE)
  const errors = badEvents.find(({ event }) => event === 'error')?.windows
  expect(errors).toEqual([{ candidate: 11, control: 30, badCandidate: 1, badControl: 0 }])
  expect(quality).toEqual([{ task: 'all', pairs: [[0, 11]] }])
})

it('what comes after the time asked about changes nothing that was read before it', async () => {
  const rollout = named('late')
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 20), unitsOf(rollout, 25, 'control', 20)]
  await see(rollout, 25, [
    ...candidates.map((unit) => ({ unit, at: 1, score: 1 })),
    ...controls.map((unit) => ({ unit, at: 1, score: 0 })),
  ])
  const asOf = START + 20 * MINUTE_MS
  const before = await read(rollout, LIVE, { asOf })
  await see(rollout, 25, [
    ...candidates.map((unit) => ({ unit, at: 30, score: 0, events: ['error'] })),
    { unit: 'a-late-score', at: 5, score: 0, scoredAfter: 40 },
  ])
  const again = await read(rollout, LIVE, { asOf })
  expect(again.quality).toEqual(before.quality)
  expect(again.badEvents).toEqual(before.badEvents)
})

it('scores that are due and missing show, and failed verdicts by arm', async () => {
  const rollout = named('missing')
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 30), unitsOf(rollout, 25, 'control', 30)]
  await see(rollout, 25, [
    ...candidates.map((unit, n) => ({ unit, at: 1, ...(n < 10 ? {} : { score: n < 15 ? null : 1 }) })),
    ...controls.map((unit) => ({ unit, at: 1, score: 1 })),
    // Not old enough for its score to be missing.
    ...candidates.map((unit) => ({ unit, at: 59 })),
  ])
  const { scores, judge } = await read(rollout, LIVE)
  expect(scores).toEqual({ candidate: { expected: 30, scored: 15 }, control: { expected: 30, scored: 30 } })
  expect(judge).toMatchObject({
    isTrusted: false,
    asked: { candidate: 20, control: 30 },
    failed: { candidate: 5, control: 0 },
  })
})

it('of a metric that applies to some answers only those are due, and who they are is told by unit and arm', async () => {
  const rollout = named('applied', { metric: 'valid_json' })
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 30), unitsOf(rollout, 25, 'control', 30)]
  const evaluator = 'valid_json'
  await see(rollout, 25, [
    // Ten candidates and twenty controls ask for JSON, and come back; five candidates were not read at all.
    ...candidates.slice(0, 25).map((unit, n) => ({ unit, at: 1, evaluator, ...(n < 10 ? { score: 1 } : {}) })),
    ...candidates.slice(0, 10).map((unit) => ({ unit, at: 2, evaluator, score: 1 })),
    ...candidates.slice(25).map((unit) => ({ unit, at: 1 })),
    ...controls.map((unit, n) => ({ unit, at: 1, evaluator, ...(n < 20 ? { score: n < 2 ? null : 1 } : {}) })),
  ])
  const { scores, applied } = await read(rollout, LIVE)
  expect(scores).toEqual({ candidate: { expected: 25, scored: 20 }, control: { expected: 20, scored: 18 } })
  expect(applied).toEqual({ candidate: { expected: 25, scored: 10 }, control: { expected: 30, scored: 20 } })
  const asFeedback = await read({ ...rollout, metric: 'feedback' }, LIVE)
  expect(asFeedback, 'nobody has to say anything, but may').toMatchObject({
    scores: { candidate: { expected: 0 }, control: { expected: 0 } },
    applied: { candidate: { expected: 30, scored: 0 }, control: { expected: 30, scored: 0 } },
  })
})

it('only units that come first after the share was dealt are checked for the split', async () => {
  const rollout = named('dealt')
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 10), unitsOf(rollout, 25, 'control', 10)]
  await see(rollout, 25, [
    ...candidates.slice(0, 6).map((unit) => ({ unit, at: 1 })),
    ...candidates.map((unit) => ({ unit, at: 20 })),
    ...controls.map((unit) => ({ unit, at: 20 })),
    // By an instance that had not followed yet.
  ])
  await see(rollout, 5, [{ unit: unitsOf(rollout, 5, 'candidate', 1)[0] ?? '', at: 21 }])
  const { units } = await read(rollout, LIVE, { dealtAt: START + 10 * MINUTE_MS })
  expect(units).toMatchObject({ candidate: 4, control: 10, neither: 0 })
})

it('a conversation that two proxies disagree about after a step is compared nowhere, and no unit in both arms', async () => {
  const rollout = named('both')
  const moved = unitsOf(rollout, 50, 'control', 30).filter((unit) => unitShare(rollout.salt, unit) < 0.75)
  await see(
    rollout,
    75,
    moved.flatMap((unit) => [
      { unit, at: 1, pinned: 'control' as const },
      { unit, at: 2 },
    ]),
  )
  const compared = unitsOf(rollout, 75, 'control', 5)
  await see(rollout, 75, [
    ...compared.map((unit) => ({ unit, at: 1 })),
    { unit: unitsOf(rollout, 75, 'candidate', 1)[0] ?? '', at: 1 },
  ])
  const { units } = await read(rollout, { kind: 'ramping', percent: 75 })
  expect(moved.length).toBeGreaterThan(5)
  expect(units).toMatchObject({ compared: 6, inBoth: 0 })
})

it('slow is what is slower than stable was when the stage began, by a quarter', async () => {
  const rollout = named('slow')
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 60), unitsOf(rollout, 25, 'control', 60)]
  await see(
    rollout,
    25,
    controls.flatMap((unit) => [-20, -10].map((at) => ({ unit, at, ms: 100, epoch: 0 }))),
  )
  await see(rollout, 25, [
    ...candidates.map((unit, n) => ({ unit, at: 1, ms: n < 30 ? 130 : 120 })),
    ...controls.map((unit) => ({ unit, at: 1, ms: 110 })),
  ])
  const { badEvents, success } = await read(rollout, LIVE)
  const slow = badEvents.find(({ event }) => event === 'slow')?.windows ?? []
  expect(slow).toEqual([{ candidate: 60, control: 60, badCandidate: 30, badControl: 0 }])
  expect(success).toEqual([{ task: 'all', pairs: [[0, 60]] }])
})

it('of a busy route a part of the units is looked at, of both arms alike', async () => {
  const rollout = named('busy')
  await client.command(`INSERT INTO understudy.traces (trace_id, received_at, route)
    SELECT generateUUIDv7(number), fromUnixTimestamp64Milli(${START - 1} - toInt64(number * 332)), 'busy'
    FROM numbers(260000)`)
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 100), unitsOf(rollout, 25, 'control', 100)]
  await see(
    rollout,
    25,
    [...candidates, ...controls].flatMap((unit) => [1, 2].map((at) => ({ unit, at, score: 1 }))),
  )
  const { quality, units, scores } = await read(rollout, LIVE)
  const [[, pairs] = []] = quality[0]?.pairs ?? []
  expect(units.candidate + units.control).toBeGreaterThan(60)
  expect(units.candidate + units.control).toBeLessThan(140)
  expect(pairs).toBe(Math.min(units.candidate, units.control))
  expect(scores.candidate.expected).toBe(2 * units.candidate)
})

it('a judge is trusted as it was asked: over all tasks, on each that is shown apart, and with this prompt', async () => {
  const rollout = named('trusted')
  const units = unitsOf(rollout, 25, 'candidate', 1)
  await see(
    rollout,
    25,
    units.map((unit) => ({ unit, at: 1, score: 1 })),
  )
  const calibrated = async (version: string, task: string, kappa: number): Promise<void> => {
    const row = [anId(AS_OF, (count += 1)), AS_OF, version, task, 200, 0, kappa]
    const columns = ['calibration_id', 'calibrated_at', 'judge_version', 'task', 'pairs', 'failed', 'kappa']
    await client.insertRows('calibrations', namedRows(columns, row), `calibrations/${(count += 1)}`)
  }
  const trusts = async (tasksApart: readonly string[]): Promise<boolean> =>
    (await read({ ...rollout, tasksApart }, LIVE)).judge.isTrusted
  await calibrated('j/compares-1/00000000', '', 0.9)
  expect(await trusts([])).toBe(false)
  await calibrated('j/1/00000000', '', 0.9)
  await calibrated('j/1/00000000', 'coding', 0.3)
  await calibrated('j/1/00000000', 'math', 0.7)
  expect(await trusts([])).toBe(true)
  expect(await trusts(['math'])).toBe(true)
  expect(await trusts(['math', 'coding'])).toBe(false)
})

it('a verdict of the shadow is also read as it would be for answers of equal length', async () => {
  const rollout = named('lengths')
  const { candidate, stable } = rollout
  // Always half as long again; where twice as long it wins.
  const pairs = Array.from({ length: 90 }, (_, n) => {
    const ids = [anId(START, (count += 1)), anId(START, (count += 1)), anId(START, (count += 1))]
    const models = [stable.provider, stable.model ?? '', candidate.provider, candidate.model ?? '']
    const [d, chars] = n % 3 === 0 ? [1, 200] : [n % 3 === 1 ? 0.5 : -0.5, 150]
    return [...ids, START, START, rollout.name, rollout.shadow, 'judge', 'j/1/00000000', 1, ...models, d, 100, chars]
  })
  const columns = ['trace_id', 'stable_attempt_id', 'candidate_attempt_id', 'trace_at', 'paired_at', 'route']
  const more = [
    'comparison',
    'evaluator',
    'version',
    'revision',
    'stable_provider',
    'stable_model',
    'candidate_provider',
  ]
  const last = ['candidate_model', 'd', 'stable_chars', 'candidate_chars']
  await client.insertRows('pairs', namedRows([...columns, ...more, ...last], ...pairs), `pairs/${(count += 1)}`)
  const { judge, quality } = await read(rollout, { kind: 'shadow' })
  expect(quality[0]?.pairs).toHaveLength(3)
  expect(judge.length?.pairs).toBe(90)
  expect(judge.length?.meanD).toBeCloseTo(1 / 3, 9)
  // x is 1/3 and 1/5, to hundredths: the line through their means, at 0.
  expect(judge.length?.adjustedMeanD).toBeCloseTo(-0.2 / 0.13, 2)
  expect(judge.length?.isLengthMoved).toBe(true)
})

it('tasks that must show their own evidence are read apart', async () => {
  const rollout = named('apart', { tasksApart: ['coding'] })
  const [candidates, controls] = [unitsOf(rollout, 25, 'candidate', 20), unitsOf(rollout, 25, 'control', 20)]
  const task = (n: number): string => (n % 2 === 0 ? 'coding' : 'chat')
  await see(rollout, 25, [
    ...candidates.map((unit, n) => ({ unit, at: 1, score: n % 2 === 0 ? 0 : 1, task: task(n) })),
    ...controls.map((unit, n) => ({ unit, at: 1, score: 1, task: task(n) })),
  ])
  const { quality } = await read(rollout, LIVE)
  expect(quality).toEqual([
    { task: 'all', pairs: [[0, 10]] },
    { task: 'coding', pairs: [[-1, 10]] },
  ])
})

it('an empty stage reads as no data, in the shadow too', async () => {
  const [shadow, baking] = [{ kind: 'shadow' }, { kind: 'baking' }] as const
  for (const [live, metric] of [LIVE, shadow, baking].flatMap((each) => [
    [each, 'judge'] as const,
    [each, 'valid_json'] as const,
  ])) {
    expect(await read(named('nothing', { metric }), live)).toMatchObject({
      quality: [],
      success: [],
      badEvents: [],
      units: { candidate: 0, control: 0, neither: 0, compared: 0, inBoth: 0 },
      scores: { candidate: { expected: 0, scored: 0 }, control: { expected: 0, scored: 0 } },
      signals: [],
    })
  }
})
