import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decideWeights, type WeightInputs } from '../../src/domain/feedback/decide-weights.ts'
import { ALL_TASKS } from '../../src/domain/feedback/readings.ts'
import { FEEDBACK_RULE } from '../../src/domain/feedback/rule.ts'
import { targetShares } from '../../src/domain/feedback/target-shares.ts'
import { aFeedbackPolicy, aTally, NOW, someCosts, someInputs, someScores } from '../fakes/a-feedback.ts'

const ARMS = ['a/large', 'b/small', 'c/mid', 'd/new']
const TASKS = ['coding', 'math', 'unknown']
const HOUR_MS = 3_600_000

const share = fc.double({ min: 0, max: 1, noNaN: true })
const mass = fc.oneof(fc.constant(0), fc.nat({ max: 50 }), fc.nat({ max: 50_000 }))
const arm = fc.constantFrom(...ARMS)
const ageMs = fc.oneof({ weight: 9, arbitrary: fc.nat({ max: HOUR_MS }) }, fc.nat({ max: 40 * HOUR_MS }))
const source = fc.constantFrom('pairs' as const, 'judge' as const, 'judge' as const, 'judge' as const)

const GRID = TASKS.flatMap((task) => ARMS.map((arm) => ({ task, arm })))

/** One for each arm and task, some of them empty. */
function forEach<T>(one: fc.Arbitrary<T>): fc.Arbitrary<readonly (T & (typeof GRID)[number])[]> {
  return fc
    .array(one, { minLength: GRID.length, maxLength: GRID.length })
    .map((all) => all.flatMap((each, at) => (GRID[at] === undefined ? [] : [{ ...each, ...GRID[at] }])))
}

const quality = fc.record({ source, mass, mean: fc.double({ min: 0.5, max: 1, noNaN: true }), fresh: mass, ageMs })
const cost = fc.record({ usd: fc.double({ min: 0, max: 0.1, noNaN: true }), mass, isShadow: fc.boolean() })

const inputs: fc.Arbitrary<WeightInputs> = fc
  .record({
    weights: fc
      .tuple(...ARMS.map(() => fc.double({ min: 0, max: 100, noNaN: true })))
      .filter((all) => all.some((one) => one > 1)),
    pins: fc.subarray(ARMS, { maxLength: 1 }),
    rollout: fc.subarray(ARMS, { maxLength: 1 }),
    pointUsd: fc.double({ min: 0, max: 0.01, noNaN: true }),
    delta: fc.double({ min: 0, max: 0.2, noNaN: true }),
    floor: fc.double({ min: 0, max: 0.2, noNaN: true }),
    ceiling: fc.double({ min: 0.3, max: 1, noNaN: true }),
    reference: fc.oneof(arm, fc.constant(0.7)),
    quality: forEach(quality),
    costs: forEach(cost),
    out: fc.subarray(ARMS, { maxLength: 1 }),
    changedAgoMs: fc.nat({ max: 3 * HOUR_MS }),
    minimum: fc.double({ min: 0, max: 0.7, noNaN: true }),
  })
  .map((drawn) =>
    someInputs({
      weights: { weights: Object.fromEntries(ARMS.map((key, at) => [key, drawn.weights[at] ?? 0])), pins: drawn.pins },
      rollout: drawn.rollout,
      policy: {
        ...aFeedbackPolicy,
        pointUsd: drawn.pointUsd,
        delta: drawn.delta,
        floor: drawn.floor,
        ceiling: drawn.ceiling,
        reference:
          typeof drawn.reference === 'string'
            ? { kind: 'arm', key: drawn.reference }
            : { kind: 'quality', value: drawn.reference },
      },
      minimum: { coding: drawn.minimum },
      changedAt: { [ALL_TASKS]: NOW - drawn.changedAgoMs },
      quarantined: { [ALL_TASKS]: Object.fromEntries(drawn.out.map((key) => [key, NOW - HOUR_MS])) },
      quality: drawn.quality.map((row) =>
        someScores(row.arm, row.mass, row.mean, {
          task: row.task,
          yardstick: { source: row.source, evaluator: 'e', version: 'v' },
          tally: aTally(row.mass, row.source === 'pairs' ? 2 * row.mean - 1 : row.mean),
          freshForAll: row.fresh,
          fresh: row.fresh,
          latestAt: NOW - row.ageMs,
        }),
      ),
      costs: drawn.costs.map((row) =>
        someCosts(row.arm, row.usd, {
          task: row.task,
          kind: row.isShadow ? 'shadow' : 'live',
          tally: aTally(row.mass, row.usd, row.usd ** 2),
          requests: row.mass,
        }),
      ),
    }),
  )

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

it('weights always add up to what they did, none is below 0, and what is pinned or moved by a rollout is what it was', () => {
  fc.assert(
    fc.property(inputs, (given) => {
      const { next } = decideWeights(given)
      const before = given.weights.weights
      for (const weights of [next.weights, ...Object.values(next.tasks ?? {})]) {
        expect(Object.keys(weights)).toEqual(ARMS)
        expect(sum(Object.values(weights))).toBeCloseTo(sum(Object.values(before)), 6)
        for (const weight of Object.values(weights)) expect(weight).toBeGreaterThanOrEqual(0)
        for (const key of [...given.weights.pins, ...given.rollout]) expect(weights[key]).toBe(before[key])
      }
    }),
    { numRuns: 500 },
  )
})

it('no weight ever moves by more than ten points, but to and from quarantine', () => {
  let moved = 0
  fc.assert(
    fc.property(inputs, (given) => {
      const { cells, next } = decideWeights(given)
      for (const cell of cells.filter(({ verdict }) => verdict === 'moved')) {
        moved += 1
        const weights = cell.task === ALL_TASKS ? next.weights : (next.tasks?.[cell.task] ?? {})
        const total = sum(Object.values(weights))
        for (const { arm: key, share: before } of cell.arms) {
          expect(Math.abs((weights[key] ?? 0) / total - before)).toBeLessThanOrEqual(FEEDBACK_RULE.step + 1e-9)
        }
      }
    }),
    { numRuns: 2_000 },
  )
  expect(moved).toBeGreaterThan(0)
})

it('a decision made again from its inputs as JSON is the same', () => {
  fc.assert(
    fc.property(inputs, (given) => {
      const kept: WeightInputs = JSON.parse(JSON.stringify(given))
      expect(JSON.stringify(decideWeights(kept))).toBe(JSON.stringify(decideWeights(given)))
    }),
    { numRuns: 200 },
  )
})

it('the more the same means are backed, the more of the target goes to the best, and never less', () => {
  const belief = fc.record({
    mean: fc.double({ min: -0.01, max: 0.01, noNaN: true }),
    deviation: fc.double({ min: 1e-5, max: 0.01, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.tuple(belief, belief), fc.double({ min: 1, max: 50, noNaN: true }), (beliefs, more) => {
      const bounds = { floor: 0.05, ceiling: 1 }
      const best = beliefs[0].mean >= beliefs[1].mean ? 0 : 1
      const before = targetShares(beliefs, 1, bounds)[best] ?? 0
      const after =
        targetShares(
          beliefs.map(({ mean, deviation }) => ({ mean, deviation: deviation / more })),
          1,
          bounds,
        )[best] ?? 0
      expect(after).toBeGreaterThanOrEqual(before - 1e-6)
      expect(sum(targetShares(beliefs, 1, bounds))).toBeCloseTo(1, 9)
    }),
  )
})

it('an arm with better scores never ends with a smaller share for it', () => {
  fc.assert(
    fc.property(share, share, fc.integer({ min: 200, max: 20_000 }), (one, other, scores) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)]
      const nextOf = (mean: number): number =>
        decideWeights(
          someInputs({
            quality: [someScores('a/large', 2_000, 0.7), someScores('b/small', scores, mean)],
            costs: [someCosts('a/large', 0.01), someCosts('b/small', 0.001)],
            policy: { ...aFeedbackPolicy, pointUsd: 0.0001 },
          }),
        ).next.weights['b/small'] ?? 0
      expect(nextOf(high)).toBeGreaterThanOrEqual(nextOf(low) - 1e-9)
    }),
  )
})
