import { type Rate, wilson } from '../summary.ts'
import { DAY_MS, type FeedbackScenario } from './feedback-scenario.ts'
import { bestModel, type FeedbackRun, type Shares, simulateFeedback } from './simulate-feedback.ts'

/** What many seeds of one scenario come to; means over the seeds. */
export type FeedbackSummary = {
  readonly scenario: string
  readonly seeds: number
  /** For each task the right model had most of the traffic: before one got worse, and at the end. */
  readonly rightBefore: Rate
  readonly rightAtEnd: Rate
  /** No share was ever more than 2 points from where it began. */
  readonly stayed: Rate
  readonly largestStep: number
  /** Hours until the right model of every task led for good, from the start and from the turn. */
  readonly hoursToRight: number | undefined
  readonly hoursToRecover: number | undefined
  readonly updates: number
  readonly quarantines: number
  /** Of what the reference alone would have cost. */
  readonly savedShare: number
  /** Per 1,000 requests. */
  readonly regretUsd: number
  readonly belowReferenceShare: number
}

const DEAD_BAND = 0.02

export function summariseFeedback(scenario: FeedbackScenario, seeds: number, first: number): FeedbackSummary {
  const runs = Array.from({ length: seeds }, (_, index) => simulateFeedback(scenario, first + index))
  const rate = (holds: (run: FeedbackRun) => boolean): Rate => wilson(runs.filter(holds).length, seeds)
  const mean = (value: (run: FeedbackRun) => number): number => runs.reduce((sum, run) => sum + value(run), 0) / seeds
  const end = scenario.days * DAY_MS
  return {
    scenario: scenario.name,
    seeds,
    rightBefore: rate((run) => isRightAt(scenario, run, Math.min(scenario.turnAt, end))),
    rightAtEnd: rate((run) => isRightAt(scenario, run, end)),
    stayed: rate(hasStayed),
    largestStep: Math.max(...runs.map(({ largestStep }) => largestStep)),
    hoursToRight: median(runs.map((run) => hoursToRight(scenario, run, 0, Math.min(scenario.turnAt, end)))),
    hoursToRecover: median(runs.map((run) => hoursToRight(scenario, run, scenario.turnAt, end))),
    updates: mean(({ updates }) => updates),
    quarantines: mean(({ quarantines }) => quarantines),
    savedShare: mean(({ spentUsd, referenceUsd }) => 1 - spentUsd / referenceUsd),
    regretUsd: mean(({ regretUsd, requests }) => (1_000 * regretUsd) / requests),
    belowReferenceShare: mean(({ belowReference, requests }) => belowReference / requests),
  }
}

function isRight(scenario: FeedbackScenario, shares: Shares, at: number): boolean {
  return Object.entries(shares).every(
    ([task, own]) => own.indexOf(Math.max(...own)) === bestModel(scenario, task, at - 1),
  )
}

function isRightAt(scenario: FeedbackScenario, { course }: FeedbackRun, at: number): boolean {
  const point = course.findLast((each) => each.at <= at)
  return point !== undefined && isRight(scenario, point.shares, at)
}

/** From `from` to the last change to being right that lasts until `to`; undefined where it is wrong at the end. */
function hoursToRight(
  scenario: FeedbackScenario,
  { course }: FeedbackRun,
  from: number,
  to: number,
): number | undefined {
  const points = course.filter(({ at }) => at > from && at <= to)
  if (points.length === 0) return undefined
  const lastWrong = points.findLastIndex(({ at, shares }) => !isRight(scenario, shares, at))
  const right = points[lastWrong + 1]
  return right === undefined ? undefined : (right.at - from) / 3_600_000
}

function hasStayed({ course }: FeedbackRun): boolean {
  return course.every(({ shares }) =>
    Object.values(shares).every((own) => own.every((share) => Math.abs(share - 1 / own.length) <= DEAD_BAND)),
  )
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).toSorted((one, other) => one - other)
  return known[Math.floor(known.length / 2)]
}

export function summaryLines(summary: FeedbackSummary): readonly string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  const rate = ({ share, low, high }: Rate): string => `${percent(share)} [${percent(low)}, ${percent(high)}]`
  const days = (hours: number | undefined): string =>
    hours === undefined ? 'never' : `${(hours / 24).toFixed(1)} days`
  return [
    `${summary.scenario}, ${summary.seeds} seeds`,
    `  right model of every task leads: before the turn ${rate(summary.rightBefore)}, at the end ${rate(summary.rightAtEnd)}`,
    `  median time to that: ${days(summary.hoursToRight)}; after the turn ${days(summary.hoursToRecover)}`,
    `  never more than 2 points from the start: ${rate(summary.stayed)}`,
    `  largest step ${percent(summary.largestStep)}; ${summary.updates.toFixed(1)} updates, ${summary.quarantines.toFixed(1)} quarantines`,
    `  saved of the reference's cost ${percent(summary.savedShare)}; regret ${summary.regretUsd.toFixed(3)} USD per 1,000 requests; ${percent(summary.belowReferenceShare)} answered below the reference`,
  ]
}
