import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Log, World } from '../domain/ports.ts'
import type { EpochMs } from '../domain/units.ts'
import { alarm } from './alarm.ts'
import type { SpooledTable } from './insert.ts'
import { lineBuffer } from './line-buffer.ts'
import { namedRows } from './named-rows.ts'
import { OpenSegment } from './open-segment.ts'
import { openedAt, type Segment } from './segments.ts'

/** When the open segment is closed: whichever comes first. */
export type SegmentLimits = {
  readonly maxRows: number
  readonly maxBytes: number
  /** Age in milliseconds. A function, because it grows with the backlog: see `spool.ts`. */
  readonly maxAgeMs: () => number
  /** How often the age is looked at. */
  readonly checkEveryMs: number
}

/** Appends one table's rows to its open segment, and opens the next when one is full or old. */
export type TableAppender = {
  /** One `write()` for all `lines`, none of which holds a newline. What the disk refuses is counted and dropped. */
  readonly append: (lines: readonly string[]) => void
  readonly closeSegment: () => void
  readonly isDirty: () => boolean
  readonly sync: () => Promise<void>
  readonly status: () => AppenderStatus
  /** Closes the open segment and resolves when every file has been synced and let go. Later rows are refused. */
  readonly close: () => Promise<void>
}

export type AppenderStatus = {
  readonly openRows: number
  readonly openBytes: number
  readonly openedAt: EpochMs | undefined
  readonly appendedRows: number
  /** Rows that the disk refused. */
  readonly refusedRows: number
}

type Options = {
  readonly dir: string
  readonly table: SpooledTable
  /** Columns of the rows, in their order. */
  readonly columns: readonly string[]
  readonly limits: SegmentLimits
  /** False while what the disk has left is not for rows. */
  readonly hasRoom: () => boolean
  readonly world: World
  readonly log: Log
  readonly onClosed: (segment: Segment) => void
}

/** Opens nothing until the first row comes. `<dir>/<table>` must exist. */
export function tableAppender({ dir, table, columns, limits, hasRoom, world, log, onClosed }: Options): TableAppender {
  const directoryFd = openSync(join(dir, table), 'r')
  const names = Buffer.from(namedRows(columns))
  const toBytes = lineBuffer()
  const releasing = new Set<Promise<void>>()
  let current: OpenSegment | undefined
  let ageTimer: NodeJS.Timeout | undefined
  let appendedRows = 0
  let refusedRows = 0
  let lastError: unknown
  let isClosed = false
  const reportRefused = alarm(world, (rows) =>
    log.error('spool_write_failed', { table, rows, error: String(lastError), detail: 'These rows are lost.' }),
  )

  const refuse = (rows: number) => {
    refusedRows += rows
    reportRefused(rows)
  }
  const closeSegment = () => {
    if (current === undefined) return
    clearTimeout(ageTimer)
    const { segment, released } = current.close(directoryFd, log)
    current = undefined
    const forgotten = released.then(() => void releasing.delete(forgotten))
    releasing.add(forgotten)
    if (segment !== undefined) onClosed(segment)
  }
  const watchAge = (segment: OpenSegment) => {
    ageTimer = setTimeout(() => {
      // A millisecond of grace: timers and clocks round apart, and a check too early costs a whole further turn.
      if (world.monotonic() - segment.openedAt + 1 >= limits.maxAgeMs()) closeSegment()
      else watchAge(segment)
    }, limits.checkEveryMs).unref()
  }
  const openSegment = () => {
    const segment = new OpenSegment(dir, table, names, world.newId(), world.monotonic())
    current = segment
    watchAge(segment)
    return segment
  }
  const isFull = (segment: OpenSegment, moreRows: number, moreBytes: number) =>
    segment.rows + moreRows > limits.maxRows || segment.bytes + moreBytes > limits.maxBytes

  /** Writes as many of `lines` as the disk takes; how many those are, and its word on the others. */
  const write = (lines: readonly string[]): { kept: number; error: unknown } => {
    const batch = toBytes(lines)
    if (current !== undefined && current.rows > 0 && isFull(current, lines.length, batch.length)) closeSegment()
    try {
      const segment = current ?? openSegment()
      const written = segment.write(batch, lines.length)
      const isBroken = written.error !== undefined && segment.rows > 0
      if (isBroken || segment.isSpoilt || isFull(segment, 1, 1)) closeSegment()
      return written
    } catch (error) {
      return { kept: 0, error }
    }
  }

  return {
    append: (lines) => {
      let left = lines
      if (isClosed || !hasRoom()) {
        lastError = isClosed ? 'the spool is closed' : 'the disk is nearly full; what is left is for the store'
        refuse(lines.length)
        return
      }
      for (;;) {
        // A segment that holds rows may fail for itself (a bad block, a limit on file size): the rest gets a new one.
        const isFirst = (current?.rows ?? 0) === 0
        const { kept, error } = write(left)
        appendedRows += kept
        if (error === undefined) return
        lastError = error
        left = left.slice(kept)
        if (isFirst && kept === 0) break
      }
      refuse(left.length)
    },
    closeSegment,
    isDirty: () => current?.isDirty === true,
    sync: async () => current?.sync(directoryFd),
    status: () => ({
      openRows: current?.rows ?? 0,
      openBytes: current?.bytes ?? 0,
      openedAt: current === undefined || current.rows === 0 ? undefined : openedAt(current.id),
      appendedRows,
      refusedRows,
    }),
    close: async () => {
      isClosed = true
      closeSegment()
      await Promise.all(releasing)
      closeSync(directoryFd)
    },
  }
}
