import type { LlmRequest } from './request.ts'
import type { RoutingState } from './state.ts'
import type { Target } from './target.ts'

/** Where a request goes, and why. Stored whole: the same request and state decide the same again. */
export type Decision = {
  readonly route: string
  readonly arm: 'stable' | 'candidate' | 'control' | 'none'
  /** Tried in this order until one answers. */
  readonly targets: readonly [Target, ...Target[]]
  readonly reasons: readonly string[]
  readonly policyVersion: string
}

/** The route of everything the policy does not claim: to the provider of the mount, with the model as asked. */
export const DEFAULT_ROUTE = 'default'

/** Picks the targets for `request`. Pure: no clock, no draw, no I/O. */
export function decide(request: LlmRequest, state: RoutingState): Decision {
  return {
    route: DEFAULT_ROUTE,
    arm: 'none',
    targets: [{ provider: request.provider, model: request.model }],
    reasons: ['default_route'],
    policyVersion: state.policyVersion,
  }
}
