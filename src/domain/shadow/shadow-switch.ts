import type { Decision, Refusal } from '../decide.ts'
import { livePhaseOf } from '../rollout/phase.ts'
import type { Overlay } from '../routing/overlay.ts'
import type { WeightedTarget } from '../routing/route.ts'
import { weightsInForce } from '../routing/weights.ts'
import type { RoutingState } from '../state.ts'
import type { Shadow } from './shadow.ts'

// A shadow is turned on and off while it runs by the way of all live changes: as a route of two positions, one of which
// has all the weight. Its name holds a colon, which no route's does.

const PREFIX = 'shadow:'

/** What live changes call the switch of a shadow. */
export function switchName(shadow: string): string {
  return PREFIX + shadow
}

/** The shadow whose switch live changes call so; undefined for the name of a route. */
export function switchedShadow(name: string): string | undefined {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined
}

/** The positions of the switch as the file has it. */
export function switchPositions({ isEnabled }: Pick<Shadow, 'isEnabled'>): readonly WeightedTarget[] {
  return [position('on', isEnabled), position('off', !isEnabled)]
}

/** The weights that turn a shadow on, or off. */
export function switchWeights(isOn: boolean): Readonly<Record<string, number>> {
  return { on: isOn ? 1 : 0, off: isOn ? 0 : 1 }
}

/** Whether a shadow is on: by a live change, as long as the file still says what it said under it, else by the file. */
export function isSwitchedOn(shadow: Pick<Shadow, 'name' | 'isEnabled'>, overlay: Overlay | undefined): boolean {
  if (overlay === undefined || overlay.weights.size === 0) return shadow.isEnabled
  const { targets } = weightsInForce(switchName(shadow.name), switchPositions(shadow), overlay)
  return targets.some(({ target, weight }) => target.key === 'on' && weight > 0)
}

/** Whether a shadow mirrors just now: that of a rollout does while the rollout is in its shadow, and is not paused. */
export function isMirroring(shadow: Pick<Shadow, 'name' | 'isEnabled' | 'rollout'>, state: RoutingState): boolean {
  if (!isSwitchedOn(shadow, state.overlay)) return false
  if (shadow.rollout === undefined) return true
  const phase = state.rollouts?.get(shadow.rollout)?.phase
  return phase !== undefined && phase.kind !== 'paused' && livePhaseOf(phase)?.kind === 'shadow'
}

/** Whether a request may be the shadow's, as far as its decision tells: those of rollouts and audits have their route's. */
export function isOfShadow(
  { rollout, audit }: Pick<Shadow, 'rollout' | 'audit'>,
  decision: Decision | Refusal,
): boolean {
  if (audit !== undefined && audit.route !== decision.route) return false
  return rollout === undefined || (decision.rollout?.name === rollout && decision.rollout.stage === 'shadow')
}

function position(key: string, holds: boolean): WeightedTarget {
  return { target: { key, provider: '', model: undefined }, weight: holds ? 1 : 0 }
}
