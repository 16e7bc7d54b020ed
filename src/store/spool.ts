import { mkdirSync } from 'node:fs'
import type { Closable, Log, World } from '../domain/ports.ts'
import type { EpochMs } from '../domain/units.ts'
import { alarm } from './alarm.ts'
import { diskRoom } from './disk-room.ts'
import { lockDirectory } from './directory-lock.ts'
import type { SpooledTable } from './insert.ts'
import { recoverSegments } from './recover-segments.ts'
import { segmentQueue, type SegmentQueue } from './segment-queue.ts'
import { forEachTable, SPOOLED_TABLES, type PerTable } from './segments.ts'
import { SPOOLED_COLUMNS } from './spooled-columns.ts'
import { tableAppender } from './table-appender.ts'

/** One row as a JSON array of its table's columns on one line, without its newline. */
export type SpoolLine = { readonly table: SpooledTable; readonly line: string }

/** Rows on disk between the request that made them and ClickHouse. The spool is the queue. */
export type Spool = Closable & {
  readonly dir: string
  /** The closed segments, for the writer. */
  readonly queue: SegmentQueue
  /**
   * Appends `lines` and then calls `release`, both at the end of this turn of the event loop: once released, the rows
   * survive the death of the process, or are counted as dropped. Never throws, never waits for anything but `write()`.
   */
  readonly append: (lines: readonly SpoolLine[], release: () => void) => void
  /**
   * Tells that a row of a request of `at` is yet to be appended. Until the returned function is called, it counts as one
   * that waits since then.
   */
  readonly announce: (at: EpochMs) => () => void
  /** Closes the open segments now, so that the writer gets what they hold. */
  readonly seal: () => void
  readonly status: () => SpoolStatus
}

/** Counters run from the opening of the spool. */
export type SpoolStatus = {
  /** Closed segments that wait for the store. */
  readonly segments: number
  /** Rows and bytes that wait for the store, those of the open segments included. */
  readonly rows: number
  readonly bytes: number
  /** When the oldest segment with rows in it was opened, or the oldest row that is announced was made. */
  readonly oldestAt: EpochMs | undefined
  readonly appendedRows: PerTable
  readonly droppedRows: {
    /** Deleted unstored, oldest first, because the spool had reached its cap. */
    readonly overCap: PerTable
    /** Never written, because the disk refused them or had little left. */
    readonly writeFailed: PerTable
  }
  /** Segments of earlier processes that ended in the middle of a row. The writer puts the pieces in `<dir>/dead`. */
  readonly tornTails: number
  /** Times that the disk refused to sync: those rows survive a kill, but perhaps not a loss of power. */
  readonly syncFailures: number
}

export type SpoolOptions = {
  /** Made if missing. One process at a time. */
  readonly dir: string
  /** Cap on all that is spooled; beyond it the oldest segments are dropped. */
  readonly maxBytes: number
  /** Names of the columns whose values the lines hold; of tables left out, the real ones. */
  readonly columns?: Readonly<Partial<Record<SpooledTable, readonly string[]>>>
  readonly maxRows?: number
  readonly maxSegmentBytes?: number
  readonly maxAgeMs?: number
  readonly syncEveryMs?: number
  readonly world: World
  readonly log: Log
}

/** A segment closed early gains nothing while others wait: after this many of them the closing age has doubled. */
const PATIENCE_SEGMENTS = 8
const LONGEST_AGE_FACTOR = 60

/**
 * Opens the spool in `dir` and takes over what earlier processes left in it. Throws when another live process has
 * the directory, or when the directory cannot be read or written.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { dir, maxBytes, columns = {}, maxRows = 10_000, maxAgeMs = 1000, syncEveryMs = 100, world, log } = options
  // Four segments at least, or the cap would drop everything at once: two may be open and two on their way.
  const maxSegmentBytes = Math.min(options.maxSegmentBytes ?? 8 * 1024 * 1024, Math.ceil(maxBytes / 4))
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const unlock = await lockDirectory(dir, world)
  const { segments, tornTails } = await recoverSegments(dir).catch((error: unknown) => {
    unlock()
    throw error
  })
  const queue = segmentQueue(dir, segments, world, log)
  if (segments.length > 0)
    log.info('spool_recovered', { segments: segments.length, rows: queue.status().rows, tornTails })

  const limits = {
    maxRows,
    maxBytes: maxSegmentBytes,
    checkEveryMs: maxAgeMs,
    maxAgeMs: () =>
      maxAgeMs * Math.min(LONGEST_AGE_FACTOR, 1 + Math.floor(queue.status().segments / PATIENCE_SEGMENTS)),
  }
  const hasRoom = diskRoom(dir, world)
  const open = (table: SpooledTable) =>
    tableAppender({
      dir,
      table,
      columns: columns[table] ?? SPOOLED_COLUMNS[table],
      limits,
      hasRoom,
      world,
      log,
      onClosed: queue.push,
    })
  const appenders = forEachTable(open)
  const each = SPOOLED_TABLES.map((table) => appenders[table])
  const openBytes = () => each.reduce((sum, appender) => sum + appender.status().openBytes, 0)

  let lines = forEachTable((): string[] => [])
  let releases: (() => void)[] = []
  let turnEnd: NodeJS.Immediate | undefined
  let syncTimer: NodeJS.Timeout | undefined
  let syncFailures = 0
  let syncError: unknown
  const reportSyncFailure = alarm(world, (times) => log.error('spool_sync_failed', { times, error: String(syncError) }))
  /** In the order of their coming, which is near enough to that of their age. */
  const announced = new Set<{ readonly at: EpochMs }>()
  let closed: Promise<void> | undefined

  const flush = () => {
    clearImmediate(turnEnd)
    turnEnd = undefined
    const batch = lines
    const waiting = releases
    lines = forEachTable(() => [])
    releases = []
    for (const table of SPOOLED_TABLES) {
      if (batch[table].length > 0) appenders[table].append(batch[table])
    }
    for (const release of waiting) {
      try {
        release()
      } catch (error) {
        // One response that fails to end must not hold up the others.
        log.error('spool_release_failed', { error: String(error) })
      }
    }
    queue.shrinkTo(maxBytes - openBytes())
    if (each.some((appender) => appender.isDirty())) syncTimer ??= setTimeout(syncSoon, syncEveryMs).unref()
  }

  /** Syncs all that was appended in the last `syncEveryMs` at once, off the event loop. */
  const syncAll = async () => {
    const results = await Promise.allSettled(each.map((appender) => appender.sync()))
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      syncFailures += 1
      syncError = result.reason
      reportSyncFailure(1)
    }
    syncTimer = undefined
    if (each.some((appender) => appender.isDirty()) && closed === undefined) {
      syncTimer = setTimeout(syncSoon, syncEveryMs).unref()
    }
  }
  const syncSoon = () => void syncAll()

  const shutDown = async () => {
    flush()
    clearTimeout(syncTimer)
    await Promise.all(each.map((appender) => appender.close()))
    unlock()
  }

  return {
    dir,
    queue,
    append: (added, release) => {
      for (const { table, line } of added) lines[table].push(line)
      releases.push(release)
      // The end of the turn: after every socket that had something to say in it, before any timer or new event.
      turnEnd ??= setImmediate(flush)
    },
    announce: (at) => {
      const row = { at }
      announced.add(row)
      return () => void announced.delete(row)
    },
    seal: () => {
      flush()
      for (const appender of each) appender.closeSegment()
    },
    status: () => {
      const waiting = queue.status()
      const open = forEachTable((table) => appenders[table].status())
      const opened = Object.values(open)
      const [announcedAt] = announced
      const ages = [waiting.oldestAt, announcedAt?.at, ...opened.map(({ openedAt }) => openedAt)].filter(
        (at) => at !== undefined,
      )
      return {
        segments: waiting.segments,
        rows: opened.reduce((sum, { openRows }) => sum + openRows, waiting.rows),
        bytes: opened.reduce((sum, { openBytes }) => sum + openBytes, waiting.bytes),
        oldestAt: ages.length === 0 ? undefined : Math.min(...ages),
        appendedRows: forEachTable((table) => open[table].appendedRows),
        droppedRows: {
          overCap: waiting.droppedRows,
          writeFailed: forEachTable((table) => open[table].refusedRows),
        },
        tornTails,
        syncFailures,
      }
    },
    close: () => (closed ??= shutDown()),
  }
}
