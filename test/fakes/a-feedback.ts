import type { CellDecision } from '../../src/domain/feedback/decide-cell.ts'
import type { WeightInputs } from '../../src/domain/feedback/decide-weights.ts'
import type { FeedbackPolicy } from '../../src/domain/feedback/feedback-policy.ts'
import type { CostReading, QualityReading } from '../../src/domain/feedback/readings.ts'
import { FEEDBACK_RULE } from '../../src/domain/feedback/rule.ts'
import type { Tally } from '../../src/domain/feedback/tally.ts'

export const NOW = Date.UTC(2026, 10, 20, 12)

export const aFeedbackPolicy: FeedbackPolicy = {
  mode: 'apply',
  pointUsd: 0,
  delta: 0.05,
  reference: { kind: 'arm', key: 'a/large' },
  floor: 0.05,
  ceiling: 1,
}

/** So many values with this mean and variance. */
export function aTally(mass: number, mean: number, variance = 0.05): Tally {
  return { mass, sum: mass * mean, squares: mass * (mean * mean + variance) }
}

/** Scores of an arm, by a judge unless said otherwise, all of them new. */
export function someScores(
  arm: string,
  mass: number,
  mean: number,
  changes: Partial<QualityReading> = {},
): QualityReading {
  return {
    task: 'coding',
    arm,
    yardstick: { source: 'judge', evaluator: 'judge', version: 'v1' },
    tally: aTally(mass, mean),
    fresh: mass,
    freshForAll: mass,
    sinceQuarantine: mass,
    sinceQuarantineForAll: mass,
    latestAt: NOW - 60_000,
    ...changes,
  }
}

export function someCosts(arm: string, usd: number, changes: Partial<CostReading> = {}): CostReading {
  return { task: 'coding', arm, kind: 'live', tally: aTally(1_000, usd, usd * usd), requests: 1_000, ...changes }
}

/** Two arms with equal weights and nothing known of them. */
export function someInputs(changes: Partial<WeightInputs> & Partial<WeightInputs['readings']> = {}): WeightInputs {
  const { quality = [], costs = [], asOf = NOW, ...rest } = changes
  return {
    rule: FEEDBACK_RULE,
    policy: aFeedbackPolicy,
    minimum: {},
    now: NOW,
    weights: { weights: { 'a/large': 50, 'b/small': 50 }, pins: [] },
    rollout: [],
    changedAt: {},
    quarantined: {},
    readings: { asOf, quality, costs },
    ...rest,
  }
}

/** The next shares of a cell by arm. */
export function nextOf({ arms }: CellDecision): Readonly<Record<string, number>> {
  return Object.fromEntries(arms.map(({ arm, next }) => [arm, next]))
}
