import { CONFIG_FILE } from '../domain/changes/config-event.ts'
import { type Authorship, command, create, eventOf, reconcile, type Verb } from '../domain/rollout/command.ts'
import { livePhaseOf } from '../domain/rollout/phase.ts'
import { type Asked, firstStage, type Rollout } from '../domain/rollout/rollout.ts'
import type { RolloutEvent } from '../domain/rollout/rollout-event.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import type { EpochMs } from '../domain/units.ts'

/** The next thing that has to happen so that a rollout is as the file says, and what it asks for, for the record. */
export type FileEvent = { readonly event: RolloutEvent; readonly asked: string }

/** What the file asks for, in one word: it is a command when it is another one than before. */
export function askedText({ state, promoteTo }: Asked): string {
  return promoteTo === undefined ? state : `${state}, promote to ${promoteTo}`
}

/**
 * The next event by which a rollout comes to what the file says; undefined where it is there. `askedBefore`: what the file
 * asked for when it last caused an event, undefined where it never did. What is asked for anew is answered once, by an
 * event in any case: otherwise it would still stand after a rollback, and bring back what was rolled back. `rivalry`: why
 * it may not begin now.
 */
export function nextFileEvent(
  rollout: Rollout,
  state: RolloutState | undefined,
  askedBefore: string | undefined,
  at: EpochMs,
  rivalry?: string,
): FileEvent | undefined {
  const { asked: wanted } = rollout
  const asked = askedText(wanted)
  const by = (reason: string): Authorship => ({ actor: CONFIG_FILE, reason, at })
  // A promotion is asked of what runs; until then only the rest of it has been heard.
  const heard = wanted.promoteTo === undefined ? asked : wanted.state
  if (state === undefined) return { event: create(rollout, by('it is in the file')), asked: heard }
  const edited = reconcile(rollout, state, by('the file was edited'))
  if (edited !== undefined) return { event: edited, asked: askedBefore ?? heard }
  const isDraft = wanted.state === 'running' && state.phase.kind === 'draft'
  if (!isDraft && asked === askedBefore) return undefined
  const verb = verbOf(wanted, state)
  const reason = `the file asks for ${asked}`
  const isHindered = rivalry !== undefined && (verb?.kind === 'start' || verb?.kind === 'retry')
  const answer = isHindered
    ? ({ kind: 'refused', because: rivalry } as const)
    : verb === undefined
      ? undefined
      : command(rollout, state, verb, by(reason))
  if (answer?.kind === 'event') {
    const isDone = verb?.kind === 'promote' ? isReached(wanted, answer.event) : wanted.promoteTo === undefined
    return { event: answer.event, asked: isDone ? asked : heard }
  }
  if (isDraft) return undefined
  const why = answer === undefined ? 'it is so already' : answer.because
  return { event: noted(rollout, state, by(`${reason}: ${why}`)), asked }
}

/** Changes nothing; it says that the file was heard. */
function noted({ name, plan }: Rollout, { revision, identity, steps }: RolloutState, by: Authorship): RolloutEvent {
  return eventOf(name, revision + 1, by, { kind: 'edited', identity, steps, first: firstStage(plan) })
}

/** The end of a rollout that the file does not name any more; undefined where there is nothing to end. */
export function endOfForgotten(
  state: RolloutState,
  successor: string | undefined,
  at: EpochMs,
): RolloutEvent | undefined {
  if (livePhaseOf(state.phase) === undefined && state.phase.kind !== 'draft') return undefined
  const reason = successor === undefined ? 'it is not in the file any more' : `the file has ${successor} in its place`
  const { name, revision } = state
  const change =
    successor === undefined ? ({ kind: 'aborted' } as const) : ({ kind: 'superseded', by: successor } as const)
  return { rollout: name, revision: revision + 1, at, actor: CONFIG_FILE, reason, change }
}

/** Undefined where it is as the file wants it. */
function verbOf({ state: wanted, promoteTo }: Asked, { phase }: RolloutState): Verb | undefined {
  const live = livePhaseOf(phase)
  switch (wanted) {
    case 'draft':
      return undefined
    case 'paused':
      return live === undefined || phase.kind === 'paused' ? undefined : { kind: 'pause' }
    case 'rolled_back':
      return live === undefined && phase.kind !== 'succeeded' ? undefined : { kind: 'rollback' }
    case 'aborted':
      return live === undefined && phase.kind !== 'draft' ? undefined : { kind: 'abort' }
    case 'running': {
      if (phase.kind === 'draft') return { kind: 'start' }
      if (phase.kind === 'paused') return { kind: 'resume' }
      if (live === undefined) return phase.kind === 'succeeded' ? undefined : { kind: 'retry' }
      if (promoteTo === undefined || live.kind === 'baking') return undefined
      if (promoteTo === 'full') return { kind: 'promote', to: 'full' }
      return live.kind === 'ramping' && live.percent >= promoteTo ? undefined : { kind: 'promote', to: 'step' }
    }
  }
}

function isReached({ promoteTo }: Asked, { change }: RolloutEvent): boolean {
  if (promoteTo === undefined || promoteTo === 'full' || change.kind !== 'stepped') return true
  return change.into.kind !== 'ramping' || change.into.percent >= promoteTo
}
