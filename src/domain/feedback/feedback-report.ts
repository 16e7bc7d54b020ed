import type { EpochMs } from '../units.ts'

/** What the loop of this process last knew of a route. */
export type RouteFeedback = {
  readonly route: string
  readonly mode: 'suggest' | 'apply'
  /** `waiting`: not looked at yet, or another proxy decides. */
  readonly verdict: 'waiting' | 'moved' | 'held' | 'frozen'
  /** One sentence. */
  readonly detail: string
  /** When it was looked at; undefined: never. */
  readonly at: EpochMs | undefined
}

export type FeedbackReport = {
  readonly routes: readonly RouteFeedback[]
  /** Rows written since the start, by route and kind. */
  readonly decisions: readonly { readonly route: string; readonly kind: string; readonly count: number }[]
}
