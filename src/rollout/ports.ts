import type { DecisionRecord } from '../domain/rollout/decision-record.ts'
import type { Evidence, Readings } from '../domain/rollout/evidence.ts'
import type { LivePhase } from '../domain/rollout/phase.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import type { EpochMs } from '../domain/units.ts'

/** The stage whose evidence is wanted. */
export type StageWanted = {
  readonly rollout: Rollout
  readonly live: LivePhase
  readonly epoch: number
  readonly enteredAt: EpochMs
  readonly dealtAt: EpochMs
  readonly asOf: EpochMs
  readonly watermarkMs: number
}

/** What the decider asks of the store. Nothing here rejects on an outage. */
export type DeciderStore = {
  /** It can be asked, and all its tables are there. */
  readonly isReady: () => boolean
  readonly holdLease: (holder: string, leaseMs: number) => Promise<'held' | 'taken' | 'unavailable'>
  readonly giveBackLease: () => Promise<void>
  readonly readings: (
    wanted: StageWanted,
    signal: AbortSignal,
  ) => Promise<
    { readonly kind: 'ok'; readonly value: Readings } | { readonly kind: 'unavailable'; readonly detail: string }
  >
  readonly record: (
    decision: DecisionRecord,
  ) => Promise<{ readonly kind: 'sent' } | { readonly kind: 'unavailable'; readonly detail: string }>
}

/** How both models of a rollout have fared in the last minutes, on this proxy. */
export type RecentOf = (rollout: Rollout) => Promise<Evidence['recent']>

/** How fast things go: 60 s and 1, but for demonstrations and tests. */
export type DeciderPace = {
  /** Between two looks at each rollout. */
  readonly tickMs: number
  /** By which all times of all rollouts are divided. */
  readonly speed: number
}
