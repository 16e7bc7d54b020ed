import type { EpochMs } from '../units.ts'
import type { Tally } from './tally.ts'

/**
 * Who may say how good answers are, in the order of trust; only one of them counts at a time. Deterministic evaluators are
 * not among them: that an answer is valid JSON says nothing of how good it is.
 */
export const QUALITY_SOURCES = ['pairs', 'judge', 'audit', 'human', 'application'] as const
export type QualitySource = (typeof QUALITY_SOURCES)[number]

/** By what quality is measured. Values of two yardsticks are never added up. */
export type Yardstick = {
  readonly source: QualitySource
  /** As in scores and pairs. */
  readonly evaluator: string
  readonly version: string
}

/**
 * How good the answers of one arm to one task were. Of `pairs` the values are differences to the reference in [−1, 1],
 * else scores in [0, 1].
 */
export type QualityReading = {
  readonly task: string
  /** Target key of the arm. */
  readonly arm: string
  readonly yardstick: Yardstick
  readonly tally: Tally
  /**
   * Scores that came since the weights in force for this task moved, since those of all traffic did, and since the arm's
   * quarantine began, at this task and for all traffic.
   */
  readonly fresh: number
  readonly freshForAll: number
  readonly sinceQuarantine: number
  readonly sinceQuarantineForAll: number
  readonly latestAt: EpochMs
}

/**
 * What requests that were decided for one arm cost, fallbacks included, in US dollars; of an arm without live traffic what
 * its shadow calls cost.
 */
export type CostReading = {
  readonly task: string
  readonly arm: string
  readonly kind: 'live' | 'shadow'
  /** Over the requests with a known cost. */
  readonly tally: Tally
  /** With and without a known cost, discounted likewise. */
  readonly requests: number
}

/** All that the analyses say of one route. */
export type Readings = {
  readonly asOf: EpochMs
  readonly quality: readonly QualityReading[]
  readonly costs: readonly CostReading[]
}

/** In place of a task: all of the route's traffic, in its own mixture of tasks. */
export const ALL_TASKS = ''
