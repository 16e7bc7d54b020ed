/** A query string read strictly, or what is wrong with it. */
export type Query<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'bad'; readonly message: string }

/** The fault of a query that names a parameter outside `known`, or one twice; undefined when there is none. */
export function queryFault(query: URLSearchParams, known: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const name of query.keys()) {
    if (!known.includes(name)) return `Unknown parameter "${name.slice(0, 40)}". Known: ${known.join(', ') || 'none'}.`
    if (seen.has(name)) return `Parameter "${name}" is given twice.`
    seen.add(name)
  }
  return undefined
}

/** A whole number from `min` to `max`, or `otherwise` when it is not given. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  { min, max, otherwise }: { readonly min: number; readonly max: number; readonly otherwise: number },
): Query<number> {
  const text = query.get(name)
  if (text === null) return { kind: 'ok', value: otherwise }
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text) || value < min || value > max) {
    return {
      kind: 'bad',
      message: `${name}: expected a whole number from ${min} to ${max}, found "${text.slice(0, 40)}".`,
    }
  }
  return { kind: 'ok', value }
}
