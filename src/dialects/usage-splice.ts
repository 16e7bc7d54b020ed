import { isLiteral, memberOf, scanObject } from './json-scan.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d
const USAGE_KEY = Buffer.from('"usage"')
const DATA_FIELD = Buffer.from('data:')
const EMPTY = Buffer.alloc(0)

/** An event larger than this is passed on as it is: better an unexpected `"usage":null` than unbounded memory. */
const MAX_HELD_BYTES = 4 * 1024 * 1024

/** Takes what the proxy asked for out of what the client sees. Feed chunks in order, then `flush` once. */
export type UsageSplice = {
  readonly feed: (chunk: Buffer) => readonly Buffer[]
  readonly flush: () => readonly Buffer[]
}

/**
 * Undoes `include_usage` on an OpenAI stream (decision 7): the usage-only chunk goes, and so does the
 * `"usage":null` on the others; every other byte is handed on as it came, held back only until its event is whole.
 */
export function createUsageSplice(): UsageSplice {
  // Grows by doubling and is looked at once: an event that comes in a million pieces costs no more than in one.
  let held: Buffer = EMPTY
  let heldBytes = 0
  const hold = (chunk: Buffer): void => {
    if (heldBytes + chunk.length > held.length) {
      const grown = Buffer.allocUnsafe(Math.max(2 * held.length, heldBytes + chunk.length))
      held.copy(grown, 0, 0, heldBytes)
      held = grown
    }
    chunk.copy(held, heldBytes)
    heldBytes += chunk.length
  }
  const takeHeld = (): Buffer => {
    const bytes = held.subarray(0, heldBytes)
    held = EMPTY
    heldBytes = 0
    return bytes
  }
  return {
    feed: (chunk) => {
      const whole = endOfLastEvent(chunk, held.subarray(Math.max(0, heldBytes - 2), heldBytes))
      const out: Buffer[] = []
      if (whole > 0 && heldBytes === 0) out.push(...spliceEvents(chunk.subarray(0, whole)))
      else if (whole > 0) {
        hold(chunk.subarray(0, whole))
        out.push(...spliceEvents(takeHeld()))
      }
      if (whole < chunk.length) hold(whole === 0 ? chunk : chunk.subarray(whole))
      if (heldBytes > MAX_HELD_BYTES) out.push(takeHeld())
      return out
    },
    flush: () => (heldBytes === 0 ? [] : spliceEvents(takeHeld())),
  }
}

/** Offset in `chunk` after its last blank line, 0 when it ends no event. `before`: the two bytes in front of it. */
function endOfLastEvent(chunk: Buffer, before: Buffer): number {
  const at = (offset: number): number | undefined => (offset < 0 ? before[before.length + offset] : chunk[offset])
  let newline = chunk.lastIndexOf(NEWLINE)
  while (newline >= 0) {
    const previous = at(newline - 1) === RETURN ? newline - 2 : newline - 1
    if (at(previous) === NEWLINE) return newline + 1
    newline = newline === 0 ? -1 : chunk.lastIndexOf(NEWLINE, newline - 1)
  }
  return 0
}

function spliceEvents(bytes: Buffer): readonly Buffer[] {
  const out: Buffer[] = []
  let kept = 0
  let usage = bytes.indexOf(USAGE_KEY)
  while (usage >= 0) {
    const event = eventAround(bytes, usage)
    const cut = cutFor(bytes, event)
    if (cut !== undefined) {
      if (cut.start > kept) out.push(bytes.subarray(kept, cut.start))
      kept = cut.end
    }
    usage = bytes.indexOf(USAGE_KEY, event.end)
  }
  if (kept < bytes.length) out.push(kept === 0 ? bytes : bytes.subarray(kept))
  return out
}

type Range = { readonly start: number; readonly end: number }

/** The event that holds offset `at`, its closing blank line included. */
function eventAround(bytes: Buffer, at: number): Range {
  let start = at
  while (start > 0 && !isBlankLineBefore(bytes, start)) start--
  let end = bytes.indexOf(NEWLINE, at)
  while (end >= 0) {
    const next = bytes[end + 1] === RETURN ? end + 2 : end + 1
    if (bytes[next] === NEWLINE) return { start, end: next + 1 }
    end = bytes.indexOf(NEWLINE, end + 1)
  }
  return { start, end: bytes.length }
}

function isBlankLineBefore(bytes: Buffer, at: number): boolean {
  if (bytes[at - 1] !== NEWLINE) return false
  const before = bytes[at - 2] === RETURN ? at - 3 : at - 2
  return bytes[before] === NEWLINE
}

/** The bytes to take out of one event: all of it, its `"usage":null` with one comma, or nothing. */
function cutFor(bytes: Buffer, event: Range): Range | undefined {
  const field = bytes.subarray(event.start, event.end).indexOf(DATA_FIELD)
  if (field < 0) return undefined
  const chunk = scanObject(bytes.subarray(0, event.end), event.start + field + DATA_FIELD.length)
  const usage = chunk === undefined ? undefined : memberOf(chunk, 'usage')
  if (chunk === undefined || usage === undefined) return undefined
  if (!isLiteral(bytes, usage.value, 'null')) {
    const choices = memberOf(chunk, 'choices')
    return choices !== undefined && isLiteral(bytes, choices.value, '[]') ? event : undefined
  }
  const index = chunk.members.indexOf(usage)
  const previous = chunk.members[index - 1]
  if (previous !== undefined) return { start: previous.value.end, end: usage.value.end }
  const next = chunk.members[index + 1]
  return { start: usage.start, end: next === undefined ? usage.value.end : next.start }
}
