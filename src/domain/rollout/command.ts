import type { EpochMs } from '../units.ts'
import { livePhaseOf, phaseText, stageName } from './phase.ts'
import { type Asked, firstStage, gateOf, isAskedToEnd, nextStage, type Plan, type Rollout } from './rollout.ts'
import type { Change, RolloutEvent } from './rollout-event.ts'
import type { RolloutState } from './rollout-state.ts'

/** What a person can ask of a rollout. */
export type Verb =
  | { readonly kind: 'start' | 'pause' | 'resume' | 'rollback' | 'abort' | 'retry' | 'approve' }
  | { readonly kind: 'promote'; readonly to: 'step' | 'full' }
  | { readonly kind: 'supersede'; readonly by: string }

/** Who asks, when, and why. */
export type Authorship = { readonly actor: string; readonly reason: string; readonly at: EpochMs }

/** The event that does it, or why it cannot be done and what can. */
export type Answer =
  | { readonly kind: 'event'; readonly event: RolloutEvent }
  | { readonly kind: 'refused'; readonly because: string }

/** The event that brings `rollout` into being, as a draft. */
export function create(rollout: Rollout, by: Authorship): RolloutEvent {
  return eventOf(rollout.name, 1, by, {
    kind: 'created',
    identity: rollout.identity,
    steps: percents(rollout.plan),
  })
}

/** What `verb` does to a rollout that stands at `state`. */
export function command(rollout: Rollout, state: RolloutState, verb: Verb, by: Authorship): Answer {
  const change = changeOf(rollout, state, verb, by.at)
  if (typeof change === 'string') {
    return { kind: 'refused', because: `${rollout.name} is ${phaseText(state.phase)}: ${change}` }
  }
  return { kind: 'event', event: eventOf(rollout.name, state.revision + 1, by, change) }
}

/** The event that brings the state up to the file; undefined when it says the same. */
export function reconcile({ name, identity, plan }: Rollout, state: RolloutState, by: Authorship) {
  const steps = percents(plan)
  const isSame = steps.length === state.steps.length && steps.every((percent, index) => percent === state.steps[index])
  if (identity === state.identity && isSame) return undefined
  return eventOf(name, state.revision + 1, by, { kind: 'edited', identity, steps, first: firstStage(plan) })
}

/** The next event of a rollout. */
export function eventOf(rollout: string, revision: number, by: Authorship, change: Change): RolloutEvent {
  return { rollout, revision, at: by.at, actor: by.actor, reason: by.reason, change }
}

/** The change that `verb` makes, or in words why it cannot. */
function changeOf(rollout: Rollout, state: RolloutState, verb: Verb, at: EpochMs): Change | string {
  const { plan, asked } = rollout
  const { phase } = state
  const live = livePhaseOf(phase)
  switch (verb.kind) {
    case 'start':
      if (phase.kind === 'draft')
        return isAskedToEnd(rollout) ? overByFile(asked) : { kind: 'started', into: firstStage(plan) }
      return live === undefined ? 'what has ended is started again with retry.' : 'it has been started already.'
    case 'pause':
      if (phase.kind === 'paused') return 'it is paused already; resume lets it go on.'
      return live === undefined ? 'only a rollout under way can be paused.' : { kind: 'paused' }
    case 'resume':
      if (phase.kind === 'paused') return { kind: 'resumed' }
      if (phase.kind === 'holding') return 'it goes on by itself when the reason is gone; promote overrides it.'
      return 'only a paused rollout can be resumed.'
    case 'promote': {
      if (phase.kind === 'paused') return 'resume it first.'
      if (live === undefined) return phase.kind === 'draft' ? 'start it first.' : 'it has ended; retry begins it again.'
      const next = nextStage(plan, live)
      if (next === undefined) return { kind: 'succeeded' }
      return { kind: 'stepped', into: verb.to === 'full' ? { kind: 'baking' } : next }
    }
    case 'rollback':
      if (live === undefined && phase.kind !== 'succeeded') return 'its candidate answers nobody.'
      return { kind: 'rolled_back', cause: 'by hand', cooldownUntil: at + plan.cooldownMs }
    case 'abort':
      if (live === undefined && phase.kind !== 'draft') return 'it has ended; only one under way can be aborted.'
      return { kind: 'aborted' }
    case 'retry':
      if (phase.kind === 'rolled_back' && at < phase.cooldownUntil) {
        const until = new Date(phase.cooldownUntil).toISOString()
        return `it may be retried from ${until} on; another candidate may be tried at once.`
      }
      if (phase.kind !== 'rolled_back' && phase.kind !== 'aborted' && phase.kind !== 'superseded') {
        return phase.kind === 'draft'
          ? 'it has not begun; start it.'
          : 'only what was rolled back, aborted or superseded can be retried.'
      }
      return isAskedToEnd(rollout) ? overByFile(asked) : { kind: 'retried', into: firstStage(plan) }
    case 'approve':
      if (live === undefined) return 'only a rollout under way can be approved.'
      if (gateOf(plan, live)?.needsApproval !== true) return `leaving ${stageName(live)} needs no approval.`
      return state.isApproved ? `leaving ${stageName(live)} is approved already.` : { kind: 'approved' }
    case 'supersede':
      if (live === undefined && phase.kind !== 'draft') return 'it has ended and need not be superseded.'
      return { kind: 'superseded', by: verb.by }
  }
}

/** While the file says so no client would see its candidate, whatever its state. */
function overByFile({ state }: Asked): string {
  return `the file asks for ${state}; write state: running there.`
}

function percents({ steps }: Plan): readonly number[] {
  return steps.map(({ percent }) => percent)
}
