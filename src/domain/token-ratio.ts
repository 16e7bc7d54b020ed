/** Bounds of a ratio: no tokenizer is further from another than this, so what lies beyond is a fault in a count. */
const LEAST = 0.25
const MOST = 4

/**
 * By what a model's estimates of input tokens are to be multiplied: the median of what its provider counted over what
 * was estimated, for the same requests in the same order. 1 where there is nothing to learn from. The median, because
 * files that no estimate counts are the exception and would draw a mean away.
 */
export function tokenRatio(estimates: readonly number[], actuals: readonly number[]): number {
  const ratios = estimates
    .map((estimate, i) => (actuals[i] ?? Number.NaN) / estimate)
    .filter((ratio) => ratio > 0 && Number.isFinite(ratio))
    .sort((a, b) => a - b)
  const lower = ratios[(ratios.length - 1) >> 1]
  const upper = ratios[ratios.length >> 1]
  if (lower === undefined || upper === undefined) return 1
  return Math.min(MOST, Math.max(LEAST, (lower + upper) / 2))
}
