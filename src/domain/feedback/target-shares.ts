import { type Belief, probabilityBest } from '../statistics/best-of.ts'

/** Deviations below it are none; the quadrature needs one. */
const LEAST_DEVIATION = 1e-12

/**
 * How `total` is to be shared among arms that are all good enough: floor + what is left × P(utility is the best), none
 * above `ceiling` while others are below it. In the order of `utilities`; sums to `total`.
 */
export function targetShares(
  utilities: readonly Belief[],
  total: number,
  { floor, ceiling }: { readonly floor: number; readonly ceiling: number },
): readonly number[] {
  const least = Math.min(floor, total / utilities.length)
  const best = probabilityBest(scaled(utilities))
  const shares = best.map((p) => least + (total - utilities.length * least) * p)
  return belowCeiling(shares, ceiling)
}

/** In units of the largest deviation, so that utilities of millionths of a dollar are no matter for the quadrature. */
function scaled(utilities: readonly Belief[]): readonly Belief[] {
  const unit = Math.max(LEAST_DEVIATION, ...utilities.map(({ deviation }) => deviation))
  const [first] = utilities
  return utilities.map(({ mean, deviation }) => ({
    mean: (mean - (first?.mean ?? 0)) / unit,
    deviation: Math.max(deviation / unit, 1e-6),
  }))
}

/** What is above goes to those below, by the room they have. */
function belowCeiling(shares: readonly number[], ceiling: number): readonly number[] {
  const over = shares.reduce((sum, share) => sum + Math.max(0, share - ceiling), 0)
  const room = shares.reduce((sum, share) => sum + Math.max(0, ceiling - share), 0)
  if (over === 0 || room === 0) return shares
  const part = Math.min(1, over / room)
  // Where there is less room than there is above, the rest stays where it was.
  const taken = Math.min(1, room / over)
  return shares.map((share) => (share > ceiling ? share - taken * (share - ceiling) : share + part * (ceiling - share)))
}
