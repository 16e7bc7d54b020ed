/** Counts of items by what one rater (rows) and the other (columns) said; square, whole numbers. */
export type Confusion = readonly (readonly number[])[]

/** How rater disagreements weigh: not at all alike, by distance, by distance squared. */
export type KappaWeights = 'none' | 'linear' | 'quadratic'

/** Counts of pairs of labels over `labels`, in their order. Throws RangeError on a label that is not among them. */
export function confusionOf<T>(labels: readonly T[], pairs: readonly (readonly [T, T])[]): Confusion {
  const table = labels.map(() => labels.map(() => 0))
  for (const [one, other] of pairs) {
    const row = table[labels.indexOf(one)]
    const column = labels.indexOf(other)
    if (row === undefined || column < 0) throw new RangeError(`expected labels out of ${labels.join(', ')}`)
    row[column] = (row[column] ?? 0) + 1
  }
  return table
}

/**
 * Cohen's κ (1960), or weighted κ (1968): 1 − observed over expected disagreement, disagreement between categories i and
 * j being 1, |i − j| or (i − j)². 1 = always agree, 0 = as by chance. Undefined for no items, and where chance alone
 * would always agree.
 */
export function kappa(table: Confusion, weights: KappaWeights = 'none'): number | undefined {
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0))
  const columns = table.map((_, j) => table.reduce((sum, row) => sum + (row[j] ?? 0), 0))
  const total = rows.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let observed = 0
  let expected = 0
  for (const [i, row] of table.entries()) {
    for (const [j, count] of row.entries()) {
      const weight = disagreement(weights, i, j)
      observed += weight * count
      expected += (weight * (rows[i] ?? 0) * (columns[j] ?? 0)) / total
    }
  }
  return expected === 0 ? undefined : 1 - observed / expected
}

function disagreement(weights: KappaWeights, i: number, j: number): number {
  switch (weights) {
    case 'none':
      return i === j ? 0 : 1
    case 'linear':
      return Math.abs(i - j)
    case 'quadratic':
      return (i - j) ** 2
  }
}

/**
 * 95 % interval of unweighted κ, by the large-sample standard error of Fleiss, Cohen and Everitt (1969), cut to [−1, 1].
 * Undefined where κ is.
 */
export function kappaInterval(table: Confusion): { readonly low: number; readonly high: number } | undefined {
  const value = kappa(table)
  if (value === undefined) return undefined
  const total = table.flat().reduce((sum, count) => sum + count, 0)
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0) / total)
  const columns = table.map((_, j) => table.reduce((sum, row) => sum + (row[j] ?? 0), 0) / total)
  const chance = rows.reduce((sum, row, i) => sum + row * (columns[i] ?? 0), 0)
  let diagonal = 0
  let rest = 0
  for (const [i, row] of table.entries()) {
    for (const [j, count] of row.entries()) {
      const share = count / total
      if (i === j) diagonal += share * (1 - ((rows[i] ?? 0) + (columns[i] ?? 0)) * (1 - value)) ** 2
      else rest += share * ((columns[i] ?? 0) + (rows[j] ?? 0)) ** 2
    }
  }
  const spread = diagonal + (1 - value) ** 2 * rest - (value - chance * (1 - value)) ** 2
  const error = Math.sqrt(Math.max(0, spread) / total) / (1 - chance)
  return { low: Math.max(-1, value - 1.959964 * error), high: Math.min(1, value + 1.959964 * error) }
}
