import { globMatcher } from '../glob.ts'
import type { Facts } from './facts.ts'
import type { Range } from './route.ts'

/** One field of a match, ready to be asked. */
export type Condition = {
  /** As the config file calls it. */
  readonly field: string
  readonly expected: string
  readonly holds: (asked: Asked) => boolean
  /** What the request has there, for people. */
  readonly found: (asked: Asked) => string
}

/** A request and what its model name means here. */
export type Asked = { readonly facts: Facts; readonly model: string | undefined }

/** Whether all of them hold. */
export function holds(conditions: readonly Condition[], asked: Asked): boolean {
  for (const condition of conditions) if (!condition.holds(asked)) return false
  return true
}

/** A field that must be one of a few words. */
export function oneOf(
  field: string,
  wanted: readonly string[] | undefined,
  read: (asked: Asked) => string,
): readonly Condition[] {
  if (wanted === undefined) return []
  const set = new Set(wanted)
  return [{ field, expected: wanted.join(' or '), holds: (asked) => set.has(read(asked)), found: read }]
}

/** A field that must match one of a few globs. */
export function globs(
  field: string,
  patterns: readonly string[] | undefined,
  read: (asked: Asked) => string | undefined,
): readonly Condition[] {
  if (patterns === undefined) return []
  const matches = anyGlob(patterns)
  return [
    {
      field,
      expected: patterns.join(' or '),
      holds: (asked) => {
        const text = read(asked)
        return text !== undefined && matches(text)
      },
      found: (asked) => read(asked) ?? 'nothing',
    },
  ]
}

/** A number that must be known and in a range. */
export function within(
  field: string,
  range: Range | undefined,
  read: (asked: Asked) => number | undefined,
): readonly Condition[] {
  if (range === undefined) return []
  const expected = [
    range.from === undefined ? '' : `from ${range.from}`,
    range.below === undefined ? '' : `below ${range.below}`,
  ]
  return [
    {
      field,
      expected: expected.filter((text) => text !== '').join(' and '),
      holds: (asked) => isWithin(range, read(asked)),
      found: (asked) => String(read(asked) ?? 'unknown'),
    },
  ]
}

/** Whether `value` is known and in `range`. */
export function isWithin({ from, below }: Range, value: number | undefined): boolean {
  return value !== undefined && (from === undefined || value >= from) && (below === undefined || value < below)
}

/** A test for texts that match one of `patterns`. */
export function anyGlob(patterns: readonly string[]): (text: string) => boolean {
  const [first, ...others] = patterns.map(globMatcher)
  if (first === undefined) return () => false
  return others.length === 0 ? first : (text) => first(text) || others.some((matches) => matches(text))
}
