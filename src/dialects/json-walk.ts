import { interned } from './interned.ts'
import { readString, skipSpace, skipString, skipValue } from './json-scan.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const BACKSLASH = 0x5c

/** No key that anybody looks for is longer; a longer one is given as ''. */
const MAX_KEY_BYTES = 40

/**
 * How many members and elements one walk may still visit. A prompt has thousands; 16 MB of `{},` has five million, and
 * would hold up everybody else for a second.
 */
export type WalkBudget = { left: number }

/** What every state of a walk carries: the budget of the whole body, shared by all. */
type Walking = { readonly budget: WalkBudget }

export function walkBudget(): WalkBudget {
  return { left: 100_000 }
}

/**
 * Calls `member` with each member of the object at `from`, in order and duplicates included; it returns the offset after
 * the value that starts at `at`, having walked or skipped it. So a body is gone through once, whatever is taken from it.
 * Returns the offset after the object, or -1 when the bytes are no JSON, or the budget
 * is used up. A value that is no object is skipped.
 */
export function walkObject<S extends Walking>(
  bytes: Buffer,
  from: number,
  state: S,
  member: (bytes: Buffer, at: number, state: S, key: string) => number,
): number {
  if (bytes[from] !== OPEN_BRACE) return skipValue(bytes, from)
  let at = skipSpace(bytes, from + 1)
  if (bytes[at] === CLOSE_BRACE) return at + 1
  for (;;) {
    if (bytes[at] !== QUOTE || state.budget.left-- <= 0) return -1
    const keyEnd = skipString(bytes, at)
    if (keyEnd < 0) return -1
    const colon = skipSpace(bytes, keyEnd)
    if (bytes[colon] !== COLON) return -1
    const end = member(bytes, skipSpace(bytes, colon + 1), state, keyAt(bytes, at, keyEnd))
    if (end < 0) return -1
    at = skipSpace(bytes, end)
    if (bytes[at] === CLOSE_BRACE) return at + 1
    if (bytes[at] !== COMMA) return -1
    at = skipSpace(bytes, at + 1)
  }
}

/** As `walkObject`, for the elements of an array. */
export function walkArray<S extends Walking>(
  bytes: Buffer,
  from: number,
  state: S,
  element: (bytes: Buffer, at: number, state: S) => number,
): number {
  if (bytes[from] !== OPEN_BRACKET) return skipValue(bytes, from)
  let at = skipSpace(bytes, from + 1)
  if (bytes[at] === CLOSE_BRACKET) return at + 1
  for (;;) {
    if (state.budget.left-- <= 0) return -1
    const end = element(bytes, at, state)
    if (end < 0) return -1
    at = skipSpace(bytes, end)
    if (bytes[at] === CLOSE_BRACKET) return at + 1
    if (bytes[at] !== COMMA) return -1
    at = skipSpace(bytes, at + 1)
  }
}

function keyAt(bytes: Buffer, start: number, end: number): string {
  if (end - start > MAX_KEY_BYTES + 2) return ''
  for (let at = start + 1; at < end; at++) if (bytes[at] === BACKSLASH) return readString(bytes, { start, end }) ?? ''
  return interned(bytes, start + 1, end - 1)
}

/** A word at [at, end): a role, a type, a MIME type; '' for anything else. */
export function wordAt(bytes: Buffer, at: number, end: number): string {
  return bytes[at] === QUOTE && end > at + 1 && end - at <= MAX_WORD_BYTES ? interned(bytes, at + 1, end - 1) : ''
}

/** Two quotes and no more than any such word has. */
const MAX_WORD_BYTES = 66
