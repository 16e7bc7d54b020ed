import type { World } from '../domain/ports.ts'
import { createReadingRecorder } from '../store/reading-recorder.ts'
import type { Spool } from '../store/spool.ts'
import { keepReadings } from '../telemetry/keep-readings.ts'
import type { ReadingsKeeper } from '../telemetry/keep-readings.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Closers } from './closers.ts'

export type ReadingsOptions = {
  readonly world: World
  readonly instance: string
  readonly readingsEveryMs?: number | undefined
}

/** Keeps over time what a process knows of itself; undefined where nothing is recorded. */
export function openReadings(
  spool: Spool | undefined,
  read: Metrics['readings'],
  { world, instance, readingsEveryMs: everyMs }: ReadingsOptions,
  closers: Closers,
): ReadingsKeeper | undefined {
  if (spool === undefined) return undefined
  const keeper = keepReadings({ read, record: createReadingRecorder(spool, instance), world, everyMs })
  closers.add(async () => keeper.close())
  return keeper
}
