import type { EpochMs } from '../units.ts'
import type { Transition } from './advance.ts'
import type { Verb } from './command.ts'
import type { Evidence } from './evidence.ts'
import type { Rollout } from './rollout.ts'
import type { RolloutState } from './rollout-state.ts'

/** A rollout as an instance knows it. */
export type RolloutView = {
  readonly rollout: Rollout
  /** Undefined: nothing has happened to it yet, as far as is known here. */
  readonly state: RolloutState | undefined
  /** The last look of this instance; undefined where another one decides. */
  readonly looked: LastLook | undefined
  /** Changes made here that the store has not been told of yet. */
  readonly waiting: number
}

export type LastLook = { readonly at: EpochMs; readonly evidence: Evidence; readonly transition: Transition }

/** Who wants what of a rollout, and on top of what. */
export type RolloutRequest = {
  readonly name: string
  readonly verb: Verb
  readonly actor: string
  readonly reason: string
  /** Revision that must still be the last; undefined: whatever is there. */
  readonly ifMatch: string | undefined
}

export type RolloutAnswer =
  /** In force here. `isStored`: the other proxies have it within about a second, else as soon as the store is back. */
  | { readonly kind: 'applied'; readonly isStored: boolean }
  | { readonly kind: 'refused'; readonly because: string }
  | { readonly kind: 'unknown'; readonly known: readonly string[] }
  /** Another change came first; `found` is the revision. */
  | { readonly kind: 'conflict'; readonly found: string }
  /** Nothing was changed, as far as anyone can tell. */
  | { readonly kind: 'unavailable'; readonly detail: string }

/** What metrics say of rollouts. */
export type RolloutReport = {
  readonly isDecider: boolean
  readonly views: readonly RolloutView[]
  readonly decisions: readonly { readonly key: readonly [string, string, string]; readonly count: number }[]
}

/** A candidate that failed so often that it must go without asking anybody. */
export type Trip = { readonly rollout: string; readonly epoch: number; readonly why: string }
