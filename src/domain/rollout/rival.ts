import { livePhaseOf, phaseText } from './phase.ts'
import { isAskedToEnd, type Rollout } from './rollout.ts'
import type { RolloutState } from './rollout-state.ts'

/**
 * Why `rollout` may not begin now: another one leads clients of its route already. Of two, the first in the file would get
 * all the units, and the other would wait for ever for evidence that cannot come. Undefined where nothing stands in its way.
 */
export function rivalry(
  rollout: Rollout,
  rollouts: readonly Rollout[],
  states: ReadonlyMap<string, RolloutState>,
): string | undefined {
  for (const other of rollouts) {
    const phase = states.get(other.name)?.phase
    if (phase === undefined || other.name === rollout.name || other.route !== rollout.route) continue
    if (isAskedToEnd(other) || (livePhaseOf(phase) === undefined && phase.kind !== 'succeeded')) continue
    const remedy = phase.kind === 'succeeded' ? 'write its candidate into the route and take it out' : 'abort it'
    return `${other.name} is ${phaseText(phase)} on the same route; ${remedy} first.`
  }
  return undefined
}
