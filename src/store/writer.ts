import { setTimeout as sleep } from 'node:timers/promises'
import type { Closable, Log, World } from '../domain/ports.ts'
import type { MonotonicMs } from '../domain/units.ts'
import { alarm } from './alarm.ts'
import type { Insert } from './insert.ts'
import type { SegmentQueue } from './segment-queue.ts'
import { noRows, type PerTable, type Segment } from './segments.ts'
import { sendSegment, type Sent } from './send-segment.ts'

/** Carries closed segments from the spool into the store, oldest first, until each is acknowledged. */
export type Writer = Closable & {
  readonly status: () => WriterStatus
  /** Resolves when the queue is empty, or after `deadlineMs`: what is left then stays on disk for the next start. */
  readonly drain: (deadlineMs: number) => Promise<'empty' | 'deadline'>
}

/** Counters run from the start of the writer. */
export type WriterStatus = {
  readonly insertedRows: PerTable
  /** Rows refused by their table and kept in the quarantine table. */
  readonly quarantinedRows: PerTable
  /** Rows refused by the quarantine table too, kept as files in the spool's `dead` directory. */
  readonly deadRows: PerTable
  /** Rows that a loss of power took out of segments that had been closed. */
  readonly missingRows: PerTable
  readonly retries: number
  readonly inFlight: number
  /** How long the last acknowledged segment took, in milliseconds. */
  readonly lastInsertMs: number | undefined
  /** Why the store takes nothing at the moment; undefined while it does. */
  readonly outage: string | undefined
}

export type WriterOptions = {
  readonly spool: { readonly dir: string; readonly queue: SegmentQueue }
  readonly insert: Insert
  readonly world: World
  readonly log: Log
  readonly maxInFlight?: number
  readonly firstRetryMs?: number
  /** The longest wait between two tries, and so about how long the store is back before its rows are. */
  readonly maxRetryMs?: number
}

/** How long `close` waits for inserts under way. Their answer may be lost: the next start sends them again. */
const CLOSE_WAIT_MS = 2000

/** Starts at once with what the queue holds. */
export function startWriter(options: WriterOptions): Writer {
  const { spool, insert, world, log, maxInFlight = 2, firstRetryMs = 50, maxRetryMs = 2000 } = options
  const { queue } = spool
  const counts = { stored: noRows(), quarantined: noRows(), dead: noRows(), missing: noRows() }
  /** How often a segment has failed, and when it may be tried again. */
  const failures = new WeakMap<Segment, { readonly times: number; readonly retryAt: MonotonicMs }>()
  let failuresInARow = 0
  let outage: string | undefined
  let pausedUntil: MonotonicMs = -Infinity
  let retries = 0
  let lastInsertMs: number | undefined
  const inFlight = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const onIdle: (() => void)[] = []
  const reportQuarantine = alarm(world, (rows) =>
    log.error('rows_refused_by_store', { rows, detail: 'See table quarantine for the rows and the reasons.' }),
  )
  const reportOutage = alarm(world, (tries) => {
    // Told late, when the store may be back: then there is nothing to warn of.
    if (outage !== undefined) log.warn('store_unavailable', { tries, error: outage, ...backlog() })
  })

  const backlog = () => {
    const { segments, rows } = queue.status()
    return { segments, rows }
  }
  const waitMs = (times: number) => Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(times - 1, 20))

  const pump = () => {
    clearTimeout(timer)
    if (isStopped || (inFlight.size === 0 && queue.status().segments === 0)) {
      for (const listener of onIdle.splice(0)) listener()
      return
    }
    const now = world.monotonic()
    if (now < pausedUntil) {
      wakeAt(pausedUntil, now)
      return
    }
    let soonest = Infinity
    // While all goes well the oldest segment goes first. While nothing does, the one that has failed least often: if
    // the fault is in the segment and not in the store, the first other segment shows it.
    const rank = (segment: Segment) => {
      const failure = failures.get(segment)
      if (failure === undefined) return 0
      if (failure.retryAt <= now) return failuresInARow > 0 ? failure.times : 0
      soonest = Math.min(soonest, failure.retryAt)
      return undefined
    }
    // During an outage one probe at a time: a server that is just coming up is not helped by more.
    while (inFlight.size < (failuresInARow > 0 ? 1 : maxInFlight)) {
      const segment = queue.take(rank)
      if (segment === undefined) {
        wakeAt(soonest, now)
        return
      }
      const sending = send(segment).then(() => {
        inFlight.delete(sending)
        pump()
      })
      inFlight.add(sending)
    }
  }

  const wakeAt = (time: MonotonicMs, now: MonotonicMs) => {
    if (time < Infinity) timer = setTimeout(pump, Math.ceil(time - now)).unref()
  }

  const send = async (segment: Segment) => {
    const startedAt = world.monotonic()
    const times = (failures.get(segment)?.times ?? 0) + 1
    if (times > 1) retries += 1
    const sent = await trySend(segment)
    const now = world.monotonic()
    switch (sent.kind) {
      case 'settled':
        if (failuresInARow > 0) log.info('store_available', backlog())
        failuresInARow = 0
        pausedUntil = -Infinity
        outage = undefined
        lastInsertMs = now - startedAt
        if (sent.missingRows > 0) {
          counts.missing[segment.table] += sent.missingRows
          log.error('spool_rows_missing', { table: segment.table, rows: sent.missingRows, segment: segment.id })
        }
        await queue.remove(segment)
        return
      case 'waits':
        queue.putBack(segment)
        if (isStopped) return
        failures.set(segment, { times, retryAt: now + waitMs(times) })
        failuresInARow += 1
        pausedUntil = now + waitMs(failuresInARow)
        outage = sent.detail
        reportOutage(1)
    }
  }

  const trySend = async (segment: Segment): Promise<Sent> => {
    try {
      return await sendSegment(segment, {
        dir: spool.dir,
        insert,
        world,
        onSettled: (verdict, rows) => {
          counts[verdict][segment.table] += rows
          queue.settle(segment, rows)
          if (verdict !== 'stored') reportQuarantine(rows)
        },
        mustStop: () => isStopped,
      })
    } catch (error) {
      return { kind: 'waits', detail: `the spool cannot be read or written: ${String(error)}` }
    }
  }

  queue.onPush(pump)
  pump()

  return {
    status: () => ({
      insertedRows: { ...counts.stored },
      quarantinedRows: { ...counts.quarantined },
      deadRows: { ...counts.dead },
      missingRows: { ...counts.missing },
      retries,
      inFlight: inFlight.size,
      lastInsertMs,
      outage,
    }),
    drain: (deadlineMs) =>
      new Promise((resolve) => {
        const deadline = setTimeout(() => resolve('deadline'), deadlineMs)
        onIdle.push(() => {
          clearTimeout(deadline)
          resolve(queue.status().segments === 0 ? 'empty' : 'deadline')
        })
        pump()
      }),
    close: async () => {
      isStopped = true
      pump()
      const patience = new AbortController()
      await Promise.race([Promise.all(inFlight), sleep(CLOSE_WAIT_MS, undefined, { signal: patience.signal })])
      patience.abort()
    },
  }
}
