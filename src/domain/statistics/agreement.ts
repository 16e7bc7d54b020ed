/**
 * Cohen's κ of two raters over the same ordered levels; `table[i][j]` counts items that one put at i and the other at
 * j. `linear` counts near misses by their distance. Undefined where chance alone agrees always.
 */
export function agreement(
  table: readonly (readonly number[])[],
  weights: 'none' | 'linear' = 'none',
): number | undefined {
  const levels = table.length
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0))
  const columns = table.map((_, level) => table.reduce((sum, row) => sum + (row[level] ?? 0), 0))
  const total = rows.reduce((sum, count) => sum + count, 0)
  let seen = 0
  let byChance = 0
  for (let one = 0; one < levels; one++) {
    for (let other = 0; other < levels; other++) {
      const distance = weights === 'linear' ? Math.abs(one - other) / (levels - 1) : Number(one !== other)
      seen += distance * (table[one]?.[other] ?? 0)
      byChance += (distance * (rows[one] ?? 0) * (columns[other] ?? 0)) / total
    }
  }
  return byChance > 0 ? 1 - seen / byChance : undefined
}
