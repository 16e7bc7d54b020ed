import { type ArmShares, armShares } from '../assign.ts'
import type { EpochMs } from '../units.ts'

/** Where a rollout stands while its candidate is being tried. `percent` is the candidate's share of live units. */
export type LivePhase =
  | { readonly kind: 'shadow' }
  | { readonly kind: 'ramping'; readonly percent: number }
  | { readonly kind: 'baking' }

/** Where a rollout stands. `at` is where it goes on from; what its candidate is shown to meanwhile does not change. */
export type Phase =
  | { readonly kind: 'draft' }
  | LivePhase
  | { readonly kind: 'paused'; readonly at: LivePhase }
  | { readonly kind: 'holding'; readonly at: LivePhase; readonly reason: HoldReason }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'rolled_back'; readonly cause: string; readonly cooldownUntil: EpochMs }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'superseded'; readonly by: string }

/** Why a rollout does not go on although it is not merely waiting: somebody may have to look. */
export const HOLD_REASONS = [
  'no_data',
  'stale_data',
  'sample_ratio',
  'both_arms',
  'coverage',
  'missing_by_arm',
  'judge_failing',
  'judge_biased',
  'judge_untrusted',
  'signal',
  'stable_failing',
  'approval',
  'timeout',
] as const
export type HoldReason = (typeof HOLD_REASONS)[number]

/** Where a live rollout stands, paused or holding or not; undefined before the start and after the end. */
export function livePhaseOf(phase: Phase): LivePhase | undefined {
  switch (phase.kind) {
    case 'shadow':
    case 'ramping':
    case 'baking':
      return phase
    case 'paused':
    case 'holding':
      return phase.at
    case 'draft':
    case 'succeeded':
    case 'rolled_back':
    case 'aborted':
    case 'superseded':
      return undefined
  }
}

/** Whom the candidate answers in this phase. */
export function sharesOf(phase: Phase): ArmShares {
  if (phase.kind === 'succeeded') return armShares(100, false)
  const live = livePhaseOf(phase)
  switch (live?.kind) {
    case 'ramping':
      return armShares(live.percent, false)
    case 'baking':
      return armShares(100, true)
    case 'shadow':
    case undefined:
      return armShares(0, false)
  }
}

/** The name by which evidence is kept apart: `shadow`, `25%`, `baking`. */
export function stageName(phase: LivePhase): string {
  return phase.kind === 'ramping' ? `${phase.percent}%` : phase.kind
}

/** The phase in words: `holding at 25% (coverage)`. */
export function phaseText(phase: Phase): string {
  switch (phase.kind) {
    case 'ramping':
      return `ramping at ${phase.percent}%`
    case 'paused':
      return `paused at ${stageName(phase.at)}`
    case 'holding':
      return `holding at ${stageName(phase.at)} (${phase.reason})`
    case 'rolled_back':
      return `rolled back (${phase.cause})`
    case 'superseded':
      return `superseded by ${phase.by}`
    case 'draft':
    case 'shadow':
    case 'baking':
    case 'succeeded':
    case 'aborted':
      return phase.kind
  }
}
