import type { Belief } from '../statistics/best-of.ts'
import { normalCdf } from '../statistics/gamma.ts'
import type { ArmReading, CellReading } from './cell.ts'
import type { FeedbackPolicy } from './feedback-policy.ts'
import type { FeedbackRule } from './rule.ts'

/**
 * `eligible`: shown to be good enough. `probation`: not shown either way; it keeps what it has and gains nothing.
 * `quarantined`: shown not to be, and not yet back by scores that came since.
 */
export type Standing = 'eligible' | 'probation' | 'quarantined'

export type StandingOfArm = {
  readonly standing: Standing
  /** P(quality ≥ reference − delta), and P(score ≥ the least quality of the task) where there is one, by scores or audits, whichever is less. */
  readonly goodEnough: number
  readonly aboveMinimum: number | undefined
}

/** How an arm stands in a cell. `isOut`: it is in quarantine by now. */
export function standingOf(
  arm: string,
  cell: CellReading,
  { reference, delta }: Pick<FeedbackPolicy, 'reference' | 'delta'>,
  minimum: number | undefined,
  isOut: boolean,
  rule: FeedbackRule,
): StandingOfArm {
  const reading = cell.arms[arm]
  if (reading === undefined) return { standing: 'probation', goodEnough: 0.5, aboveMinimum: undefined }
  const goodEnough =
    reference.kind === 'arm'
      ? reference.key === arm
        ? 1
        : probabilityAbove(reading.quality, -delta, cell.arms[reference.key]?.quality)
      : probabilityAbove(reading.quality, reference.value - delta)
  const chances =
    minimum === undefined
      ? []
      : reading.scored.map(({ quality, mass }) => ({ above: probabilityAbove(quality, minimum), mass }))
  const aboveMinimum = chances.length === 0 ? undefined : Math.min(...chances.map(({ above }) => above))
  const known = { goodEnough, aboveMinimum }
  const worst = Math.min(goodEnough, aboveMinimum ?? 1)
  if (isOut && !isBack(reading, worst, rule)) return { standing: 'quarantined', ...known }
  const isShown =
    isShownBad(goodEnough, reading.mass, rule) || chances.some(({ above, mass }) => isShownBad(above, mass, rule))
  if (isShown) return { standing: 'quarantined', ...known }
  return { standing: worst >= rule.eligibleFrom ? 'eligible' : 'probation', ...known }
}

/** Evidence must have come since: an arm that nobody scores any more is not good enough for being forgotten. */
function isBack({ sinceQuarantine }: ArmReading, good: number, rule: FeedbackRule): boolean {
  return sinceQuarantine >= rule.minScores && good >= 0.5
}

/** With few scores only what is plain to see shuts an arm out: at every look, chance has another go. */
function isShownBad(good: number, mass: number, rule: FeedbackRule): boolean {
  return (
    (good < rule.quarantineBelow && mass >= rule.minScores) || (good < 1 - rule.shownFrom && mass >= rule.leastScores)
  )
}

/** P(one − other > difference), both normal; `other` undefined = 0 for sure. */
export function probabilityAbove(one: Belief, difference: number, other: Belief = { mean: 0, deviation: 0 }): number {
  const gap = one.mean - other.mean - difference
  const deviation = Math.hypot(one.deviation, other.deviation)
  if (deviation === 0) return gap >= 0 ? 1 : 0
  return normalCdf(gap / deviation)
}
