/** What a route lets the feedback loop do with its weights. Absent from a route: nothing. */
export type FeedbackPolicy = {
  /** `suggest` writes down what `apply` would do. */
  readonly mode: 'suggest' | 'apply'
  /** What one point of quality (0.01) is worth, in US dollars per request; 0 = the cheapest that is good enough. */
  readonly pointUsd: number
  /** By how much an arm's quality may lie below the reference's, in [0, 1]. */
  readonly delta: number
  readonly reference: QualityReference
  /** Least share of an arm that is good enough, so that it never falls silent. */
  readonly floor: number
  /** Most share of any arm. */
  readonly ceiling: number
}

/** What is good enough goes by: an arm of the route, by its key, or a fixed quality in [0, 1]. */
export type QualityReference =
  | { readonly kind: 'arm'; readonly key: string }
  | { readonly kind: 'quality'; readonly value: number }
