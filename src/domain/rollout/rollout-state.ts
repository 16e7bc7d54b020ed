import type { EpochMs } from '../units.ts'
import { type LivePhase, livePhaseOf, type Phase } from './phase.ts'
import type { Change, RolloutEvent } from './rollout-event.ts'

/** Where a rollout stands: the fold of its events, and nothing else. */
export type RolloutState = {
  readonly name: string
  /** Of the last event that counted. */
  readonly revision: number
  readonly phase: Phase
  /** Rises when the evidence so far stops counting: another identity, or a retry. */
  readonly epoch: number
  readonly identity: string
  /** Percentages of the steps, as of the last event that told. */
  readonly steps: readonly number[]
  /** When the stage was entered: its evidence counts from here. */
  readonly enteredAt: EpochMs
  /** When the candidate got the share it has: the split of units first seen from here on is checked. */
  readonly dealtAt: EpochMs
  /** Of the time in the stage, how long it was paused, without a pause under way. */
  readonly pausedMs: number
  readonly pausedAt: EpochMs | undefined
  /** Somebody has approved leaving this stage. */
  readonly isApproved: boolean
  /** The last event's. */
  readonly changedAt: EpochMs
  readonly actor: string
  readonly reason: string
}

/**
 * The state after `events`, in any order, on top of `from`. An event that is there twice counts once; after a gap the
 * rest waits until the gap is filled. Undefined until the event that creates the rollout is there.
 */
export function fold(events: readonly RolloutEvent[], from?: RolloutState): RolloutState | undefined {
  let state = from
  for (const event of events.toSorted((one, other) => one.revision - other.revision)) {
    const expected = (state?.revision ?? 0) + 1
    if (event.revision === expected) state = state === undefined ? created(event) : applyEvent(state, event)
  }
  return state
}

/** `state` after its next event. */
export function applyEvent(state: RolloutState, event: RolloutEvent): RolloutState {
  const { revision, at, actor, reason } = event
  return { ...changed(state, event.change, at), revision, changedAt: at, actor, reason }
}

function created({ rollout, revision, at, actor, reason, change }: RolloutEvent): RolloutState | undefined {
  if (change.kind !== 'created') return undefined
  return {
    name: rollout,
    revision,
    phase: { kind: 'draft' },
    epoch: 1,
    identity: change.identity,
    steps: change.steps,
    enteredAt: at,
    dealtAt: at,
    pausedMs: 0,
    pausedAt: undefined,
    isApproved: false,
    changedAt: at,
    actor,
    reason,
  }
}

function changed(state: RolloutState, change: Change, at: EpochMs): RolloutState {
  const live = livePhaseOf(state.phase)
  switch (change.kind) {
    case 'created':
      return state
    case 'started':
    case 'stepped':
      return entered(state, change.into, at)
    case 'retried':
      return { ...entered(state, change.into, at), epoch: state.epoch + 1 }
    case 'held':
      return live === undefined ? state : { ...state, phase: { kind: 'holding', at: live, reason: change.reason } }
    case 'released':
      return live === undefined ? state : { ...state, phase: live }
    case 'paused':
      return live === undefined ? state : { ...state, phase: { kind: 'paused', at: live }, pausedAt: at }
    case 'resumed':
      return live === undefined ? state : { ...awake(state, at), phase: live }
    case 'approved':
      return { ...state, isApproved: true }
    case 'succeeded':
    case 'aborted':
      return { ...awake(state, at), phase: { kind: change.kind } }
    case 'rolled_back':
      return {
        ...awake(state, at),
        phase: { kind: 'rolled_back', cause: change.cause, cooldownUntil: change.cooldownUntil },
      }
    case 'superseded':
      return { ...awake(state, at), phase: { kind: 'superseded', by: change.by } }
    case 'edited':
      return change.identity === state.identity
        ? { ...moved(state, change.steps, at), steps: change.steps }
        : begunAnew(state, change, at)
  }
}

/** A stage begins: what was shown, approved or paused before belongs to the last one. */
function entered(state: RolloutState, phase: Phase, at: EpochMs): RolloutState {
  return { ...state, phase, enteredAt: at, dealtAt: at, pausedMs: 0, pausedAt: undefined, isApproved: false }
}

function awake(state: RolloutState, at: EpochMs): RolloutState {
  const pausedMs = state.pausedMs + (state.pausedAt === undefined ? 0 : Math.max(0, at - state.pausedAt))
  return { ...state, pausedMs, pausedAt: undefined }
}

/**
 * Nothing is known of the new candidate: a live rollout begins again at its first stage (paused if it was), one that
 * had ended becomes a draft, lest a candidate nobody has seen inherit all the traffic.
 */
function begunAnew(state: RolloutState, change: Change & { kind: 'edited' }, at: EpochMs): RolloutState {
  const isLive = livePhaseOf(state.phase) !== undefined
  const isPaused = state.phase.kind === 'paused'
  const phase: Phase = !isLive ? { kind: 'draft' } : isPaused ? { kind: 'paused', at: change.first } : change.first
  const begun = entered(state, phase, at)
  return {
    ...begun,
    pausedAt: isPaused ? at : undefined,
    epoch: state.epoch + 1,
    identity: change.identity,
    steps: change.steps,
  }
}

/**
 * After an edit of the percentages: a step that got another number follows it; otherwise nothing moves. A percentage that is
 * still a step is still the same: of `5, 25, 50` made `25, 50, 75` nobody at 25 % is to be shown to twice as many unproven.
 */
function moved(state: RolloutState, steps: readonly number[], at: EpochMs): RolloutState {
  const { phase } = state
  const live = livePhaseOf(phase)
  if (live?.kind !== 'ramping' || state.steps.length !== steps.length || steps.includes(live.percent)) return state
  const percent = steps[state.steps.indexOf(live.percent)]
  if (percent === undefined) return state
  const there: LivePhase = { kind: 'ramping', percent }
  const isStill = phase.kind === 'paused' || phase.kind === 'holding'
  return { ...state, phase: isStill ? { ...phase, at: there } : there, dealtAt: at }
}
