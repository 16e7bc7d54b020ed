import { logMeanExp } from './log-mean-exp.ts'

/** How often each difference d = candidate − stable, in [−1, 1], was seen. */
export type PairCounts = readonly (readonly [difference: number, count: number])[]

/** Shares of the wealth that are bet, side by side, on the next pair. Their mean needs no tuning to the variance. */
export const BETS = [0.01, 0.02, 0.04, 0.06, 0.09, 0.13, 0.18, 0.25, 0.34, 0.45, 0.6, 0.8] as const

/**
 * Σ ln of the wealth's growth over the pairs, one sum per bet: what sums over pairs, blocks of pairs, or rows of
 * ClickHouse (`sumForEach`) are added up into.
 */
export type BettingSums = readonly number[]

/**
 * Bets that candidates are not worse than stable by `margin`: Σ ln(1 + λ(d + margin)) per bet λ. Margins from −1 to 1;
 * a bet that a pair could ruin (margin < −0.25) is not placed, its sum is −∞.
 * Throws RangeError on a difference outside [−1, 1] or a negative count.
 */
export function promotionSums(pairs: PairCounts, margin: number): BettingSums {
  return BETS.map((bet) => sumOfBet(pairs, margin, bet, 1))
}

/** Bets that the candidate is worse by more than `margin`: Σ ln(1 − λ(d + margin)) per bet λ. Otherwise as `promotionSums`. */
export function rollbackSums(pairs: PairCounts, margin: number): BettingSums {
  return BETS.map((bet) => sumOfBet(pairs, -margin, bet, -1))
}

/** The sums of two disjoint sets of pairs, together, at the same margin. */
export function addSums(one: BettingSums, other: BettingSums): BettingSums {
  return one.map((sum, index) => sum + (other[index] ?? 0))
}

/**
 * ln E, the mean wealth of the bets: an e-process. While the bet is wrong, P(E ever ≥ 1/α) ≤ α, whatever the sample
 * size and however often one looks (Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by
 * betting", by Ville's inequality).
 */
export function logWealth(sums: BettingSums): number {
  return logMeanExp(sums)
}

/** ln E against "the candidate is worse by `margin` or more": at ln 20 it is non-inferior with α = 0.05. */
export function promotionEvidence(pairs: PairCounts, margin: number): number {
  return logWealth(promotionSums(pairs, margin))
}

/** ln E against "the candidate is worse by at most `margin`": harm when it is large. */
export function rollbackEvidence(pairs: PairCounts, margin: number): number {
  return logWealth(rollbackSums(pairs, margin))
}

/** The mean difference that all looks together are sure of with 1 − `alpha`: no lower than this. −1 where nothing is known. */
export function lowerBound(pairs: PairCounts, alpha: number): number {
  return -leastMargin(pairs, Math.log(1 / alpha))
}

/** As `lowerBound`, the other way: no higher than this. */
export function upperBound(pairs: PairCounts, alpha: number): number {
  const turned = pairs.map(([difference, count]) => [-difference, count] as const)
  return leastMargin(turned, Math.log(1 / alpha))
}

export type PairMoments = { readonly pairs: number; readonly mean: number; readonly variance: number }

/** Number, mean and (n − 1) variance; zeros where too few pairs tell. */
export function momentsOf(pairs: PairCounts): PairMoments {
  let total = 0
  let sum = 0
  for (const [difference, count] of pairs) {
    total += count
    sum += difference * count
  }
  const mean = total === 0 ? 0 : sum / total
  let squares = 0
  for (const [difference, count] of pairs) squares += count * (difference - mean) ** 2
  return { pairs: total, mean, variance: total < 2 ? 0 : squares / (total - 1) }
}

/** Two sets of counts as one, by rising difference. */
export function addPairs(one: PairCounts, other: PairCounts): PairCounts {
  const counts = new Map<number, number>()
  for (const [difference, count] of [...one, ...other]) counts.set(difference, (counts.get(difference) ?? 0) + count)
  return [...counts].sort(([a], [b]) => a - b)
}

function sumOfBet(pairs: PairCounts, margin: number, bet: number, sign: 1 | -1): number {
  // With a margin below 0 the worst pair is −1 + margin; a bet it would bring to zero or below is no bet.
  if (bet * (1 - margin) >= 1) return Number.NEGATIVE_INFINITY
  let sum = 0
  for (const [difference, count] of pairs) {
    if (!(difference >= -1 && difference <= 1) || !(count >= 0)) {
      throw new RangeError(`a pair's difference must lie in [-1, 1], its count at or above 0: ${difference}, ${count}`)
    }
    sum += count * Math.log1p(bet * (sign * difference + margin))
  }
  return sum
}

const STEPS_OF_BISECTION = 40

/** The least margin in [−1, 1] at which the pairs show non-inferiority with `logThreshold`; 1 where none does. */
function leastMargin(pairs: PairCounts, logThreshold: number): number {
  let [below, above] = [-1, 1]
  if (pairs.length === 0) return above
  for (let step = 0; step < STEPS_OF_BISECTION; step++) {
    const middle = (below + above) / 2
    if (promotionEvidence(pairs, middle) >= logThreshold) above = middle
    else below = middle
  }
  return above
}
