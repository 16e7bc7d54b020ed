import { rm } from 'node:fs/promises'
import type { Log, World } from '../domain/ports.ts'
import type { EpochMs, RequestId } from '../domain/units.ts'
import { alarm } from './alarm.ts'
import { noRows, openedAt, progressPath, type PerTable, type Segment } from './segments.ts'

/** The closed segments that wait to be stored, oldest first. Their files are the queue's to delete. */
export type SegmentQueue = {
  readonly push: (segment: Segment) => void
  /**
   * Takes out the segment that `rank` gives the lowest number, the oldest of several; undefined means not now.
   * A segment that is taken still counts, but the cap spares it: its rows may be on their way.
   */
  readonly take: (rank: (segment: Segment) => number | undefined) => Segment | undefined
  /** Gives back a segment that could not be stored. */
  readonly putBack: (segment: Segment) => void
  /** Some of a taken segment's rows need nothing more. */
  readonly settle: (segment: Segment, rows: number) => void
  /** Deletes a taken segment, all of whose rows are settled. Resolves when its file is gone. */
  readonly remove: (segment: Segment) => Promise<void>
  /** Deletes the oldest segments that are not taken, of contents before all others, until all weigh at most `maxBytes`; counts their rows as dropped. */
  readonly shrinkTo: (maxBytes: number) => void
  /** Calls `listener` after every push. */
  readonly onPush: (listener: () => void) => void
  readonly status: () => QueueStatus
}

export type QueueStatus = {
  readonly segments: number
  /** Rows not yet settled. */
  readonly rows: number
  readonly bytes: number
  /** When the oldest segment was opened. */
  readonly oldestAt: EpochMs | undefined
  /** Rows deleted unstored to stay under the cap. */
  readonly droppedRows: PerTable
}

type Entry = { segment: Segment; rows: number; isTaken: boolean }

/** A queue over `segments`, which are given oldest first. */
export function segmentQueue(dir: string, segments: readonly Segment[], world: World, log: Log): SegmentQueue {
  // A Map keeps the order of insertion, and ids grow with time: iterating it goes from the oldest to the newest.
  const entries = new Map<RequestId, Entry>()
  const droppedRows = noRows()
  let rows = 0
  let bytes = 0
  let notify = () => {}
  const reportDropped = alarm(world, (dropped) =>
    log.error('spool_dropped_oldest', {
      rows: dropped,
      detail: 'The spool is full: the store has been away for longer than the spool can hold.',
    }),
  )

  const add = (segment: Segment) => {
    const left = segment.rows - segment.settledRows
    entries.set(segment.id, { segment, rows: left, isTaken: false })
    rows += left
    bytes += segment.bytes
  }
  const forget = ({ segment, rows: left }: Entry): Promise<void> => {
    entries.delete(segment.id)
    rows -= left
    bytes -= segment.bytes
    return deleteFiles(dir, segment, log)
  }
  for (const segment of segments) add(segment)

  return {
    push: (segment) => {
      add(segment)
      notify()
    },
    take: (rank) => {
      let best: Entry | undefined
      let lowest = Infinity
      for (const entry of entries.values()) {
        const number = entry.isTaken ? undefined : rank(entry.segment)
        if (number === undefined || number >= lowest) continue
        best = entry
        lowest = number
        if (number === 0) break
      }
      if (best !== undefined) best.isTaken = true
      return best?.segment
    },
    putBack: ({ id }) => {
      const entry = entries.get(id)
      if (entry !== undefined) entry.isTaken = false
    },
    settle: ({ id }, settled) => {
      const entry = entries.get(id)
      if (entry === undefined) return
      entry.rows -= settled
      rows -= settled
    },
    remove: async ({ id }) => {
      const entry = entries.get(id)
      if (entry !== undefined) await forget(entry)
    },
    shrinkTo: (maxBytes) => {
      if (bytes <= maxBytes) return
      // What was said is the largest by far, and what happened is worth more.
      const all = [...entries.values()]
      const isContent = ({ segment }: Entry): boolean => segment.table === 'contents'
      for (const entry of [...all.filter(isContent), ...all.filter((each) => !isContent(each))]) {
        if (bytes <= maxBytes) return
        if (entry.isTaken) continue
        droppedRows[entry.segment.table] += entry.rows
        reportDropped(entry.rows)
        void forget(entry)
      }
    },
    onPush: (listener) => {
      notify = listener
    },
    status: () => {
      const oldest = entries.keys().next().value
      return {
        segments: entries.size,
        rows,
        bytes,
        oldestAt: oldest === undefined ? undefined : openedAt(oldest),
        droppedRows: { ...droppedRows },
      }
    },
  }
}

/** The segment goes before its progress: the other way round a crash in between would send stored parts again. */
async function deleteFiles(dir: string, segment: Segment, log: Log): Promise<void> {
  try {
    await rm(segment.path, { force: true })
    await rm(progressPath(dir, segment.table, segment.id), { force: true })
  } catch (error) {
    // Left where it is, the segment is sent again after the next start, under the same token.
    log.error('spool_delete_failed', { path: segment.path, error: String(error) })
  }
}
