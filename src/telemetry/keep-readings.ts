import { type KeptReading, type RecordReadings, STOPPED } from '../domain/kept-reading.ts'
import type { Log, World } from '../domain/ports.ts'

export type KeepReadingsOptions = {
  readonly read: () => readonly KeptReading[]
  readonly record: RecordReadings
  readonly world: Pick<World, 'now'>
  readonly log: Log
  readonly everyMs?: number | undefined
}

export type ReadingsKeeper = {
  readonly close: () => void
  /** As `close`; reads once more, and says that this process ends in good order. */
  readonly stop: () => void
}

/** A dashboard's point is a minute, and an alert looks every minute. */
const EVERY_MS = 30_000

/** Records what a process knows of itself, every half minute; the first time when one is over. */
export function keepReadings({ read, record, world, log, everyMs = EVERY_MS }: KeepReadingsOptions): ReadingsKeeper {
  const keep = (): void => {
    try {
      record(world.now(), read())
    } catch (bug) {
      // Of a timer it would end the process, which answers well without readings.
      log.error('readings_failed', { bug })
    }
  }
  const timer = setInterval(keep, everyMs).unref()
  const close = (): void => clearInterval(timer)
  return {
    close,
    stop: () => {
      close()
      keep() // of a process that ran for less than half a minute, the only time
      record(world.now(), [{ reading: STOPPED, subject: '', detail: '', value: 1 }])
    },
  }
}
