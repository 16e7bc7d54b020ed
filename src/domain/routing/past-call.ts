import type { EpochMs } from '../units.ts'

/** A call of the last minutes as the store has it; those that tell nothing of their target are left out. */
export type PastCall = {
  readonly provider: string
  readonly model: string
  readonly endedAt: EpochMs
  readonly hasFailed: boolean
  readonly durationMs: number
  /** Of a stream, to its first content. */
  readonly firstTokenMs: number | undefined
}
