import type { Belief } from '../statistics/best-of.ts'

/** Sums of values in which each weighs 2^(−age / half-life). */
export type Tally = {
  /** Σ w: as many values of now are worth as much. */
  readonly mass: number
  /** Σ w·v. */
  readonly sum: number
  /** Σ w·v². */
  readonly squares: number
}

export const NO_TALLY: Tally = { mass: 0, sum: 0, squares: 0 }

export function addTallies(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (all, { mass, sum, squares }) => ({ mass: all.mass + mass, sum: all.sum + sum, squares: all.squares + squares }),
    NO_TALLY,
  )
}

export function meanOf({ mass, sum }: Tally): number | undefined {
  return mass > 0 ? sum / mass : undefined
}

/** The most that values between 0 and 1 vary; differences of pairs vary less, by 0.03 to 0.12. */
const PRIOR_VARIANCE = 0.25

/**
 * What is believed of a mean: the normal posterior whose prior weighs `priorMass` values, with mean `priorMean` and the
 * largest variance there is. The mass of discounted values counts as their number, which is less than they tell (Kish's
 * effective number is up to twice as large), since what is measured may drift.
 */
export function posterior({ mass, sum, squares }: Tally, priorMean: number, priorMass: number): Belief {
  const total = priorMass + mass
  const mean = (priorMass * priorMean + sum) / total
  // Around the measured mean; rounding may take it below 0.
  const spread = mass > 0 ? Math.max(0, squares - (sum * sum) / mass) : 0
  return { mean, deviation: Math.sqrt((priorMass * PRIOR_VARIANCE + spread) / total / total) }
}

/** The mean of measured values alone, with its standard error; undefined where there are fewer than `least`. */
export function measured(tally: Tally, least: number): Belief | undefined {
  const { mass, sum, squares } = tally
  if (mass < least || mass <= 1) return undefined
  const spread = Math.max(0, squares - (sum * sum) / mass)
  return { mean: sum / mass, deviation: Math.sqrt(spread / mass / mass) }
}
