import { boundedStep } from '../statistics/bounded-step.ts'
import type { Belief } from '../statistics/best-of.ts'
import type { EpochMs } from '../units.ts'
import type { ArmReading, CellReading } from './cell.ts'
import type { FeedbackPolicy } from './feedback-policy.ts'
import type { FeedbackRule } from './rule.ts'
import { shownMoves } from './shown-moves.ts'
import { probabilityAbove, standingOf, type StandingOfArm } from './standing.ts'
import { targetShares } from './target-shares.ts'
import { yardstickText } from './yardstick.ts'

/** What became of a cell: its weights moved, nothing is to be moved, or nothing may be for want of news. */
export type CellVerdict = 'moved' | 'quarantined' | 'returned' | 'held' | 'frozen'

/** One cell as it stands. Shares sum to 1. */
export type CellState = {
  readonly task: string
  readonly shares: Readonly<Record<string, number>>
  /** Pinned by an operator, or moved by a live rollout. */
  readonly untouched: readonly string[]
  /** Of a task, the least quality that is acceptable. */
  readonly minimum: number | undefined
  /** When its weights moved last, by whose hand ever. */
  readonly changedAt: EpochMs | undefined
  /** Arms in quarantine, and since when. */
  readonly quarantined: Readonly<Record<string, EpochMs>>
}

/** Why, in one word for machines; `explain` has the sentence. */
export const REASONS = [
  'no_scores',
  'stale',
  'no_choice',
  'nothing_left',
  'quarantined',
  'returned',
  'dwell',
  'none_eligible',
  'no_costs',
  'not_shown',
  'few_scores',
  'dead_band',
  'own_way',
  'moved',
] as const
export type Reason = (typeof REASONS)[number]

export type ArmDecision = StandingOfArm & {
  readonly arm: string
  readonly mass: number
  readonly fresh: number
  readonly quality: Belief
  readonly cost: Belief | undefined
  /** In US dollars per request: quality at the operator's price less cost; undefined where the cost is not known. */
  readonly utility: Belief | undefined
  readonly isUntouched: boolean
  readonly share: number
  /** Where the rule would have it, undefined where it says nothing; and where it is from now on. */
  readonly target: number | undefined
  readonly next: number
}

export type CellDecision = {
  readonly task: string
  readonly verdict: CellVerdict
  readonly reason: Reason
  /** '' without any. */
  readonly yardstick: string
  readonly arms: readonly ArmDecision[]
  readonly quarantined: Readonly<Record<string, EpochMs>>
}

/** Shares are whole to a hundredth of a point when they become weights, and the bound holds for those. */
const ROUNDING = 1e-4

/** Where the shares of one cell go from here. Pure. */
export function decideCell(
  reading: CellReading,
  state: CellState,
  policy: FeedbackPolicy,
  rule: FeedbackRule,
  now: EpochMs,
): CellDecision {
  const { yardstick, latestAt } = reading
  const arms = Object.keys(state.shares).map((arm) => assess(arm, reading, state, policy, rule))
  const decided = (
    verdict: CellVerdict,
    reason: Reason,
    next: readonly number[] = arms.map(({ share }) => share),
    targets: readonly (number | undefined)[] = [],
  ): CellDecision => ({
    task: state.task,
    verdict,
    reason,
    yardstick: yardstick === undefined ? '' : yardstickText(yardstick),
    arms: arms.map((arm, index) => ({ ...arm, target: targets[index], next: next[index] ?? arm.share })),
    quarantined: verdict === 'frozen' ? state.quarantined : quarantineOf(arms, state, now),
  })

  if (yardstick === undefined || latestAt === undefined) return decided('frozen', 'no_scores')
  if (now - latestAt > rule.staleAfterMs) return decided('frozen', 'stale')
  const movers = arms.filter(({ isUntouched }) => !isUntouched)
  if (movers.length < 2) return decided('held', 'no_choice')
  const targets = targetsOf(arms, policy)

  const out = arms.map((arm) => !arm.isUntouched && arm.standing === 'quarantined' && arm.share > 0)
  if (out.includes(true)) {
    const next = withoutArms(arms, out, targets)
    return next === undefined ? decided('held', 'nothing_left') : decided('quarantined', 'quarantined', next, targets)
  }
  const back = arms.map(
    (arm) => !arm.isUntouched && arm.standing !== 'quarantined' && Object.hasOwn(state.quarantined, arm.arm),
  )
  const returned = withReturned(arms, back, rule.probationShare)
  if (returned !== undefined) return decided('returned', 'returned', returned, targets)

  if (state.changedAt !== undefined && now - state.changedAt < rule.minGapMs) {
    return decided('held', 'dwell', undefined, targets)
  }
  if (!movers.some(({ standing }) => standing === 'eligible')) return decided('held', 'none_eligible')
  if (!movers.some(isRanked)) return decided('held', 'no_costs')
  const shares = arms.map(({ share }) => share)
  const wanted = targets.map((target, index) => target ?? shares[index] ?? 0)
  const shown = (one: number, other: number): boolean => isShownBetter(arms[one], arms[other], rule)
  const backed = shownMoves(shares, wanted, (one, other) => hasScores(arms, one, other, rule) && shown(one, other))
  if (isWithin(backed, shares, 0)) {
    const isFew = !isWithin(shownMoves(shares, wanted, shown), shares, 0)
    return decided('held', isFew ? 'few_scores' : 'not_shown', undefined, targets)
  }
  if (isWithin(backed, shares, rule.deadBand)) return decided('held', 'dead_band', undefined, targets)
  return decided('moved', 'moved', boundedStep(shares, backed, rule.step - ROUNDING), targets)
}

type Assessed = Omit<ArmDecision, 'target' | 'next'>

function assess(
  arm: string,
  cell: CellReading,
  { shares, untouched, minimum, quarantined }: CellState,
  policy: FeedbackPolicy,
  rule: FeedbackRule,
): Assessed {
  const reading = cell.arms[arm] ?? UNREAD
  return {
    arm,
    ...standingOf(arm, cell, policy, minimum, Object.hasOwn(quarantined, arm), rule),
    mass: reading.mass,
    fresh: reading.fresh,
    quality: reading.quality,
    cost: reading.cost,
    utility: utilityOf(reading, policy.pointUsd),
    isUntouched: untouched.includes(arm),
    share: shares[arm] ?? 0,
  }
}

const UNREAD: ArmReading = {
  quality: { mean: 0.5, deviation: 0.5 },
  scored: [],
  mass: 0,
  fresh: 0,
  sinceQuarantine: 0,
  cost: undefined,
}

/** Points of quality at their price, less what a request costs, both uncertain and independent. */
function utilityOf({ quality, cost }: ArmReading, pointUsd: number): Belief | undefined {
  if (cost === undefined) return undefined
  const worth = 100 * pointUsd
  return {
    mean: worth * quality.mean - cost.mean,
    deviation: Math.hypot(worth * quality.deviation, cost.deviation),
  }
}

type Ranked = Assessed & { readonly utility: Belief }

/** May gain: it is good enough, its cost is known, and nobody holds it where it is. */
function isRanked(arm: Assessed): arm is Ranked {
  return arm.standing === 'eligible' && arm.utility !== undefined && !arm.isUntouched
}

/** Where the rule would have each arm; undefined for those it says nothing of. */
function targetsOf(arms: readonly Assessed[], { floor, ceiling }: FeedbackPolicy): readonly (number | undefined)[] {
  const ranked = arms.filter(isRanked)
  if (ranked.length === 0) return arms.map(() => undefined)
  // On probation an arm keeps what it has, down to the floor where a better one takes its share.
  const others = arms.map((arm) =>
    !arm.isUntouched && arm.standing === 'probation' && arm.utility !== undefined
      ? arm.share - kept(arm, arm.utility, ranked, floor)
      : 0,
  )
  const total = ranked.reduce((sum, { share }) => sum + share, 0) + others.reduce((sum, given) => sum + given, 0)
  const shares = targetShares(
    ranked.map(({ utility }) => utility),
    total,
    { floor, ceiling },
  )
  return arms.map((arm, index) => {
    const place = ranked.findIndex(({ arm: key }) => key === arm.arm)
    if (place >= 0) return shares[place]
    const given = others[index] ?? 0
    return given > 0 ? arm.share - given : undefined
  })
}

function kept(arm: Assessed, utility: Belief, ranked: readonly Ranked[], floor: number): number {
  const isWorse = ranked.some((other) => other.utility.mean > utility.mean)
  return isWorse ? Math.min(arm.share, floor) : arm.share
}

function isShownBetter(one: Assessed | undefined, other: Assessed | undefined, rule: FeedbackRule): boolean {
  if (one?.utility === undefined || other?.utility === undefined) return false
  return probabilityAbove(one.utility, 0, other.utility) >= rule.shownFrom
}

function hasScores(arms: readonly Assessed[], one: number, other: number, { minScores }: FeedbackRule): boolean {
  return [one, other].every((arm) => (arms[arm]?.fresh ?? 0) >= minScores)
}

/** The shares without those that are `out`: what they had goes to arms that are good enough, else to those on probation. */
function withoutArms(
  arms: readonly Assessed[],
  out: readonly boolean[],
  targets: readonly (number | undefined)[],
): readonly number[] | undefined {
  const freed = arms.reduce((sum, { share }, index) => sum + (out[index] === true ? share : 0), 0)
  const takers = [
    (arm: Assessed, index: number) => (isRanked(arm) ? (targets[index] ?? 0) : 0),
    (arm: Assessed) => (arm.standing === 'eligible' ? Math.max(arm.share, ROUNDING) : 0),
    (arm: Assessed) => (arm.standing === 'probation' ? arm.share : 0),
  ]
  for (const weightOf of takers) {
    const weights = arms.map((arm, index) => (arm.isUntouched || out[index] === true ? 0 : weightOf(arm, index)))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    if (total > 0) {
      return arms.map(({ share }, index) => (out[index] === true ? 0 : share + (freed * (weights[index] ?? 0)) / total))
    }
  }
  return undefined
}

/** The shares with at least `least` for those that are `back`, taken from the others in proportion. */
function withReturned(
  arms: readonly Assessed[],
  back: readonly boolean[],
  least: number,
): readonly number[] | undefined {
  const gains = arms.map(({ share }, index) => (back[index] === true ? Math.max(0, least - share) : 0))
  const wanted = gains.reduce((sum, gain) => sum + gain, 0)
  const giving = arms.map(({ share, isUntouched }, index) => (isUntouched || back[index] === true ? 0 : share))
  const given = giving.reduce((sum, share) => sum + share, 0)
  if (wanted === 0 || given <= wanted) return undefined
  return arms.map(({ share }, index) => share + (gains[index] ?? 0) - (wanted * (giving[index] ?? 0)) / given)
}

function quarantineOf(
  arms: readonly Assessed[],
  { quarantined }: CellState,
  now: EpochMs,
): Readonly<Record<string, EpochMs>> {
  const out = arms.filter(({ standing }) => standing === 'quarantined')
  return Object.fromEntries(
    out.map(({ arm }) => [arm, Object.hasOwn(quarantined, arm) ? (quarantined[arm] ?? now) : now]),
  )
}

function isWithin(one: readonly number[], other: readonly number[], band: number): boolean {
  return one.every((share, index) => Math.abs(share - (other[index] ?? 0)) <= band)
}
