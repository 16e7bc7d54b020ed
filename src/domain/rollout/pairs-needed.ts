import { promotionEvidence } from '../statistics/paired-betting.ts'

/**
 * What mixing over the bets costs in ln E, as simulated: with α = 0.05 a mean 2.78 standard errors above the margin reaches
 * ln 20 in the typical run, 3.31 with α = 0.01 (simulated: 3.2 to 3.6), 2.23 with α = 0.2 (1.9 to 2.4).
 */
const MIXING_COST = 0.8685

/** A tenth of the least margin a file can ask for; what is nearer than that to its margin is at it, but for rounding. */
const LEAST_ROOM = 1e-7

/** Variance of d for two live answers to different prompts, each scored in [0, 1]; of a pair on one prompt; of success. */
export const TYPICAL_VARIANCE = { live: 0.12, shadow: 0.03, success: 0.02 } as const

/**
 * About how many pairs show a candidate whose mean difference is `mean` to be within `margin`: variance · (errors /
 * (margin + mean))², and never fewer than ties alone would take. Undefined where it is not within the margin. `alpha`: the
 * chance of showing it of what is not.
 */
export function pairsNeeded(variance: number, margin: number, mean = 0, alpha = 0.05): number | undefined {
  const room = margin + mean
  if (room < LEAST_ROOM) return undefined
  const logE = Math.log(1 / alpha)
  const squaredErrors = 2 * (logE + MIXING_COST)
  return Math.max(Math.ceil((variance * squaredErrors) / room ** 2), tiesNeeded(Math.min(room, 1), logE))
}

/** The fewest ties that show equality to within `margin`, with ln E of `logE`. */
function tiesNeeded(margin: number, logE: number): number {
  let [below, above] = [0, 1]
  while (promotionEvidence([[0, above]], margin) < logE) above *= 2
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2)
    if (promotionEvidence([[0, middle]], margin) < logE) below = middle
    else above = middle
  }
  return above
}
