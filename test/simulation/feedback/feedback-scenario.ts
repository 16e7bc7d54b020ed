import type { FeedbackPolicy } from '../../../src/domain/feedback/feedback-policy.ts'

const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** A model that answers: what a request costs on average, and how good its answers are. */
export type SimulatedModel = {
  readonly key: string
  readonly usd: number
  /** Mean score of a task at a time, in [0, 1]. */
  readonly quality: (task: string, at: number) => number
}

/** Traffic over some models on a virtual clock. */
export type FeedbackScenario = {
  readonly name: string
  readonly models: readonly SimulatedModel[]
  /** Shares of the tasks in the traffic. */
  readonly tasks: Readonly<Record<string, number>>
  readonly requestsPerHour: number
  readonly scoredShare: number
  readonly policy: FeedbackPolicy
  readonly days: number
  /** When a model gets worse without a word. */
  readonly turnAt: number
}

/** The mid-size model answers code as well as the large one, until it does not any more. */
export const TURN_AT = 20 * DAY_MS

const QUALITY: Readonly<Record<string, readonly [small: number, mid: number, large: number]>> = {
  knowledge: [0.79, 0.8, 0.8],
  coding: [0.58, 0.79, 0.8],
  math: [0.5, 0.6, 0.8],
}

/** Three models of different price and quality; for each task another one is the cheapest that is good enough. */
export const THREE_MODELS: FeedbackScenario = {
  name: 'three models',
  models: [
    { key: 'one/small', usd: 0.0004, quality: (task) => QUALITY[task]?.[0] ?? 0 },
    {
      key: 'one/mid',
      usd: 0.002,
      quality: (task, at) => (task === 'coding' && at >= TURN_AT ? 0.55 : (QUALITY[task]?.[1] ?? 0)),
    },
    { key: 'two/large', usd: 0.01, quality: (task) => QUALITY[task]?.[2] ?? 0 },
  ],
  tasks: { knowledge: 0.4, coding: 0.35, math: 0.25 },
  requestsPerHour: 400,
  scoredShare: 0.25,
  policy: {
    mode: 'apply',
    pointUsd: 0.0001,
    delta: 0.05,
    reference: { kind: 'arm', key: 'two/large' },
    floor: 0.03,
    ceiling: 1,
  },
  days: 40,
  turnAt: TURN_AT,
}

/** Nothing to be found: three models that are the same in everything. */
export const NOISE_ONLY: FeedbackScenario = {
  ...THREE_MODELS,
  name: 'noise only',
  models: ['one/a', 'one/b', 'one/c'].map((key) => ({ key, usd: 0.002, quality: () => 0.75 })),
  policy: { ...THREE_MODELS.policy, reference: { kind: 'arm', key: 'one/a' } },
  days: 30,
  turnAt: Number.POSITIVE_INFINITY,
}
