import { appendFile } from 'node:fs/promises'
import { readIfThere } from './segments.ts'

/** Rows [from, to) of a segment, counted from 0. */
export type RowRange = { readonly from: number; readonly to: number }

/** `refused`: these rows are never again sent as one batch. The others are final: these rows need nothing more. */
export type Verdict = 'refused' | 'stored' | 'quarantined' | 'dead'

/**
 * What has become of the parts of one segment, kept in a file beside it.
 *
 * Without it a start after a crash would send the whole segment again. Refused then, it could be welcome now, because
 * the schema has been migrated or the server mended; and the parts stored before, under tokens of their own, would be
 * in the table twice.
 */
export type Progress = {
  readonly isRefused: (range: RowRange) => boolean
  readonly isSettled: (range: RowRange) => boolean
  readonly settledRows: () => number
  /** Returns when the verdict is in the file. Rejects when the disk refuses it: then nothing may be built on it. */
  readonly note: (verdict: Verdict, range: RowRange) => Promise<void>
}

const LINE = /^(refused|stored|quarantined|dead) (\d+) (\d+)$/

/** Reads the progress file at `path`; a segment that has none has made no progress. */
export async function readProgress(path: string): Promise<Progress> {
  const refused = new Set<string>()
  const settled = new Map<string, number>()
  const keep = (verdict: string, { from, to }: RowRange) => {
    if (verdict === 'refused') refused.add(`${from}-${to}`)
    else settled.set(`${from}-${to}`, to - from)
  }
  for (const line of (await readIfThere(path)).toString().split('\n')) {
    // Each ends with a full stop: a line cut short by a crash could otherwise pass for one with a smaller number.
    const match = line.endsWith('.') ? LINE.exec(line.slice(0, -1)) : null
    if (match !== null) keep(match[1] ?? '', { from: Number(match[2]), to: Number(match[3]) })
  }
  return {
    isRefused: ({ from, to }) => refused.has(`${from}-${to}`),
    isSettled: ({ from, to }) => settled.has(`${from}-${to}`),
    settledRows: () => [...settled.values()].reduce((sum, rows) => sum + rows, 0),
    note: async (verdict, range) => {
      // Begins with a newline too, so that a line cut short by a crash spoils no other.
      await appendFile(path, `\n${verdict} ${range.from} ${range.to}.`, { mode: 0o600 })
      keep(verdict, range)
    },
  }
}
