import { create } from '../../src/domain/rollout/command.ts'
import type { LivePhase, Phase } from '../../src/domain/rollout/phase.ts'
import { fold, type RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import type { RoutingState } from '../../src/domain/state.ts'
import { STARTED_AT } from './a-rollout.ts'

export const at = (percent: number): LivePhase => ({ kind: 'ramping', percent })

/** `state` with its rollouts at these phases, by name; one that is not named is not known. */
export function withRollouts(
  state: RoutingState,
  phases: Readonly<Record<string, Phase>>,
  changes: Partial<RolloutState> = {},
): RoutingState {
  const states = state.policy.rollouts.flatMap((rollout): readonly (readonly [string, RolloutState])[] => {
    const phase = phases[rollout.name]
    const draft = fold([create(rollout, { actor: 'ada', reason: 'test', at: STARTED_AT })])
    if (phase === undefined || draft === undefined) return []
    return [[rollout.name, { ...draft, phase, revision: 2, ...changes }]]
  })
  return { ...state, rollouts: new Map(states) }
}
