/** Half of a 95 % interval, in standard errors. */
const NORMAL_95 = 1.959964

/**
 * 95 % interval of the mean of `count` values in [0, 1] that sum to `sum` (Wilson 1927, which for values between 0 and 1
 * is wider than need be). [0, 1] where there is none.
 */
export function proportionInterval(sum: number, count: number): { readonly low: number; readonly high: number } {
  if (count === 0) return { low: 0, high: 1 }
  const mean = sum / count
  const squared = NORMAL_95 ** 2
  const middle = (mean + squared / (2 * count)) / (1 + squared / count)
  const half = (NORMAL_95 / (1 + squared / count)) * Math.sqrt((mean * (1 - mean)) / count + squared / (4 * count ** 2))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}
