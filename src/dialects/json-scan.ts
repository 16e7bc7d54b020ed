const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** A value inside a JSON text: bytes from `start` up to, not including, `end`. */
export type Span = { readonly start: number; readonly end: number }

/** One member of an object: `start` is at the key's opening quote. */
export type Member = { readonly key: string; readonly start: number; readonly value: Span }

/** The members of one object, in order, and where it closes. */
export type ScannedObject = { readonly members: readonly Member[]; readonly close: number }

/** More members than any request or answer has; 16 MB of `"":0` would be three million, and hundreds of megabytes. */
const MAX_MEMBERS = 10_000

/**
 * The members of the JSON object that starts at `from`, found without parsing their values: long strings are jumped
 * over natively, so a 100 KB prompt costs microseconds. Undefined when the bytes are not an object, or
 * one of more than 10 000 members; it does not validate what it jumps over. With duplicate keys the last one counts, as in JSON.parse.
 */
export function scanObject(bytes: Buffer, from = 0): ScannedObject | undefined {
  let at = skipSpace(bytes, from)
  if (bytes[at] !== OPEN_BRACE) return undefined
  at = skipSpace(bytes, at + 1)
  const members: Member[] = []
  if (bytes[at] === CLOSE_BRACE) return { members, close: at }
  for (;;) {
    if (bytes[at] !== QUOTE) return undefined
    if (members.length === MAX_MEMBERS) return undefined
    const start = at
    const keyEnd = skipString(bytes, at)
    if (keyEnd < 0) return undefined
    at = skipSpace(bytes, keyEnd)
    if (bytes[at] !== COLON) return undefined
    const valueStart = skipSpace(bytes, at + 1)
    const valueEnd = skipValue(bytes, valueStart)
    if (valueEnd < 0) return undefined
    members.push({
      key: readString(bytes, { start, end: keyEnd }) ?? '',
      start,
      value: { start: valueStart, end: valueEnd },
    })
    at = skipSpace(bytes, valueEnd)
    if (bytes[at] === CLOSE_BRACE) return { members, close: at }
    if (bytes[at] !== COMMA) return undefined
    at = skipSpace(bytes, at + 1)
  }
}

/** The last member of that name, as JSON.parse would have it. */
export function memberOf(object: ScannedObject, key: string): Member | undefined {
  for (let i = object.members.length - 1; i >= 0; i--) {
    const member = object.members[i]
    if (member?.key === key) return member
  }
  return undefined
}

/** The string at `span`, or undefined when the value there is not a (valid) string. */
export function readString(bytes: Buffer, span: Span): string | undefined {
  if (bytes[span.start] !== QUOTE || bytes[span.end - 1] !== QUOTE || span.end - span.start < 2) return undefined
  const text = bytes.toString('utf8', span.start + 1, span.end - 1)
  if (!text.includes('\\')) return text
  try {
    const parsed: unknown = JSON.parse(`"${text}"`)
    return typeof parsed === 'string' ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Whether the value at `span` is exactly these ASCII characters (`true`, `null`, `[]` …). */
export function isLiteral(bytes: Buffer, span: Span, literal: string): boolean {
  return span.end - span.start === literal.length && bytes.toString('latin1', span.start, span.end) === literal
}

/** The count at `span`: a whole number that is not negative; undefined for any other value. */
export function countAt(bytes: Buffer, span: Span): number | undefined {
  if (!isDigit(bytes[span.start]) || span.end - span.start > 20) return undefined
  const count = Number(bytes.toString('latin1', span.start, span.end))
  return Number.isSafeInteger(count) ? count : undefined
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

/** Offset of the first byte from `from` on that is not white space. */
export function skipSpace(bytes: Buffer, from: number): number {
  let at = from
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

/** Most strings are short: this many bytes looked at one by one cost no more than one native search. */
const NEAR_BYTES = 24

/** Offset after the closing quote of the string that opens at `open`, or -1. */
export function skipString(bytes: Buffer, open: number): number {
  // Never inside an escape: what is found from here on is judged by the backslashes since here.
  let at = open + 1
  for (;;) {
    const near = Math.min(at + NEAR_BYTES, bytes.length)
    while (at < near) {
      const byte = bytes[at]
      if (byte === QUOTE) return at + 1
      at += byte === BACKSLASH ? 2 : 1
    }
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0) return -1
    let backslashes = 0
    while (quote - backslashes > at && bytes[quote - 1 - backslashes] === BACKSLASH) backslashes++
    at = quote + 1
    if (backslashes % 2 === 0) return at
  }
}

/** Offset after the value that starts at `start`, or -1. Iterative: depth costs no stack. */
export function skipValue(bytes: Buffer, start: number): number {
  const first = bytes[start]
  if (first === QUOTE) return skipString(bytes, start)
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return skipScalar(bytes, start)
  let depth = 0
  let at = start
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = skipString(bytes, at)
      if (at < 0) return -1
      continue
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at + 1
    at++
  }
  return -1
}

function skipScalar(bytes: Buffer, start: number): number {
  let at = start
  while (at < bytes.length) {
    const byte = bytes[at]
    if (
      byte === COMMA ||
      byte === CLOSE_BRACE ||
      byte === CLOSE_BRACKET ||
      byte === 0x20 ||
      byte === 0x0a ||
      byte === 0x0d ||
      byte === 0x09
    )
      break
    at++
  }
  return at === start ? -1 : at
}
