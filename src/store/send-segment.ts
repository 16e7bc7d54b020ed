import type { World } from '../domain/ports.ts'
import type { Insert } from './insert.ts'
import { readProgress, type RowRange, type Verdict } from './progress.ts'
import { quarantineRow } from './quarantine.ts'
import { progressPath, readSegment, rowOffsets, type Segment } from './segments.ts'
import { setAside } from './set-aside.ts'

/** What became of one try. */
export type Sent =
  /** `missingRows`: promised by the file's name and not in the file. Lost with the power, before they were synced. */
  | { readonly kind: 'settled'; readonly missingRows: number }
  /** Something is left to be stored: the same segment is to be tried again. */
  | { readonly kind: 'waits'; readonly detail: string }

export type Sending = {
  /** The spool's directory. */
  readonly dir: string
  readonly insert: Insert
  readonly world: World
  /** Rows for which nothing more need be done. `refused` rows are not among them: their parts are yet to come. */
  readonly onSettled: (verdict: Exclude<Verdict, 'refused'>, rows: number) => void
  /** Asked between two parts of a refused segment. */
  readonly mustStop: () => boolean
}

/**
 * Stores one segment under its id as deduplication token. A segment that the store refuses is halved, down to the rows
 * that are at fault; these go into the quarantine table and, if that too is refused, into `<dir>/dead`.
 *
 * The halves have tokens of their own, `<id>/<from>-<to>`, and every refusal is on disk before the first half is
 * sent: however often this is cut short, each row is stored under one token only. Rejects when the disk fails.
 */
export async function sendSegment(segment: Segment, sending: Sending): Promise<Sent> {
  const { dir, insert, onSettled } = sending
  const { rows, tornTail } = await readSegment(segment.path)
  if (tornTail.length > 0) await setAside(dir, `${segment.table}.${segment.id}.torn`, tornTail)
  const progress = await readProgress(progressPath(dir, segment.table, segment.id))
  const offsets = rowOffsets(rows)
  const whole = { from: 0, to: offsets.length - 1 }

  // A stack: the first half is settled in full before the second is touched.
  const left: RowRange[] = whole.to === 0 ? [] : [whole]
  for (let range = left.pop(); range !== undefined; range = left.pop()) {
    if (progress.isSettled(range)) continue
    const size = range.to - range.from
    // A single row is always asked about again: the answer is also the reason that goes into the quarantine.
    if (size > 1 && progress.isRefused(range)) {
      left.push(...halves(range))
      continue
    }
    if (size < whole.to && sending.mustStop()) return { kind: 'waits', detail: 'stopped' }
    const bytes = rows.subarray(offsets[range.from], offsets[range.to])
    const token = size === whole.to ? segment.id : `${segment.id}/${range.from}-${range.to}`
    const answer = await insert(segment.table, bytes, token)
    switch (answer.kind) {
      case 'unavailable':
        return { kind: 'waits', detail: answer.detail }
      case 'stored':
        // All at once needs no note: the segment itself is deleted next.
        if (size < whole.to) await progress.note('stored', range)
        onSettled('stored', size)
        break
      case 'bad_rows': {
        if (size > 1) {
          await progress.note('refused', range)
          left.push(...halves(range))
          break
        }
        const verdict = await quarantine(segment, bytes, answer.detail, token, sending)
        if (verdict.kind === 'waits') return verdict
        await progress.note(verdict.kind, range)
        onSettled(verdict.kind, 1)
      }
    }
  }
  return { kind: 'settled', missingRows: segment.rows - whole.to }
}

/** The second half first, because the first is popped first. Depends on the range alone: a retry cuts the same way. */
function halves({ from, to }: RowRange): [RowRange, RowRange] {
  const middle = Math.floor((from + to) / 2)
  return [
    { from: middle, to },
    { from, to: middle },
  ]
}

async function quarantine(
  segment: Segment,
  line: Buffer,
  reason: string,
  token: string,
  { dir, insert, world }: Sending,
): Promise<{ kind: 'quarantined' | 'dead' } | { kind: 'waits'; detail: string }> {
  const refused = quarantineRow({ at: world.now(), table: segment.table, reason, row: line.subarray(0, -1) })
  const answer = await insert('quarantine', refused, `${token}/quarantine`)
  switch (answer.kind) {
    case 'stored':
      return { kind: 'quarantined' }
    case 'unavailable':
      return { kind: 'waits', detail: answer.detail }
    case 'bad_rows':
      await setAside(dir, `${segment.table}.${token.replace('/', '.')}.json`, refused)
      return { kind: 'dead' }
  }
}
