/** One judged pair, with the lengths of the two answers in characters. */
export type SizedPair = { readonly d: number; readonly candidateChars: number; readonly stableChars: number }

/** What a judge's verdicts say once length is taken out. */
export type LengthAdjustment = {
  readonly pairs: number
  readonly meanD: number
  /** The mean that answers of equal length would have got. */
  readonly adjustedMeanD: number
  /** Change of d per unit of x, which is ⅓ where the candidate is twice as long as the stable: 0 = length means nothing. */
  readonly slope: number
  /** Standard error of the slope; undefined where all pairs are alike in length. */
  readonly slopeError: number | undefined
  /** Length moves the verdict beyond chance (|slope| > 3 errors) and by more than a tenth of a win. */
  readonly isLengthMoved: boolean
}

/** Three standard errors: one false alarm in 370 reports. */
const ALARM_ERRORS = 3
const ALARM_SLOPE = 0.1

/**
 * Regresses d on x = (candidate − stable)/(candidate + stable) ∈ [−1, 1] by least squares; the intercept is the mean at
 * equal length, as in length-controlled AlpacaEval (Dubois et al. 2024, arXiv 2404.04475), with a line in place of their
 * logistic curve since d takes five values. The slope's error is White's (HC1), because d's spread differs with x.
 * Undefined for fewer than three pairs.
 */
export function lengthAdjustment(pairs: readonly SizedPair[]): LengthAdjustment | undefined {
  const count = pairs.length
  if (count < 3) return undefined
  const points = pairs.map(({ d, candidateChars, stableChars }) => ({
    d,
    x: (candidateChars - stableChars) / Math.max(1, candidateChars + stableChars),
  }))
  const meanD = points.reduce((sum, { d }) => sum + d, 0) / count
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  if (spread < 1e-12) {
    return { pairs: count, meanD, adjustedMeanD: meanD, slope: 0, slopeError: undefined, isLengthMoved: false }
  }
  const slope = points.reduce((sum, { d, x }) => sum + (x - meanX) * (d - meanD), 0) / spread
  const adjustedMeanD = meanD - slope * meanX
  const scatter = points.reduce((sum, { d, x }) => sum + ((x - meanX) * (d - adjustedMeanD - slope * x)) ** 2, 0)
  const slopeError = Math.sqrt((scatter * count) / (count - 2)) / spread
  const isLengthMoved = Math.abs(slope) > ALARM_SLOPE && Math.abs(slope) > ALARM_ERRORS * slopeError
  return { pairs: count, meanD, adjustedMeanD, slope, slopeError, isLengthMoved }
}

/** Whether "not worse than `margin`" says the same of the plain mean and of the one at equal length. */
export function survivesLength({ meanD, adjustedMeanD }: LengthAdjustment, margin: number): boolean {
  return meanD >= -margin === adjustedMeanD >= -margin
}
