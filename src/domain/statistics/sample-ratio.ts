import { chiSquareTail, lnGamma } from './gamma.ts'

/** How many were seen where, and the share that belongs there. Shares sum to 1. */
export type ObservedShare = { readonly observed: number; readonly share: number }

/** Pearson's χ² of the counts against their shares, for display: it is not valid under repeated looks. */
export function sampleRatioChiSquare(cells: readonly ObservedShare[]): {
  readonly statistic: number
  readonly p: number
} {
  const total = cells.reduce((sum, { observed }) => sum + observed, 0)
  if (total === 0) return { statistic: 0, p: 1 }
  let statistic = 0
  for (const { observed, share } of cells) statistic += (observed - total * share) ** 2 / (total * share)
  return { statistic, p: chiSquareTail(statistic, cells.length - 1) }
}

/** Weight of the prior in observations (Lindon & Malek 2022, "Anytime-valid inference for multinomial count data"). */
const CONCENTRATION = 100

/**
 * ln E against "units are split as they should be", valid however often one looks: the Dirichlet-multinomial
 * likelihood over the multinomial at the shares. −∞ never; +∞ where a cell of share 0 was seen.
 */
export function sampleRatioEvidence(cells: readonly ObservedShare[]): number {
  const total = cells.reduce((sum, { observed }) => sum + observed, 0)
  let logE = lnGamma(CONCENTRATION) - lnGamma(CONCENTRATION + total)
  for (const { observed, share } of cells) {
    if (observed === 0) continue
    if (share <= 0) return Number.POSITIVE_INFINITY
    const prior = CONCENTRATION * share
    logE += lnGamma(prior + observed) - lnGamma(prior) - observed * Math.log(share)
  }
  return logE
}
