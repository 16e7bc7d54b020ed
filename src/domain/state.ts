import type { Policy } from './policy.ts'
import type { RolloutState } from './rollout/rollout-state.ts'
import type { Overlay } from './routing/overlay.ts'

/** All that routing looks at, in one immutable value. Reload, live changes and rollouts swap in a new one. */
export type RoutingState = {
  readonly policy: Policy
  /** First 16 hex digits of the SHA-256 over the config file's bytes; on every trace. */
  readonly policyVersion: string
  /** Live changes on top of the policy; none where there is no store, or none were made. */
  readonly overlay?: Overlay | undefined
  /** Where the rollouts stand, by name. A rollout of which nothing is known here shows its candidate to nobody. */
  readonly rollouts?: ReadonlyMap<string, RolloutState> | undefined
}
