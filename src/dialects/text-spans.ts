import { parseJson } from './json-value.ts'

/** Pieces of text as offsets into a body: start, end, start, end … between a string's quotes, escapes as they are. */
export type TextSpans = readonly number[]

/** Bytes of all pieces together. */
export function spannedBytes(spans: TextSpans): number {
  let bytes = 0
  for (let i = 0; i + 1 < spans.length; i += 2) bytes += (spans[i + 1] ?? 0) - (spans[i] ?? 0)
  return bytes
}

/**
 * The pieces cut down to `windows` runs of `width` bytes, spread evenly over all of them; as they are where they are no
 * longer than that.
 */
export function sampledSpans(spans: TextSpans, windows: number, width: number): TextSpans {
  const total = spannedBytes(spans)
  if (total <= windows * width) return spans
  const sampled: number[] = []
  const stride = total / windows
  let window = 0
  /** Bytes of the pieces before this one. */
  let before = 0
  for (let i = 0; i + 1 < spans.length && window < windows; i += 2) {
    const start = spans[i] ?? 0
    const length = (spans[i + 1] ?? 0) - start
    for (; window < windows; window++) {
      const from = Math.floor((window + 0.5) * stride - width / 2) - before
      if (from >= length) break
      sampled.push(start + Math.max(from, 0), start + Math.min(Math.max(from, 0) + width, length))
    }
    before += length
  }
  return sampled
}

const BACKSLASH = 0x5c
const LETTER_U = 0x75

/** The text at [start, end), which may begin and end anywhere: what is cut through at its edges is left out. */
export function textAt(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', afterCut(bytes, start), beforeCut(bytes, start, end))
  if (!text.includes('\\')) return text
  const parsed = parseJson(`"${text}"`)
  return typeof parsed === 'string' ? parsed : text
}

/** `start`, moved on past the rest of a character or an escape that began before it. */
export function afterCut(bytes: Buffer, start: number): number {
  let at = start
  while (isContinuation(bytes[at])) at++
  if (isEscaped(bytes, at)) at += bytes[at] === LETTER_U ? 5 : 1
  else {
    for (let back = 2; back <= 5; back++) {
      if (bytes[at - back] === BACKSLASH && bytes[at - back + 1] === LETTER_U && !isEscaped(bytes, at - back)) {
        return at - back + 6
      }
    }
  }
  return at
}

/** `end`, moved back before a character or an escape that does not end by then. */
function beforeCut(bytes: Buffer, start: number, end: number): number {
  let at = end
  while (at > start && isContinuation(bytes[at])) at--
  for (let back = 1; back <= 5 && at - back >= start; back++) {
    if (bytes[at - back] !== BACKSLASH || isEscaped(bytes, at - back)) continue
    const length = bytes[at - back + 1] === LETTER_U ? 6 : 2
    if (length > back) return at - back
  }
  return at
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

/** More backslashes in a row are a joke, and either answer will do. */
const MOST_BACKSLASHES = 10_000

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(bytes: Buffer, at: number): boolean {
  let backslashes = 0
  while (backslashes < MOST_BACKSLASHES && bytes[at - 1 - backslashes] === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}
