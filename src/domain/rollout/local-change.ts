import type { EpochMs, RequestId } from '../units.ts'
import { livePhaseOf } from './phase.ts'
import { AUTOMATIC, type Change, type RolloutEvent } from './rollout-event.ts'
import { applyEvent, type RolloutState } from './rollout-state.ts'

/**
 * A change that was made without the journal, in force where it was made and offered to the journal as soon as that can
 * be reached. Only what takes a candidate away, or follows the file, is made so.
 */
export type LocalChange = {
  readonly id: RequestId
  readonly rollout: string
  readonly at: EpochMs
  readonly actor: string
  readonly reason: string
  readonly change: Change
  /** Of the state that it was made on: evidence of another one is no reason for it. */
  readonly epoch: number
  /** What the file asks for, where that is why. */
  readonly asked?: string | undefined
  /** As of `EventStory`. */
  readonly decision?: RequestId | undefined
}

/** The change as the next event of `state`; undefined where the rollout has gone on so that it does not apply any more. */
export function eventOfLocal(state: RolloutState | undefined, local: LocalChange): RolloutEvent | undefined {
  if (!applies(state, local)) return undefined
  const { rollout, at, actor, reason, change } = local
  return { rollout, revision: (state?.revision ?? 0) + 1, at, actor, reason, change }
}

/** `state` with the local changes that apply, in order. */
export function withLocals(state: RolloutState | undefined, locals: readonly LocalChange[]): RolloutState | undefined {
  let now = state
  for (const local of locals) {
    const event = eventOfLocal(now, local)
    if (event !== undefined && now !== undefined) now = applyEvent(now, event)
  }
  return now
}

function applies(state: RolloutState | undefined, { change, epoch, at }: LocalChange): boolean {
  if (state === undefined || state.epoch !== epoch) return false
  const isLive = livePhaseOf(state.phase) !== undefined
  switch (change.kind) {
    case 'rolled_back':
      return isLive || state.phase.kind === 'succeeded'
    case 'aborted':
      return isLive || state.phase.kind === 'draft'
    case 'paused':
      // A person who has seen more has decided since.
      return isLive && state.phase.kind !== 'paused' && (state.changedAt <= at || state.actor === AUTOMATIC)
    case 'edited':
      return change.identity !== state.identity || change.steps.join() !== state.steps.join()
    case 'created':
    case 'started':
    case 'stepped':
    case 'held':
    case 'released':
    case 'resumed':
    case 'approved':
    case 'succeeded':
    case 'retried':
    case 'superseded':
      return false
  }
}
