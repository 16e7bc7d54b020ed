import { livePhaseOf, stageName } from '../domain/rollout/phase.ts'
import type { RolloutEvent } from '../domain/rollout/rollout-event.ts'
import { fold, type RolloutState } from '../domain/rollout/rollout-state.ts'
import { rolloutEventOf } from '../domain/rollout/stored-event.ts'
import { ENTRY_FIELDS, journalEntry } from './journal-rows.ts'
import type { Row } from './row-reader.ts'

/** The rollout of a trace as its row has it; without one the name is empty. */
export type StoredRollout = {
  readonly name: string
  readonly revision: number
  readonly epoch: number
  readonly stage: string
}

/** Where the rollout of a trace stood when its arm was dealt, or why that is not known. */
export type RolloutStates = (rollout: StoredRollout) => ReadonlyMap<string, RolloutState> | string

/** The history of every rollout. */
export async function readRolloutEvents(
  ask: (sql: string) => Promise<readonly Row[]>,
): Promise<readonly RolloutEvent[]> {
  const rows = await ask(`SELECT ${ENTRY_FIELDS} FROM rollout_events ORDER BY name, rollout_events.revision`)
  return rows.flatMap((row) => rolloutEventOf(journalEntry(row)) ?? [])
}

/**
 * Folds `events` up to the revision of a trace. One that was dealt on a change which the journal gave to somebody else (made
 * on an instance that had lost sight of it) is not taken for what the journal says.
 */
export function openRolloutStates(events: readonly RolloutEvent[]): RolloutStates {
  const known = new Map<string, RolloutState | undefined>()
  const stateAt = (name: string, revision: number): RolloutState | undefined => {
    const key = `${name}/${revision}`
    if (!known.has(key)) {
      known.set(key, fold(events.filter((event) => event.rollout === name && event.revision <= revision)))
    }
    return known.get(key)
  }
  return ({ name, revision, epoch, stage }) => {
    if (name === '') return new Map()
    const state = stateAt(name, revision)
    if (state?.revision !== revision) return `revision ${revision} of the rollout ${name} is not stored`
    if (state.epoch !== epoch || stageOf(state) !== stage) {
      return `revision ${revision} of the rollout ${name} was another one where it was decided`
    }
    return new Map([[name, state]])
  }
}

function stageOf({ phase }: RolloutState): string {
  const live = livePhaseOf(phase)
  return live === undefined ? phase.kind : stageName(live)
}
