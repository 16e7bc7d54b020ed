import type { EpochMs, PicoUsd, RequestId } from './units.ts'

/** How far one version of a judge agrees with people, over one task or over all of them. Undefined = cannot be told. */
export type CalibrationRecord = {
  /** UUIDv7 of the run; one run has a record for every task and one over all. */
  readonly id: RequestId
  readonly calibratedAt: EpochMs
  /** Model, prompt and parameters as one, as of a `Pair`. */
  readonly judgeVersion: string
  /** Undefined: over all tasks. */
  readonly task: string | undefined
  /** First 16 hex digits of the SHA-256 of the labels. */
  readonly labelSet: string
  readonly pairs: number
  /** Pairs without a verdict; in no other number here. */
  readonly failed: number
  readonly kappa: number | undefined
  readonly kappaLow: number | undefined
  readonly kappaHigh: number | undefined
  readonly weightedKappa: number | undefined
  readonly agreement: number | undefined
  readonly swapConsistency: number | undefined
  readonly positionBias: number | undefined
  readonly lengthBias: number | undefined
  readonly isLengthMoved: boolean | undefined
  /** Rows: people said loss, tie, win. Columns: the judge. */
  readonly confusion: readonly (readonly number[])[]
  /** Of the whole run; undefined = not known. */
  readonly picoUsd: PicoUsd | undefined
}

/** What became of rows that were sent to the store once, by somebody who waits for it. */
export type Kept = { readonly kind: 'kept' } | { readonly kind: 'unavailable'; readonly detail: string }

/** Keeps the records of one run. Never rejects. */
export type KeepCalibrations = (records: readonly CalibrationRecord[]) => Promise<Kept>
