import type { Log, World } from '../domain/ports.ts'
import { createReadingRecorder } from '../store/reading-recorder.ts'
import { keepReadings } from '../telemetry/keep-readings.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Closers } from './closers.ts'
import type { RowLane } from './row-lanes.ts'

export type ReadingsOptions = {
  readonly world: World
  readonly log: Log
  readonly instance: string
  readonly readingsEveryMs?: number | undefined
}

export type Readings = {
  /** Reads no more. */
  readonly end: () => void
  /** Says that this process ends in good order, once all else is stored; waits a little for that to be stored, too. */
  readonly sayFarewell: () => Promise<void>
}

const FAREWELL_MS = 1_000

/** Keeps over time what a process knows of itself, in its own lane; where that is undefined, nothing. */
export function openReadings(
  own: RowLane | undefined,
  read: Metrics['readings'],
  { world, log, instance, readingsEveryMs: everyMs }: ReadingsOptions,
  closers: Closers,
): Readings {
  if (own === undefined) return { end: () => undefined, sayFarewell: async () => undefined }
  const { spool, writer } = own
  const keeper = keepReadings({ read, record: createReadingRecorder(spool, instance), world, log, everyMs })
  closers.add(async () => keeper.close())
  return {
    end: keeper.close,
    sayFarewell: async () => {
      keeper.stop()
      spool.seal()
      await writer.drain(FAREWELL_MS)
    },
  }
}
