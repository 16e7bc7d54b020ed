import type { Target } from './target.ts'
import type { EpochMs } from './units.ts'

/** Requests that came to one place of a shadow's funnel since they were last counted. */
export type FunnelCount = {
  /** Start of the minute in which they came there. */
  readonly minute: EpochMs
  readonly shadow: string
  /** The candidate; undefined before one was chosen. */
  readonly target: Target | undefined
  readonly isControl: boolean
  /** For each shadow, eligible = mirrored + skipped before sending. */
  readonly stage: 'eligible' | 'mirrored' | 'compared' | 'failed' | 'skipped'
  /** Of skipped: why; '' otherwise. */
  readonly reason: string
  readonly requests: number
}
