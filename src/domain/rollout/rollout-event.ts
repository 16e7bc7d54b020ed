import type { EpochMs } from '../units.ts'
import type { HoldReason, LivePhase } from './phase.ts'

/** What happened to a rollout. */
export type Change =
  | { readonly kind: 'created'; readonly identity: string; readonly steps: readonly number[] }
  | { readonly kind: 'started'; readonly into: LivePhase }
  | { readonly kind: 'stepped'; readonly into: LivePhase }
  | { readonly kind: 'held'; readonly reason: HoldReason }
  | { readonly kind: 'released' }
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' }
  | { readonly kind: 'approved' }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'rolled_back'; readonly cause: string; readonly cooldownUntil: EpochMs }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'retried'; readonly into: LivePhase }
  | { readonly kind: 'superseded'; readonly by: string }
  /** The file changed. `first` is where a new identity begins. */
  | {
      readonly kind: 'edited'
      readonly identity: string
      readonly steps: readonly number[]
      readonly first: LivePhase
    }

/** One row of a rollout's history; its state is nothing but these, in order. */
export type RolloutEvent = {
  readonly rollout: string
  /** 1, 2, 3 … without a gap; whoever writes a revision first has written it. */
  readonly revision: number
  readonly at: EpochMs
  /** Who: a person's name, or `understudy` for what evidence decided. */
  readonly actor: string
  readonly reason: string
  readonly change: Change
}

/** The actor of what is decided on evidence. */
export const AUTOMATIC = 'understudy'
