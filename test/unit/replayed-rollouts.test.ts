import { expect, it } from 'vitest'
import { openRolloutStates } from '../../src/compose/replayed-rollouts.ts'
import { create } from '../../src/domain/rollout/command.ts'
import type { RolloutEvent } from '../../src/domain/rollout/rollout-event.ts'
import { aRollout, STARTED_AT } from '../fakes/a-rollout.ts'

const by = { actor: 'ada', reason: 'test', at: STARTED_AT }
const events: readonly RolloutEvent[] = [
  create(aRollout(), by),
  { rollout: 'haiku', revision: 2, ...by, change: { kind: 'started', into: { kind: 'ramping', percent: 5 } } },
  { rollout: 'haiku', revision: 3, ...by, change: { kind: 'stepped', into: { kind: 'ramping', percent: 25 } } },
]
const states = openRolloutStates(events)
const stored = { name: 'haiku', revision: 2, epoch: 1, stage: '5%' }

it('a rollout stands as it did at the revision of the trace, whatever came after', () => {
  expect(states(stored)).toEqual(
    new Map([['haiku', expect.objectContaining({ phase: { kind: 'ramping', percent: 5 } })]]),
  )
})

it('a trace of no rollout was decided without any', () => {
  expect(states({ name: '', revision: 0, epoch: 0, stage: '' })).toEqual(new Map())
})

it('a revision that is not there, or that was another change where it was decided, is not taken for the same', () => {
  expect(states({ ...stored, revision: 4 })).toBe('revision 4 of the rollout haiku is not stored')
  for (const other of [{ stage: '10%' }, { epoch: 2 }]) {
    expect(states({ ...stored, ...other })).toBe('revision 2 of the rollout haiku was another one where it was decided')
  }
})
