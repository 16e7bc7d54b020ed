import type { EpochMs } from './units.ts'

/** One gauge or count of a process at one moment, as `/metrics` would have it. */
export type KeptReading = {
  /** Name of the metric. */
  readonly reading: string
  /** Values of its labels; empty where it has none. */
  readonly subject: string
  readonly detail: string
  readonly value: number
}

/** What the last reading of a process is called, where nothing of that process waits any more. */
export const STOPPED = 'stopped'

/** Keeps what was read at `at`. Never throws, never waits. */
export type RecordReadings = (at: EpochMs, readings: readonly KeptReading[]) => void
