import { armOf, comparedShares, unitShare } from '../assign.ts'
import type { RolloutMark } from '../decide.ts'
import type { StickyUnit } from '../routing/facts.ts'
import type { RouteTarget } from '../routing/route.ts'
import type { ArmPin, DealtArm } from './arm-pin.ts'
import { livePhaseOf, sharesOf, stageName } from './phase.ts'
import type { Rollout, RolloutTarget } from './rollout.ts'
import type { RolloutState } from './rollout-state.ts'

/** A request's part in a rollout. */
export type Dealt = {
  readonly arm: DealtArm
  /** The arm is that of the conversation's beginning, whatever the share is now. */
  readonly isPinned: boolean
  readonly mark: RolloutMark
  /** Whose model answers: the candidate's, or stable's. */
  readonly target: RolloutTarget
}

/**
 * The arm that falls to `unit`, where the route would send it to `first`; undefined where no rollout that replaces `first`
 * is live. Percentages are of new conversations: one that runs keeps the arm it began with (`pins`), until the rollout is
 * over. Nobody sees a candidate that the state is not about: the file may know of another one before the journal does.
 */
export function dealArm(
  rollouts: readonly Rollout[],
  states: ReadonlyMap<string, RolloutState>,
  first: RouteTarget,
  unit: StickyUnit,
  pins: readonly ArmPin[] | undefined,
): Dealt | undefined {
  for (const rollout of rollouts) {
    const state = states.get(rollout.name)
    if (rollout.stable.key !== first.key || state === undefined || state.identity !== rollout.identity) continue
    const live = livePhaseOf(state.phase)
    const hasSucceeded = state.phase.kind === 'succeeded'
    if (live === undefined && !hasSucceeded) continue
    const { name, epoch, revision } = state
    const shares = sharesOf(state.phase)
    const pin = hasSucceeded ? undefined : pins?.find((each) => each.rollout === name && each.epoch === epoch)
    const share = unitShare(rollout.salt, unit.value)
    const arm = pin?.arm ?? dealt(armOf(share, shares))
    const isCompared = armOf(share, comparedShares(shares)) === arm
    const target = arm === 'candidate' ? rollout.candidate : rollout.stable
    const stage = live === undefined ? 'succeeded' : stageName(live)
    const percent = Math.round(shares.candidate * 1e6) / 1e4
    const mark = { name, revision, epoch, stage, percent, isCompared, target: target.key }
    return { arm, isPinned: pin !== undefined, target, mark }
  }
  return undefined
}

/** Outside the two arms a unit is on stable, and not compared. */
function dealt(arm: ReturnType<typeof armOf>): DealtArm {
  return arm === 'none' ? 'stable' : arm
}
