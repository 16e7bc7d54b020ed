import { agreement } from './agreement.ts'

/** Half of a 95 % interval, in standard errors. */
const NORMAL_95 = 1.959964

/**
 * 95 % interval of unweighted κ, by the large-sample standard error of Fleiss, Cohen and Everitt (1969), cut to [−1, 1].
 * Undefined where κ is.
 */
export function agreementInterval(
  table: readonly (readonly number[])[],
): { readonly low: number; readonly high: number } | undefined {
  const value = agreement(table)
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
  return { low: Math.max(-1, value - NORMAL_95 * error), high: Math.min(1, value + NORMAL_95 * error) }
}
