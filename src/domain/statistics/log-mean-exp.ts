/** ln of the mean of exp(x), without over- or underflow; −∞ where all are. Of at least one value. */
export function logMeanExp(values: readonly number[]): number {
  const most = Math.max(...values)
  if (!Number.isFinite(most)) return most
  let sum = 0
  for (const value of values) sum += Math.exp(value - most)
  return most + Math.log(sum / values.length)
}
