import type { RoutingState } from '../state.ts'
import { type ReadyShadow, readyShadows } from './ready-shadows.ts'
import { isMirroring } from './shadow-switch.ts'

const known = new WeakMap<RoutingState, readonly ReadyShadow[]>()

/** The shadows that mirror just now; the same value for the same state, as every request asks. */
export function mirroringShadows(state: RoutingState): readonly ReadyShadow[] {
  const made = known.get(state)
  if (made !== undefined) return made
  const mirroring = readyShadows(state.policy).all.filter(({ shadow }) => isMirroring(shadow, state))
  known.set(state, mirroring)
  return mirroring
}
