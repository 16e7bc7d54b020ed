import { appendFile } from 'node:fs/promises'
import { readIfThere } from './segments.ts'

/** Rows [from, to) of a segment, counted from 0. */
export type RowRange = { readonly from: number; readonly to: number }

/** What became of a range for good: nothing more need be done for its rows. */
export type Settlement = 'stored' | 'quarantined' | 'dead'

/**
 * What has become of the parts of one segment, kept in a file beside it.
 *
 * Without it a start after a crash would send the whole segment again. Refused then, it could be welcome now, because
 * the schema has been migrated or the server mended; and the parts stored before, under tokens of their own, would be
 * in the table twice.
 */
export type Progress = {
  readonly isSettled: (range: RowRange) => boolean
  readonly settledRows: () => number
  /** Why the store refused these rows; undefined if it has not. They are never again sent together. */
  readonly refusal: (range: RowRange) => string | undefined
  /** Both resolve when it is in the file, and reject when the disk refuses: then nothing may be built on it. */
  readonly refuse: (range: RowRange, reason: string) => Promise<void>
  readonly settle: (range: RowRange, settlement: Settlement) => Promise<void>
}

type Note = RowRange & ({ readonly refused: string } | { readonly settled: Settlement })

/** Reads the progress file at `path`; a segment that has none has made no progress. */
export async function readProgress(path: string): Promise<Progress> {
  const refused = new Map<string, string>()
  const settled = new Map<string, number>()
  const keep = (note: Note) => {
    const key = keyOf(note)
    if ('refused' in note) refused.set(key, note.refused)
    else settled.set(key, note.to - note.from)
  }
  const write = async (note: Note) => {
    // A newline first as well: a line cut short by a crash must not spoil the next one.
    await appendFile(path, `\n${JSON.stringify(note)}\n`, { mode: 0o600 })
    keep(note)
  }
  for (const line of (await readIfThere(path)).toString().split('\n')) {
    const note = parseNote(line)
    if (note !== undefined) keep(note)
  }
  return {
    isSettled: (range) => settled.has(keyOf(range)),
    settledRows: () => [...settled.values()].reduce((sum, rows) => sum + rows, 0),
    refusal: (range) => refused.get(keyOf(range)),
    refuse: ({ from, to }, reason) => write({ from, to, refused: reason }),
    settle: ({ from, to }, settlement) => write({ from, to, settled: settlement }),
  }
}

function keyOf({ from, to }: RowRange): string {
  return `${from}-${to}`
}

/** Undefined for an empty line and for one that a crash cut short: no proper part of a JSON object is JSON. */
function parseNote(line: string): Note | undefined {
  let note: unknown
  try {
    note = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof note !== 'object' || note === null || !('from' in note && 'to' in note)) return undefined
  const { from, to } = note
  if (typeof from !== 'number' || typeof to !== 'number') return undefined
  if ('refused' in note && typeof note.refused === 'string') return { from, to, refused: note.refused }
  if (!('settled' in note)) return undefined
  const { settled } = note
  return settled === 'stored' || settled === 'quarantined' || settled === 'dead' ? { from, to, settled } : undefined
}
