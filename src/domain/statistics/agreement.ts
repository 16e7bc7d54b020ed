/** How disagreements between levels weigh. */
export type AgreementWeights = 'none' | 'linear' | 'quadratic'

/**
 * Cohen's κ of two raters over the same ordered levels; `table[i][j]` counts items that one put at i and the other at
 * j. `linear` counts near misses by their distance (weighted κ, Cohen 1968), `quadratic` by its square. Undefined where
 * chance alone agrees always.
 */
export function agreement(
  table: readonly (readonly number[])[],
  weights: AgreementWeights = 'none',
): number | undefined {
  const levels = table.length
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0))
  const columns = table.map((_, level) => table.reduce((sum, row) => sum + (row[level] ?? 0), 0))
  const total = rows.reduce((sum, count) => sum + count, 0)
  let seen = 0
  let byChance = 0
  for (let one = 0; one < levels; one++) {
    for (let other = 0; other < levels; other++) {
      const distance = distanceOf(weights, Math.abs(one - other) / (levels - 1))
      seen += distance * (table[one]?.[other] ?? 0)
      byChance += (distance * (rows[one] ?? 0) * (columns[other] ?? 0)) / total
    }
  }
  return byChance > 0 ? 1 - seen / byChance : undefined
}

function distanceOf(weights: AgreementWeights, share: number): number {
  switch (weights) {
    case 'none':
      return share === 0 ? 0 : 1
    case 'linear':
      return share
    case 'quadratic':
      return share ** 2
  }
}
