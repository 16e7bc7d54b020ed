import { promotionEvidence } from '../statistics/paired-betting.ts'

/**
 * Standard errors that the mean must be above the margin for the bets to reach ln 20 in the typical run: twice
 * √(2 ln 20), less what mixing over the bets costs, as simulated.
 */
const ERRORS = 2.78

/** A tenth of the least margin a file can ask for; what is nearer than that to its margin is at it, but for rounding. */
const LEAST_ROOM = 1e-7

/** Variance of d for two live answers to different prompts, each scored in [0, 1]; of a pair on one prompt; of success. */
export const TYPICAL_VARIANCE = { live: 0.12, shadow: 0.03, success: 0.02 } as const

/**
 * About how many pairs show a candidate whose mean difference is `mean` to be within `margin`: variance · (2.78 /
 * (margin + mean))², and never fewer than ties alone would take. Undefined where it is not within the margin.
 */
export function pairsNeeded(variance: number, margin: number, mean = 0): number | undefined {
  const room = margin + mean
  if (room < LEAST_ROOM) return undefined
  return Math.max(Math.ceil(variance * (ERRORS / room) ** 2), tiesNeeded(Math.min(room, 1)))
}

/** The fewest ties that show equality to within `margin`. */
function tiesNeeded(margin: number): number {
  let [below, above] = [0, 1]
  while (promotionEvidence([[0, above]], margin) < Math.log(20)) above *= 2
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2)
    if (promotionEvidence([[0, middle]], margin) < Math.log(20)) below = middle
    else above = middle
  }
  return above
}
