import type { World } from '../domain/ports.ts'
import type { Insert } from './insert.ts'
import { readProgress, type RowRange, type Settlement } from './progress.ts'
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
  readonly onSettled: (settlement: Settlement, rows: number) => void
  /** Asked between two parts of a refused segment. */
  readonly mustStop: () => boolean
}

/**
 * Stores one segment under its id as deduplication token. A segment that the store refuses is halved, down to the rows
 * that are at fault; these go into the quarantine table and, if that too is refused, into `<dir>/dead`.
 *
 * The halves have tokens of their own, `<id>/<from>-<to>`, and every refusal is on disk before anything is built on
 * it: however often this is cut short, each row is stored under one token only. Rejects when the disk fails.
 */
export async function sendSegment(segment: Segment, sending: Sending): Promise<Sent> {
  const { dir, insert, onSettled } = sending
  const content = await readSegment(segment.path)
  if (content.tornTail.length > 0) await setAside(dir, `${segment.table}.${segment.id}.torn`, content.tornTail)
  const names = content.whole.subarray(0, content.namesLength)
  const progress = await readProgress(progressPath(dir, segment.table, segment.id))
  const offsets = rowOffsets(content)
  const whole = { from: 0, to: offsets.length - 1 }

  /** The parts to go on with, none when the range is settled; or why it has to wait. */
  const step = async (range: RowRange): Promise<RowRange[] | string> => {
    const size = range.to - range.from
    const rows = content.whole.subarray(offsets[range.from], offsets[range.to])
    const token = size === whole.to ? segment.id : `${segment.id}/${range.from}-${range.to}`
    let reason = progress.refusal(range)
    if (reason === undefined) {
      // All that there is, as it is; a part gets the names on top.
      const answer = await insert(
        segment.table,
        size === whole.to ? content.whole : Buffer.concat([names, rows]),
        token,
      )
      if (answer.kind === 'unavailable') return answer.detail
      if (answer.kind === 'stored') {
        // All at once needs no note: the segment itself is deleted next.
        if (size < whole.to) await progress.settle(range, 'stored')
        onSettled('stored', size)
        return []
      }
      reason = answer.detail
      await progress.refuse(range, reason)
    }
    if (size > 1) return halves(range)
    const [at, row] = [sending.world.now(), rows.subarray(0, -1)]
    const refused = quarantineRow({ at, table: segment.table, reason, names, row })
    const answer = await insert('quarantine', refused.rows, `${token}/quarantine`)
    if (answer.kind === 'unavailable') return answer.detail
    const settlement = answer.kind === 'stored' ? 'quarantined' : 'dead'
    if (settlement === 'dead') await setAside(dir, `${segment.table}.${token.replace('/', '.')}.json`, refused.json)
    await progress.settle(range, settlement)
    onSettled(settlement, 1)
    return []
  }

  // A stack: the first half is settled in full before the second is touched.
  const left: RowRange[] = whole.to === 0 ? [] : [whole]
  for (let range = left.pop(); range !== undefined; range = left.pop()) {
    if (progress.isSettled(range)) continue
    if (sending.mustStop()) return { kind: 'waits', detail: 'the writer is being stopped' }
    const next = await step(range)
    if (typeof next === 'string') return { kind: 'waits', detail: next }
    left.push(...next)
  }
  return { kind: 'settled', missingRows: Math.max(0, segment.rows - whole.to) }
}

/** The second half first, because the first is popped first. Depends on the range alone: a retry cuts the same way. */
function halves({ from, to }: RowRange): [RowRange, RowRange] {
  const middle = Math.floor((from + to) / 2)
  return [
    { from: middle, to },
    { from, to: middle },
  ]
}
