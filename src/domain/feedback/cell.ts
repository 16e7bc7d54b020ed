import type { Belief } from '../statistics/best-of.ts'
import type { EpochMs } from '../units.ts'
import type { QualityReference } from './feedback-policy.ts'
import { ALL_TASKS, type CostReading, type QualityReading, type Readings, type Yardstick } from './readings.ts'
import type { FeedbackRule } from './rule.ts'
import { addTallies, meanOf, measured, NO_TALLY, posterior, type Tally } from './tally.ts'
import { chooseYardstick, isSameYardstick, yardstickText } from './yardstick.ts'

/** What is known of one arm in one cell. */
export type ArmReading = {
  /** By the cell's yardstick; of pairs a difference to the reference. */
  readonly quality: Belief
  /** In [0, 1], to be held against the least quality of a task: by scores, and beside them by audits of the model alone. */
  readonly scored: readonly { readonly quality: Belief; readonly mass: number }[]
  /** Discounted scores by the yardstick, those that came since the cell last moved, and by whichever since its quarantine. */
  readonly mass: number
  readonly fresh: number
  readonly sinceQuarantine: number
  /** US dollars per request; undefined where too few requests have a known cost. */
  readonly cost: Belief | undefined
}

/** The arms of a route on one task, or on all of its traffic. */
export type CellReading = {
  /** Undefined: nobody says how good any arm is. */
  readonly yardstick: Yardstick | undefined
  readonly latestAt: EpochMs | undefined
  readonly arms: Readonly<Record<string, ArmReading>>
}

/** What the readings say of `arms` on `task`, or on `ALL_TASKS` in the mixture that the route's traffic has. */
export function readCell(
  readings: Readings,
  task: string,
  arms: readonly string[],
  reference: QualityReference,
  rule: FeedbackRule,
): CellReading {
  const quality = readings.quality.filter((row) => arms.includes(row.arm) && (task === ALL_TASKS || row.task === task))
  const costs = readings.costs.filter((row) => arms.includes(row.arm) && (task === ALL_TASKS || row.task === task))
  const counting = quality.filter(({ yardstick: { source } }) => source !== 'pairs' || reference.kind === 'arm')
  const choose = (counts: (by: Yardstick) => boolean): Yardstick | undefined =>
    chooseYardstick(counting, rule.minScores, counts, readings.asOf - rule.staleAfterMs)
  const yardstick = choose(() => true)
  const byScores = yardstick?.source === 'pairs' ? choose(({ source }) => source !== 'pairs') : yardstick
  const own = rowsBy(quality, yardstick)
  const scored = rowsBy(quality, byScores)
  const audited =
    byScores?.source === 'audit'
      ? []
      : rowsBy(
          quality,
          choose(({ source }) => source === 'audit'),
        )
  const mixture = task === ALL_TASKS ? mixtureOf(costs, own) : new Map([[task, 1]])
  const costsByArm = costsOf(costs, arms, mixture, rule)
  const entries = arms.map((arm): readonly [string, ArmReading] => {
    const rows = own.filter((row) => row.arm === arm)
    const byMinimum = [scored, audited].map((all) => ({ all, rows: all.filter((row) => row.arm === arm) }))
    const isReference = yardstick?.source === 'pairs' && reference.kind === 'arm' && reference.key === arm
    // Of pairs the reference is in every one, and against itself neither better nor worse.
    const counted = isReference ? own : rows
    return [
      arm,
      {
        quality: isReference ? { mean: 0, deviation: 0 } : mixed(rows, own, mixture, rule),
        scored: byMinimum
          // With a few questions an audit says less than the scores beside it.
          .filter(({ all, rows: of }, index) => all.length > 0 && (index === 0 || massOf(of) >= rule.leastScores))
          .map(({ all, rows: of }) => ({ quality: mixed(of, all, mixture, rule), mass: massOf(of) })),
        mass: massOf(counted),
        fresh: sum(counted.map((row) => (task === ALL_TASKS ? row.freshForAll : row.fresh))),
        sinceQuarantine: sinceQuarantineOf(counting, arm, task),
        cost: costsByArm.get(arm),
      },
    ]
  })
  const latest = own.map(({ latestAt }) => latestAt)
  return {
    yardstick,
    latestAt: latest.length === 0 ? undefined : Math.max(...latest),
    arms: Object.fromEntries(entries),
  }
}

function rowsBy(rows: readonly QualityReading[], yardstick: Yardstick | undefined): readonly QualityReading[] {
  return yardstick === undefined ? [] : rows.filter((row) => isSameYardstick(row.yardstick, yardstick))
}

/** By whichever yardstick there are most: clients see nothing of an arm that is out, so it may be another than before. */
function sinceQuarantineOf(rows: readonly QualityReading[], arm: string, task: string): number {
  const counts = new Map<string, number>()
  for (const row of rows.filter((each) => each.arm === arm)) {
    const since = task === ALL_TASKS ? row.sinceQuarantineForAll : row.sinceQuarantine
    const key = yardstickText(row.yardstick)
    counts.set(key, (counts.get(key) ?? 0) + since)
  }
  return Math.max(0, ...counts.values())
}

function massOf(rows: readonly QualityReading[]): number {
  return sum(rows.map(({ tally }) => tally.mass))
}

/**
 * The quality that an arm would have on the route's mixture of tasks, whatever mixture it has been given: an arm that gets
 * the easy tasks is no better for it. Where it has no scores of a task stands the prior: what all arms have there.
 */
function mixed(
  rows: readonly QualityReading[],
  ofAllArms: readonly QualityReading[],
  mixture: ReadonlyMap<string, number>,
  rule: FeedbackRule,
): Belief {
  let mean = 0
  let variance = 0
  for (const [task, share] of mixture) {
    const onTask = ({ task: of }: QualityReading): boolean => of === task
    const isPairs = ofAllArms[0]?.yardstick.source === 'pairs'
    const prior = isPairs ? 0 : (meanOf(tallyOf(ofAllArms.filter(onTask))) ?? meanOf(tallyOf(ofAllArms)) ?? 0.5)
    const belief = posterior(tallyOf(rows.filter(onTask)), prior, rule.priorMass * share)
    mean += share * belief.mean
    variance += (share * belief.deviation) ** 2
  }
  return { mean, deviation: Math.sqrt(variance) }
}

function tallyOf(rows: readonly { readonly tally: Tally }[]): Tally {
  return addTallies(rows.map(({ tally }) => tally))
}

/** Shares of the tasks in the route's traffic, as far as they have scores, else in the scores. */
function mixtureOf(costs: readonly CostReading[], quality: readonly QualityReading[]): ReadonlyMap<string, number> {
  const tasks = new Set(quality.map(({ task }) => task))
  const live = costs.flatMap(({ kind, task, requests }) =>
    kind === 'live' && tasks.has(task) ? [[task, requests] as const] : [],
  )
  const scored = quality.map(({ task, tally }) => [task, tally.mass] as const)
  const weights = new Map<string, number>()
  for (const [task, weight] of sum(live.map(([, requests]) => requests)) > 0 ? live : scored) {
    weights.set(task, (weights.get(task) ?? 0) + weight)
  }
  const total = sum([...weights.values()])
  return new Map([...weights].flatMap(([task, weight]) => (weight > 0 ? [[task, weight / total] as const] : [])))
}

/** Tasks of the mixture in which the costs of all arms are known must be at least so much of it. */
const LEAST_COMPARED = 0.5

/** Cost per request on the same mixture of tasks for all arms: of those tasks in which every arm that has a cost has one. */
function costsOf(
  rows: readonly CostReading[],
  arms: readonly string[],
  mixture: ReadonlyMap<string, number>,
  rule: FeedbackRule,
): ReadonlyMap<string, Belief> {
  const known = new Map(
    arms.map(
      (arm) =>
        [
          arm,
          costsByTask(
            rows.filter((row) => row.arm === arm),
            rule,
          ),
        ] as const,
    ),
  )
  const priced = arms.filter((arm) => (known.get(arm)?.size ?? 0) > 0)
  const compared = [...mixture].filter(([task]) => priced.every((arm) => known.get(arm)?.has(task) === true))
  const covered = sum(compared.map(([, share]) => share))
  if (priced.length === 0 || covered < LEAST_COMPARED) return new Map()
  return new Map(
    priced.map((arm) => {
      const parts = compared.map(([task, share]) => ({ share: share / covered, cost: known.get(arm)?.get(task) }))
      const mean = sum(parts.map(({ share, cost }) => share * (cost?.mean ?? 0)))
      const deviation = Math.hypot(...parts.map(({ share, cost }) => share * (cost?.deviation ?? 0)))
      return [arm, { mean, deviation }] as const
    }),
  )
}

/** By live traffic where there is enough of it, else by shadow calls; where most costs are unknown, not at all. */
function costsByTask(rows: readonly CostReading[], rule: FeedbackRule): ReadonlyMap<string, Belief> {
  const found = new Map<string, Belief>()
  for (const kind of ['shadow', 'live'] as const) {
    for (const task of new Set(rows.map((row) => row.task))) {
      const own = rows.filter((row) => row.kind === kind && row.task === task)
      const tally = own.length === 0 ? NO_TALLY : tallyOf(own)
      const isMostKnown = 2 * tally.mass >= sum(own.map(({ requests }) => requests))
      const cost = isMostKnown ? measured(tally, rule.minPriced) : undefined
      if (cost !== undefined) found.set(task, cost)
    }
  }
  return found
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
