const BACKSLASH = 0x5c

/** Plain, and as serialisers write it that escape angle brackets (Go's, for one). */
const TAGS = [
  { open: Buffer.from('<system-reminder>'), close: Buffer.from('</system-reminder>') },
  { open: Buffer.from('\\u003csystem-reminder\\u003e'), close: Buffer.from('\\u003c/system-reminder\\u003e') },
] as const

/** More than any agent adds to one text. */
const MOST_BLOCKS = 100

/**
 * The text at [start, end) without the `<system-reminder>` blocks that coding agents put before and after what the user
 * said; undefined when nothing else is there. Only the two ends are looked at, so that a long text costs no more.
 */
export function withoutReminders(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly start: number; readonly end: number } | undefined {
  let from = afterBlank(bytes, start, end)
  let to = beforeBlank(bytes, from, end)
  let left = MOST_BLOCKS
  for (const { open, close } of TAGS) {
    while (left-- > 0 && startsWith(bytes, from, to, open)) {
      const closed = bytes.indexOf(close, from)
      if (closed < 0 || closed >= to) return undefined
      from = afterBlank(bytes, closed + close.length, to)
    }
    while (left-- > 0 && startsWith(bytes, to - close.length, to, close)) {
      const opened = bytes.lastIndexOf(open, to)
      if (opened < from) break
      to = beforeBlank(bytes, from, opened)
    }
  }
  return from < to ? { start: from, end: to } : undefined
}

/** `text` without the reminder blocks in it, also one that does not end. */
export function cutReminders(text: string): string {
  const [before = '', ...rest] = text.split('<system-reminder>')
  return rest.length === 0 ? text : before + rest.map(afterReminder).join('')
}

function afterReminder(text: string): string {
  const closed = text.indexOf('</system-reminder>')
  return closed < 0 ? '' : text.slice(closed + '</system-reminder>'.length)
}

function startsWith(bytes: Buffer, at: number, end: number, tag: Buffer): boolean {
  if (at < 0 || end - at < tag.length || bytes[at] !== tag[0]) return false
  return bytes.compare(tag, 0, tag.length, at, at + tag.length) === 0
}

/** White space beyond it stays. */
const MOST_BLANK_BYTES = 1024

function afterBlank(bytes: Buffer, start: number, end: number): number {
  const most = Math.min(end, start + MOST_BLANK_BYTES)
  let at = start
  while (at < most) {
    if (bytes[at] === 0x20) at++
    else if (bytes[at] === BACKSLASH && isBlankLetter(bytes[at + 1])) at += 2
    else break
  }
  return Math.min(at, end)
}

function beforeBlank(bytes: Buffer, start: number, end: number): number {
  const least = Math.max(start, end - MOST_BLANK_BYTES)
  let at = end
  while (at > least) {
    if (bytes[at - 1] === 0x20) at--
    // A letter after two backslashes is itself.
    else if (isBlankLetter(bytes[at - 1]) && bytes[at - 2] === BACKSLASH && bytes[at - 3] !== BACKSLASH) at -= 2
    else break
  }
  return Math.max(at, start)
}

/** Of `\n`, `\r`, `\t`. */
function isBlankLetter(byte: number | undefined): boolean {
  return byte === 0x6e || byte === 0x72 || byte === 0x74
}
