import { isMapping, type Mapping } from './mapping.ts'

/** APIs that a route matches only where it names them. */
const NAMED_APIS = ['embeddings', 'embed_content']

/**
 * Whether every request that `later` matches is matched by `earlier` too, as far as the two can be compared field by
 * field: then what stands later is never reached. `isRoute`: matches of routes, which leave embeddings out by default.
 */
export function covers(earlier: unknown, later: unknown, isRoute: boolean): boolean {
  const [one, other] = [asMapping(earlier), asMapping(later)]
  if (one === undefined || other === undefined) return false
  const apis = other['api']
  if (isRoute && one['api'] === undefined && Array.isArray(apis) && apis.some((api) => NAMED_APIS.includes(api))) {
    return false
  }
  return Object.entries(one).every(
    ([field, wanted]) => Object.hasOwn(other, field) && includes(field, wanted, other[field]),
  )
}

/** Whether no request can match both, because a field wants one of these here and one of those there. */
export function exclude(one: unknown, other: unknown): string | undefined {
  const [left, right] = [asMapping(one), asMapping(other)]
  if (left === undefined || right === undefined) return undefined
  return Object.keys(left).find((field) => Object.hasOwn(right, field) && areDisjoint(field, left[field], right[field]))
}

/** Nothing said is everything matched. */
function asMapping(match: unknown): Mapping | undefined {
  return match === undefined ? {} : isMapping(match) ? match : undefined
}

function includes(field: string, wide: unknown, narrow: unknown): boolean {
  if (Array.isArray(wide) && Array.isArray(narrow)) {
    // Needs must all be there, of everything else one.
    return field === 'needs' ? isSubset(wide, narrow) : isSubset(narrow, wide)
  }
  return JSON.stringify(wide) === JSON.stringify(narrow)
}

function isSubset(small: readonly unknown[], large: readonly unknown[]): boolean {
  return small.every((entry) => large.includes(entry))
}

function areDisjoint(field: string, one: unknown, other: unknown): boolean {
  if (typeof one === 'boolean' && typeof other === 'boolean') return one !== other
  if (Array.isArray(one) && Array.isArray(other)) {
    // The model counts by two names and a request may carry several flags and needs.
    if (field === 'needs' || field === 'flag' || field === 'model') return false
    const entries: readonly unknown[] = [...one, ...other]
    const areExact = entries.every((entry) => typeof entry === 'string' && !entry.includes('*'))
    return areExact && !one.some((entry) => other.includes(entry))
  }
  if (field !== 'input_tokens' && field !== 'turn') return false
  return isMapping(one) && isMapping(other) && (endsBefore(one, other) || endsBefore(other, one))
}

function endsBefore({ below }: Mapping, { from }: Mapping): boolean {
  return typeof below === 'number' && typeof from === 'number' && below <= from
}
