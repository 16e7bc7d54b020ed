import { RE2JS } from 're2js'
import type { z } from 'zod'
import { type JsonPath, parseJsonPath } from '../domain/redaction/json-path.ts'
import { leaf, quote } from './leaf.ts'

/** A place in JSON. */
export function jsonPath(): z.ZodType<JsonPath> {
  const expected =
    "a JSONPath of names, indexes and wildcards such as $.metadata.ssn, $.messages[*].name or $..['card number']"
  return leaf<JsonPath>(
    (value) => {
      const path = typeof value === 'string' ? parseJsonPath(value) : undefined
      return path === undefined ? { expected } : { value: path }
    },
    { show: quote, json: { type: 'string', pattern: '^\\$|\\$\\{' } },
  )
}

/** Characters [from, to) of a text that a pattern found. */
type Found = { readonly from: number; readonly to: number }

/** A pattern that finds every place where it matches. */
export type FindingPattern = { readonly source: string; readonly find: (text: string) => readonly Found[] }

const LONGEST_PATTERN = 500
/** As for patterns of labels: time grows with text times instructions. */
const LARGEST_PROGRAM = 300
/**
 * The text is searched in windows, for the search after each match begins anew and may read to the end: without them a
 * megabyte of matches costs the square of it. A match is found whole if it is no longer than what two windows share.
 */
const WINDOW_CHARS = 4_096
const SHARED_CHARS = 1_024
/** More matches than this in one window, and the rest of it is taken as one. */
const MOST_MATCHES = 256

/**
 * A pattern for what must not be stored. It meets what clients and models write, so it runs in RE2, whose time grows with
 * the text alone. One that matches nothing at all, the empty text, is refused: it would match between any two characters.
 */
export function findingPattern(): z.ZodType<FindingPattern> {
  const expected = `a regular expression of at most ${LONGEST_PATTERN} characters that RE2 knows, without look-around and back-references`
  return leaf<FindingPattern>(
    (value) => {
      if (typeof value !== 'string' || value === '' || value.length > LONGEST_PATTERN) return { expected }
      try {
        const compiled = RE2JS.compile(value)
        if (compiled.programSize() > LARGEST_PROGRAM)
          return { expected: `${expected}, and without repeats of hundreds` }
        if (compiled.test('')) return { expected: `${expected}, that does not match the empty text` }
        return { value: { source: value, find: (text) => findAll(compiled, text) } }
      } catch {
        return { expected }
      }
    },
    { json: { type: 'string', maxLength: LONGEST_PATTERN } },
  )
}

function findAll(compiled: RE2JS, text: string): readonly Found[] {
  const found: Found[] = []
  for (let start = 0; start < text.length; start += WINDOW_CHARS - SHARED_CHARS) {
    const window = text.slice(start, start + WINDOW_CHARS)
    const matcher = compiled.matcher(window)
    for (let count = 0; matcher.find(); count += 1) {
      const [from, to] = [start + matcher.start(), start + matcher.end()]
      if (count === MOST_MATCHES) {
        found.push({ from, to: start + window.length })
        break
      }
      if (to > from) found.push({ from, to })
    }
    if (start + WINDOW_CHARS >= text.length) break
  }
  return found
}
