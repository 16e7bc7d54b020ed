/** Counts of items by what one rater (rows) and the other (columns) said; square, whole numbers. */
export type Confusion = readonly (readonly number[])[]

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
