import { describe, expect, it } from 'vitest'
import { decideWeights } from '../../src/domain/feedback/decide-weights.ts'
import { ALL_TASKS, type QualityReading } from '../../src/domain/feedback/readings.ts'
import { shownMoves } from '../../src/domain/feedback/shown-moves.ts'
import { probabilityAbove } from '../../src/domain/feedback/standing.ts'
import { measured, posterior } from '../../src/domain/feedback/tally.ts'
import { targetShares } from '../../src/domain/feedback/target-shares.ts'
import { chooseYardstick, yardstickText } from '../../src/domain/feedback/yardstick.ts'
import { aFeedbackPolicy, aTally, nextOf, NOW, someCosts, someInputs, someScores } from '../fakes/a-feedback.ts'

const HOUR_MS = 3_600_000
const LARGE = 'a/large'
const SMALL = 'b/small'
const COSTS = [someCosts(LARGE, 0.01), someCosts(SMALL, 0.001)]
const EQUAL = [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 2_000, 0.8)]

/** The decision about all traffic, and what it makes of the weights. */
function decided(changes: Parameters<typeof someInputs>[0]) {
  const decision = decideWeights(someInputs(changes))
  const cell = decision.cells.find(({ task }) => task === ALL_TASKS)
  if (cell === undefined) throw new Error('there is always a cell of all traffic')
  return { decision, cell, standing: Object.fromEntries(cell.arms.map(({ arm, standing }) => [arm, standing])) }
}

describe('what is believed', () => {
  // Worked out with Python's decimal module, 30 digits, from the definitions in tally.ts.
  it('of a mean is what the scores and ten prior ones say together', () => {
    const belief = posterior(aTally(200, 0.7, 0.06), 0.5, 10)
    expect(belief.mean).toBeCloseTo(145 / 210, 12)
    expect(belief.deviation).toBeCloseTo(Math.sqrt((10 * 0.25 + 200 * 0.06) / 210 / 210), 12)
    expect(posterior({ mass: 0, sum: 0, squares: 0 }, 0.6, 10)).toEqual({ mean: 0.6, deviation: Math.sqrt(0.025) })
  })

  it('of a cost is what was measured, and nothing where too little was', () => {
    expect(measured(aTally(100, 0.01, 0.0004), 20)?.deviation).toBeCloseTo(0.002, 12)
    expect(measured(aTally(19, 0.01), 20)).toBeUndefined()
  })
})

describe('who is good enough', () => {
  it('is told by the probability of being no worse than the reference by more than delta', () => {
    const certain = { mean: 0.8, deviation: 0.01 }
    // 1 − Φ(−(0.76 − 0.8 + 0.05) / √(0.01² + 0.015²)) by math.erfc.
    expect(probabilityAbove({ mean: 0.76, deviation: 0.015 }, -0.05, certain)).toBeCloseTo(0.71045, 5)
    expect(probabilityAbove({ mean: 0.8, deviation: 0 }, -0.05, { mean: 0.8, deviation: 0 })).toBe(1)
    expect(probabilityAbove({ mean: 0.7, deviation: 0 }, -0.05, { mean: 0.8, deviation: 0 })).toBe(0)
  })

  it.each([
    ['eligible', 0.8],
    ['probation', 0.745],
    ['quarantined', 0.7],
  ])('%s at a mean of %d beside one of 0.8', (standing, mean) => {
    const seen = decided({ quality: [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 2_000, mean)], costs: COSTS })
    expect(seen.standing).toEqual({ [LARGE]: 'eligible', [SMALL]: standing })
  })

  it('is nobody before there are scores, but for the reference itself', () => {
    const quality = [someScores(LARGE, 2_000, 0.8)]
    expect(decided({ quality, costs: COSTS }).standing).toEqual({ [LARGE]: 'eligible', [SMALL]: 'probation' })
  })

  it('may be a fixed quality, which pairs cannot be held to', () => {
    const policy = { ...aFeedbackPolicy, reference: { kind: 'quality' as const, value: 0.75 } }
    const pairs = { yardstick: { source: 'pairs' as const, evaluator: 'judge', version: 'v1' } }
    const quality = [...EQUAL, someScores(SMALL, 5_000, 0, pairs)]
    const seen = decided({ policy, quality, costs: COSTS })
    expect(seen.cell.yardstick).toBe('judge by judge (v1)')
    expect(seen.standing).toEqual({ [LARGE]: 'eligible', [SMALL]: 'eligible' })
  })
})

describe('the yardstick', () => {
  const judge = { source: 'judge' as const, evaluator: 'judge', version: 'v1' }
  const human = { source: 'human' as const, evaluator: 'thumbs', version: '' }

  it('is the most trusted of those by which most arms have enough scores, and never two at once', () => {
    const both = [
      ...EQUAL,
      someScores(LARGE, 900, 0.5, { yardstick: human }),
      someScores(SMALL, 900, 0.9, { yardstick: human }),
    ]
    expect(chooseYardstick(both, 200)).toEqual(judge)
    const fewJudged = [someScores(LARGE, 900, 0.8), ...both.slice(2)]
    expect(chooseYardstick(fewJudged, 200)).toEqual(human)
    const seen = decided({ quality: fewJudged, costs: COSTS })
    expect(seen.cell.yardstick).toBe(yardstickText(human))
    expect(seen.cell.arms.map(({ mass }) => mass)).toEqual([900, 900])
  })

  it('is the latest version of a judge, once that has judged enough', () => {
    const v2 = { yardstick: { ...judge, version: 'v2' }, latestAt: NOW }
    const few = [...EQUAL, someScores(LARGE, 100, 0.8, v2), someScores(SMALL, 100, 0.8, v2)]
    expect(chooseYardstick(few, 200)?.version).toBe('v1')
    const many = [...EQUAL, someScores(LARGE, 300, 0.8, v2), someScores(SMALL, 300, 0.8, v2)]
    expect(chooseYardstick(many, 200)?.version).toBe('v2')
  })

  it('gives way, where nobody measures by it any more, to one by which two arms are scored', () => {
    const pairs = { yardstick: { source: 'pairs' as const, evaluator: 'judge', version: 'v1' } }
    const ended = { ...pairs, latestAt: NOW - 100 * HOUR_MS }
    const quality = [...EQUAL, someScores(SMALL, 2_000, 0, ended)]
    expect(decided({ quality, costs: COSTS }).cell).toMatchObject({
      yardstick: 'judge by judge (v1)',
      verdict: 'moved',
    })
    const few = [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 2_000, 0, ended)]
    expect(decided({ quality: few, costs: COSTS }).cell).toMatchObject({ reason: 'stale' })
  })

  it('of pairs tells differences to the reference, which is no better than itself', () => {
    const pairs = {
      yardstick: { source: 'pairs' as const, evaluator: 'judge', version: 'v1' },
      tally: aTally(800, -0.2, 0.3),
    }
    const seen = decided({ quality: [someScores(SMALL, 800, 0, pairs)], costs: COSTS })
    expect(seen.cell.arms[0]?.quality).toEqual({ mean: 0, deviation: 0 })
    expect(seen.standing[SMALL]).toBe('quarantined')
  })

  it('is of pairs rather than of scores where both are enough, and they move weights like any other', () => {
    const pairs = {
      yardstick: { source: 'pairs' as const, evaluator: 'judge', version: 'v1' },
      tally: aTally(3_000, 0.01, 0.1),
    }
    const { cell, decision } = decided({ quality: [...EQUAL, someScores(SMALL, 3_000, 0, pairs)], costs: COSTS })
    expect(cell).toMatchObject({ yardstick: 'pairs by judge (v1)', verdict: 'moved' })
    expect(cell.arms[0]).toMatchObject({ mass: 3_000, fresh: 3_000 })
    expect(decision.next.weights[SMALL]).toBeCloseTo(59.99, 9)
    expect(decision.cells).toHaveLength(2)
  })
})

describe('the target', () => {
  // (floor + (1 − 3·floor)·P(best)), P(best) by a trapezoid of 200,001 points in Python.
  it('is the floor and the rest by the probability of being worth most', () => {
    const beliefs = [
      { mean: 0.002, deviation: 0.0005 },
      { mean: 0.0025, deviation: 0.0004 },
      { mean: 0.001, deviation: 0.001 },
    ]
    const shares = targetShares(beliefs, 1, { floor: 0.05, ceiling: 1 })
    expect(shares.map((share) => Number(share.toFixed(6)))).toEqual(TARGET)
  })

  it('gives nobody more than the ceiling while others have room', () => {
    const beliefs = [
      { mean: 1, deviation: 0.001 },
      { mean: 0, deviation: 0.001 },
      { mean: 0, deviation: 0.001 },
    ]
    const shares = targetShares(beliefs, 1, { floor: 0.05, ceiling: 0.7 })
    expect(shares.map((share) => Number(share.toFixed(9)))).toEqual([0.7, 0.15, 0.15])
    expect(targetShares(beliefs, 1, { floor: 0, ceiling: 0.2 }).reduce((sum, share) => sum + share)).toBeCloseTo(1, 12)
  })

  it('is gone towards only as far as somebody is shown to be better than somebody else', () => {
    const [current, target] = [
      [0.4, 0.4, 0.2],
      [0.7, 0.25, 0.05],
    ]
    expect(shownMoves(current, target, () => false)).toBe(current)
    expect(shownMoves(current, target, () => true).map((share) => Number(share.toFixed(9)))).toEqual(target)
    const overLast = shownMoves(current, target, (one, other) => one === 0 && other === 2)
    expect(overLast.map((share) => Number(share.toFixed(9)))).toEqual([0.55, 0.4, 0.05])
  })
})

describe('weights', () => {
  it('go to the cheapest that is good enough, ten points at a time', () => {
    const { cell, decision } = decided({ quality: EQUAL, costs: COSTS })
    expect(cell).toMatchObject({ verdict: 'moved', reason: 'moved' })
    expect(decision).toMatchObject({ verdict: 'moved' })
    expect(nextOf(cell)[SMALL]).toBeCloseTo(0.5999, 9)
    expect(decision.next.weights).toEqual({ [LARGE]: 40.01, [SMALL]: 59.99 })
    expect(cell.arms.find(({ arm }) => arm === SMALL)?.target).toBeCloseTo(0.95, 9)
  })

  it('go to the better one where its quality is worth its price', () => {
    const quality = [someScores(LARGE, 2_000, 0.9), someScores(SMALL, 2_000, 0.88)]
    const cheap = decided({ quality, costs: COSTS, policy: { ...aFeedbackPolicy, pointUsd: 0.0001 } })
    expect(nextOf(cheap.cell)[SMALL]).toBeGreaterThan(0.5)
    const precious = decided({
      quality: [someScores(LARGE, 20_000, 0.9), someScores(SMALL, 20_000, 0.86)],
      costs: COSTS,
      policy: { ...aFeedbackPolicy, pointUsd: 0.01 },
    })
    expect(nextOf(precious.cell)[SMALL]).toBeLessThan(0.5)
  })

  it.each([
    ['no_scores', 'frozen', { costs: COSTS }],
    ['stale', 'frozen', { quality: EQUAL.map((row) => ({ ...row, latestAt: NOW - 25 * HOUR_MS })), costs: COSTS }],
    ['dwell', 'held', { quality: EQUAL, costs: COSTS, changedAt: { [ALL_TASKS]: NOW - HOUR_MS / 2 } }],
    ['few_scores', 'held', { quality: EQUAL.map((row) => ({ ...row, fresh: 199, freshForAll: 199 })), costs: COSTS }],
    ['not_shown', 'held', { quality: EQUAL, costs: [someCosts(LARGE, 0.001), someCosts(SMALL, 0.001)] }],
    ['no_costs', 'held', { quality: EQUAL }],
    [
      'none_eligible',
      'held',
      {
        quality: [someScores(SMALL, 2_000, 0.748)],
        policy: { ...aFeedbackPolicy, reference: { kind: 'quality', value: 0.8 } },
      },
    ],
    ['no_choice', 'held', { quality: EQUAL, costs: COSTS, rollout: [SMALL] }],
    [
      'dead_band',
      'held',
      { quality: EQUAL, costs: COSTS, weights: { weights: { [LARGE]: 6.5, [SMALL]: 93.5 }, pins: [] } },
    ],
  ] as const)('stay for %s (%s)', (reason, verdict, changes) => {
    const { cell, decision } = decided(changes as Parameters<typeof someInputs>[0])
    expect(cell).toMatchObject({ reason, verdict })
    expect(decision.verdict).toBe(verdict)
    for (const { share, next } of cell.arms) expect(next).toBe(share)
  })

  it('of a quarantined arm are 0 at once, however recent the last change', () => {
    const quality = [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 300, 0.5)]
    const { cell, decision } = decided({ quality, costs: COSTS, changedAt: { [ALL_TASKS]: NOW - 1 } })
    expect(cell).toMatchObject({ verdict: 'quarantined', quarantined: { [SMALL]: NOW } })
    expect(decision.next.weights).toEqual({ [LARGE]: 100, [SMALL]: 0 })
  })

  it('of an arm that is bad by few scores stay, unless it is plain to see', () => {
    const quality = (mass: number, mean: number) => [someScores(LARGE, 2_000, 0.8), someScores(SMALL, mass, mean)]
    expect(decided({ quality: quality(60, 0.68), costs: COSTS }).cell.verdict).toBe('held')
    expect(decided({ quality: quality(60, 0.3), costs: COSTS }).cell.verdict).toBe('quarantined')
    expect(decided({ quality: quality(19, 0), costs: COSTS }).cell.verdict).toBe('held')
  })

  it('come back by scores made since, at 2 %, and not for being forgotten', () => {
    const out = { quarantined: { [ALL_TASKS]: { [SMALL]: NOW - 9 * HOUR_MS } }, costs: COSTS }
    const weights = { weights: { [LARGE]: 100, [SMALL]: 0 }, pins: [] }
    const forgotten = [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 2_000, 0.79, { sinceQuarantineForAll: 0 })]
    const still = decided({ quality: forgotten, weights, ...out })
    expect(still.cell).toMatchObject({ verdict: 'held', quarantined: { [SMALL]: NOW - 9 * HOUR_MS } })
    const back = decided({ quality: [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 400, 0.79)], weights, ...out })
    expect(back.cell).toMatchObject({ verdict: 'returned', quarantined: {} })
    expect(back.decision.next.weights).toEqual({ [LARGE]: 98, [SMALL]: 2 })
  })

  it('are quarantined below the least quality of their task, and for that task alone', () => {
    const quality = (['coding', 'math'] as const).flatMap((task) => [
      someScores(LARGE, 2_000, 0.9, { task }),
      someScores(SMALL, 2_000, task === 'math' ? 0.86 : 0.9, { task }),
    ])
    const costs = (['coding', 'math'] as const).flatMap((task) => COSTS.map((row) => ({ ...row, task })))
    const { decision } = decided({ quality, costs, minimum: { math: 0.88 } })
    const math = decision.cells.find(({ task }) => task === 'math')
    expect(math?.arms[1]).toMatchObject({ standing: 'quarantined' })
    expect(math?.arms[1]?.aboveMinimum).toBeLessThan(0.01)
    expect(math?.arms[1]?.goodEnough).toBeGreaterThan(0.9)
    expect(decision.next.tasks?.['math']).toEqual({ [LARGE]: 100, [SMALL]: 0 })
    expect(decision.next.tasks?.['coding']?.[SMALL]).toBeCloseTo(59.99, 9)
  })

  it('are quarantined where an audit is below the least quality, whatever the scores say, and return by audits since', () => {
    const audit = { yardstick: { source: 'audit' as const, evaluator: 'nightly', version: 'set' } }
    const audited = (mean: number, mass: number, since: number) =>
      someScores(SMALL, mass, mean, { ...audit, sinceQuarantine: since })
    const unseen = someScores(SMALL, 2_000, 0.8, { sinceQuarantine: 0 })
    const rest = { costs: COSTS, minimum: { coding: 0.7 } }
    const coding = (quality: readonly QualityReading[], more: Parameters<typeof decided>[0] = {}) =>
      decided({ quality: [someScores(LARGE, 2_000, 0.8), ...quality], ...rest, ...more }).decision.cells[1]
    expect(coding([unseen, audited(0.4, 60, 60)])).toMatchObject({
      task: 'coding',
      verdict: 'quarantined',
      yardstick: 'judge by judge (v1)',
    })
    expect(coding([unseen, audited(0.4, 15, 15)])?.verdict).not.toBe('quarantined')
    expect(coding([unseen, audited(0.8, 60, 60)])?.verdict).not.toBe('quarantined')
    const out = {
      quarantined: { coding: { [SMALL]: NOW - 9 * HOUR_MS } },
      weights: {
        weights: { [LARGE]: 50, [SMALL]: 50 },
        pins: [],
        tasks: { coding: { [LARGE]: 100, [SMALL]: 0 } },
      },
    }
    expect(coding([unseen, audited(0.8, 300, 199)], out)?.verdict).toBe('held')
    expect(coding([unseen, audited(0.8, 300, 200)], out)?.verdict).toBe('returned')
  })

  it('stay where there is nobody else left', () => {
    const policy = { ...aFeedbackPolicy, reference: { kind: 'quality' as const, value: 0.95 } }
    const { cell } = decided({ quality: EQUAL, costs: COSTS, policy })
    expect(cell).toMatchObject({ verdict: 'held', reason: 'nothing_left' })
  })

  it('that are pinned, or moved by a rollout, are not touched by a quarantine either', () => {
    const weights = { weights: { [LARGE]: 30, [SMALL]: 30, 'c/mid': 40 }, pins: [SMALL] }
    const quality = [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 2_000, 0.2), someScores('c/mid', 2_000, 0.8)]
    const costs = [...COSTS, someCosts('c/mid', 0.002)]
    const { decision } = decided({ weights, quality, costs })
    expect(decision.next.weights[SMALL]).toBe(30)
    expect(decision.next.weights['c/mid']).toBeGreaterThan(49)
  })

  it('of a task are its own once enough is known of it, and all traffic has the others', () => {
    const quality = [
      ...EQUAL,
      someScores(LARGE, 500, 0.8, { task: 'math' }),
      someScores(SMALL, 40, 0.8, { task: 'math' }),
    ]
    const costs = [...COSTS, ...COSTS.map((row) => ({ ...row, task: 'math' }))]
    const { decision } = decided({ quality, costs })
    expect(decision.cells.map(({ task }) => task)).toEqual([ALL_TASKS, 'coding'])
    expect(Object.keys(decision.next.tasks ?? {})).toEqual(['coding'])
  })

  it('of all traffic are for its own mixture of tasks: who gets the easy ones is no better for it', () => {
    const quality = [
      someScores(LARGE, 500, 0.9, { task: 'easy' }),
      someScores(LARGE, 4_500, 0.7, { task: 'hard' }),
      someScores(SMALL, 4_500, 0.88, { task: 'easy' }),
      someScores(SMALL, 500, 0.5, { task: 'hard' }),
    ]
    const costs = ['easy', 'hard'].flatMap((task) => COSTS.map((row) => ({ ...row, task })))
    const { cell } = decided({ quality, costs })
    expect(cell.arms.map(({ quality: { mean } }) => Number(mean.toFixed(2)))).toEqual([0.8, 0.69])
    expect(cell.arms[1]?.standing).toBe('quarantined')
  })

  it('of a task that an arm is not bad at stay, where it is shut out for what it does elsewhere', () => {
    const quality = [
      someScores(LARGE, 400, 0.8, { task: 'easy' }),
      someScores(SMALL, 40, 0.8, { task: 'easy' }),
      someScores(LARGE, 4_000, 0.8, { task: 'hard' }),
      someScores(SMALL, 4_000, 0.3, { task: 'hard' }),
    ]
    const costs = ['easy', 'hard'].flatMap((task) => COSTS.map((row) => ({ ...row, task })))
    const { decision, cell } = decided({ quality, costs })
    expect(cell.verdict).toBe('quarantined')
    expect(decision.cells.map(({ task, reason }) => [task, reason])).toEqual([
      [ALL_TASKS, 'quarantined'],
      ['easy', 'own_way'],
      ['hard', 'quarantined'],
    ])
    expect(decision.next).toEqual({
      weights: { [LARGE]: 100, [SMALL]: 0 },
      pins: [],
      tasks: { easy: { [LARGE]: 50, [SMALL]: 50 }, hard: { [LARGE]: 100, [SMALL]: 0 } },
    })
  })

  it('of all traffic go by the tasks that have scores', () => {
    const unscored = COSTS.map((row) => ({ ...row, task: 'new', requests: 50_000 }))
    const { cell } = decided({ quality: EQUAL, costs: [...COSTS, ...unscored] })
    expect(cell).toMatchObject({ verdict: 'moved' })
  })

  it('go by shadow costs where an arm has no traffic, and not at all where most costs are unknown', () => {
    const quality = EQUAL
    const weights = { weights: { [LARGE]: 100, [SMALL]: 0 }, pins: [] }
    const shadow = [COSTS[0], someCosts(SMALL, 0.001, { kind: 'shadow' })].filter((row) => row !== undefined)
    expect(nextOf(decided({ quality, weights, costs: shadow }).cell)[SMALL]).toBeCloseTo(0.0999, 9)
    const unknown = [COSTS[0], someCosts(SMALL, 0.001, { requests: 2_500 })].filter((row) => row !== undefined)
    expect(decided({ quality, weights, costs: unknown }).cell).toMatchObject({ reason: 'not_shown' })
  })

  it('of tasks with names that every object knows are like any others', () => {
    for (const task of ['__proto__', 'constructor']) {
      const quality = EQUAL.map((row) => ({ ...row, task }))
      const { decision } = decided({ quality, costs: COSTS.map((row) => ({ ...row, task })) })
      expect(Object.hasOwn(decision.next.tasks ?? {}, task)).toBe(true)
    }
  })
})

/** See the comment of the test. */
const TARGET = [0.220907, 0.670593, 0.1085]
