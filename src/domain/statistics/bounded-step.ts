const WHOLE = 10_000

/**
 * From `current` towards `target`, all in proportion, no weight by more than `most`. Weights are shares that sum to 1,
 * in the same order; so do the answer's.
 */
export function boundedStep(current: readonly number[], target: readonly number[], most: number): readonly number[] {
  const changes = current.map((weight, index) => (target[index] ?? 0) - weight)
  const largest = Math.max(...changes.map(Math.abs))
  const scale = largest > most ? most / largest : 1
  return current.map((weight, index) => weight + scale * (changes[index] ?? 0))
}

/** Shares as whole basis points that sum to 10 000: rounded down, the rest to the largest remainders. */
export function basisPoints(shares: readonly number[]): readonly number[] {
  // What is a hair under a whole number by floating point is that number.
  const exact = shares.map((share) => Math.round(share * WHOLE * 1e6) / 1e6)
  const points = exact.map(Math.floor)
  const left = WHOLE - points.reduce((sum, value) => sum + value, 0)
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index)
  for (const { index } of byRemainder.slice(0, left)) points[index] = (points[index] ?? 0) + 1
  return points
}
