import type { EpochMs } from '../units.ts'

/**
 * Live changes on top of the file (decision 8), folded from event rows. An entry holds only while the file still says
 * what it said when the change was made (`base`): a later edit of the same field in the file wins.
 */
export type Overlay = {
  /**
   * The last revision folded in, then `+<id>` of each change that has none yet; '' without any. On every trace that a route
   * decided.
   */
  readonly revision: string
  readonly weights: ReadonlyMap<string, RouteWeights>
}

/** Weights of one route by target key. `pins` are the operator's: nothing automatic moves them. */
export type RouteWeights = {
  readonly weights: Readonly<Record<string, number>>
  readonly pins: readonly string[]
  /** Of tasks that have weights of their own. */
  readonly tasks?: TaskWeights | undefined
  readonly base: Readonly<Record<string, number>>
  readonly actor: string
  readonly reason: string
  readonly at: EpochMs
}

/** Weights by target key, by task: of every target of the route. Tasks are named by clients. */
export type TaskWeights = Readonly<Record<string, Readonly<Record<string, number>>>>

export const NO_OVERLAY: Overlay = { revision: '', weights: new Map() }
