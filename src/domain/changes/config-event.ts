import type { TaskWeights } from '../routing/overlay.ts'
import type { EpochMs, RequestId } from '../units.ts'

/** Weights of one route by target key, and which of them nothing automatic may move. */
export type WeightsInPlace = {
  readonly weights: Readonly<Record<string, number>>
  readonly pins: readonly string[]
  /** Of tasks that have weights of their own; absent where none has. */
  readonly tasks?: TaskWeights | undefined
}

/** What was changed on top of the file. `base`: what the file said of the field when that was done. */
export type ConfigChange =
  | ({
      readonly kind: 'weights_set'
      readonly route: string
      readonly base: Readonly<Record<string, number>>
    } & WeightsInPlace)
  /** Back to the file. */
  | { readonly kind: 'weights_reset'; readonly route: string }
  /** The file says something else than under the change `of`, which is over for good. */
  | { readonly kind: 'weights_superseded'; readonly route: string; readonly of: RequestId }

/** One change as it was made, on one instance. Never edited: what it says was in force there from that moment on. */
export type ConfigEvent = {
  readonly id: RequestId
  readonly at: EpochMs
  readonly instance: string
  readonly actor: string
  readonly reason: string
  /** Of the file under which it was made. */
  readonly policyVersion: string
  /** The last revision that whoever made it had seen; 0 = none. */
  readonly after: number
  readonly change: ConfigChange
  /** In force until then. */
  readonly before: WeightsInPlace
  /** In force from then on. */
  readonly now: WeightsInPlace
}

/** A change with its place in the order of all: 1, 2, 3 … Whoever writes a revision first has written it. */
export type StoredEvent = ConfigEvent & { readonly revision: number }

/** The actor of what follows from the file. */
export const CONFIG_FILE = 'config file'
