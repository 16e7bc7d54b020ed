import type { LlmRequest } from './request.ts'
import type { StickyUnit } from './routing/facts.ts'
import type { RoutingState } from './state.ts'
import type { Target } from './target.ts'

/** Where a request goes, and why. Stored whole: the same facts and state decide the same again. */
export type Decision = {
  readonly route: string
  /** The rule of a `rules` route that held. */
  readonly rule?: string | undefined
  readonly arm: TraceArm
  /** Tried in this order until one answers. */
  readonly targets: readonly [DecidedTarget, ...DecidedTarget[]]
  /** Targets of the route that were passed over, and why; a degraded one is tried last all the same. */
  readonly rejected?: readonly RejectedTarget[] | undefined
  readonly reasons: readonly string[]
  readonly policyVersion: string
  /** Revision of the live changes on top of the file; '' without any. */
  readonly overlayRevision?: string | undefined
  readonly unit?: StickyUnit | undefined
  /** Undefined with the arm `none`. */
  readonly rollout?: RolloutMark | undefined
}

/** The side of a rollout that a request was on; `stable`: of a rollout, but not compared; `none`: of no rollout. */
export type TraceArm = 'stable' | 'candidate' | 'control' | 'none'

/** The rollout that a request was part of, as it stood then. */
export type RolloutMark = {
  readonly name: string
  /** Of the state that dealt the arms: with the journal up to there, the arm can be dealt again. */
  readonly revision: number
  readonly epoch: number
  /** As of `stageName`, or `succeeded`. */
  readonly stage: string
  /** Percentage of the units that the candidate answers; the control has as many, or what is left: 95 in the bake. */
  readonly percent: number
  /** Its answer is held against the other arm's: of the larger arm only as many units are as there are of the smaller. */
  readonly isCompared: boolean
  /** What the route calls the target that the request's arm stands for; others may have had to answer in its place. */
  readonly target: string
}

/** `key` is what the route calls the target; undefined on the default route, which has no targets of its own. */
export type DecidedTarget = Target & { readonly key?: string | undefined }

/** No target of the route may be called at all; sending the request elsewhere would be a guess. */
export type Refusal = {
  readonly refused: 'no_usable_target'
  readonly route: string
  readonly rule?: string | undefined
  readonly arm: TraceArm
  readonly rejected: readonly RejectedTarget[]
  readonly reasons: readonly string[]
  readonly policyVersion: string
  readonly overlayRevision?: string | undefined
  readonly unit?: StickyUnit | undefined
  readonly rollout?: RolloutMark | undefined
}

export type RejectedTarget = { readonly target: string; readonly why: RejectReason }

export const REJECT_REASONS = [
  'no_key',
  'other_dialect',
  'context_window',
  'needs_tools',
  'needs_images',
  'needs_audio',
  'needs_files',
  'needs_json_schema',
  'needs_json',
  'needs_hosted_tools',
  'needs_reasoning',
  'degraded',
  'breaker_open',
  'throttled',
  'weight_zero',
  'unknown_provider',
  'stored_elsewhere',
] as const
export type RejectReason = (typeof REJECT_REASONS)[number]

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
