import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOLD_REASONS, type LivePhase } from '../../src/domain/rollout/phase.ts'
import type { Change, RolloutEvent } from '../../src/domain/rollout/rollout-event.ts'
import { applyEvent } from '../../src/domain/rollout/rollout-state.ts'
import {
  askedBy,
  entryOfRolloutEvent,
  readRolloutState,
  rolloutEventOf,
} from '../../src/domain/rollout/stored-event.ts'
import { aRollout, aStateAt, STARTED_AT } from '../fakes/a-rollout.ts'

const time = fc.integer({ min: STARTED_AT, max: STARTED_AT + 1e9 })
const live: fc.Arbitrary<LivePhase> = fc.oneof(
  fc.constantFrom<LivePhase>({ kind: 'shadow' }, { kind: 'baking' }),
  fc.double({ min: 0.1, max: 99.9, noNaN: true }).map((percent): LivePhase => ({ kind: 'ramping', percent })),
)
const steps = fc.array(fc.integer({ min: 1, max: 99 }))
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('created' as const), identity: fc.string(), steps }),
  fc.record({ kind: fc.constantFrom('started' as const, 'stepped' as const, 'retried' as const), into: live }),
  fc.record({ kind: fc.constant('held' as const), reason: fc.constantFrom(...HOLD_REASONS) }),
  fc.constantFrom<Change>(
    { kind: 'released' },
    { kind: 'paused' },
    { kind: 'resumed' },
    { kind: 'approved' },
    { kind: 'succeeded' },
    { kind: 'aborted' },
  ),
  fc.record({ kind: fc.constant('rolled_back' as const), cause: fc.string(), cooldownUntil: time }),
  fc.record({ kind: fc.constant('superseded' as const), by: fc.string() }),
  fc.record({ kind: fc.constant('edited' as const), identity: fc.string(), steps, first: live }),
)
const event: fc.Arbitrary<RolloutEvent> = fc.record({
  rollout: fc.string(),
  revision: fc.integer({ min: 1, max: 1e6 }),
  at: time,
  actor: fc.string(),
  reason: fc.string(),
  change,
})
const STORY = { id: 'id', instance: 'here', policyVersion: 'v', before: 'draft', after: 'shadow' }

describe('an event as its row', () => {
  it('is read as it was written, whatever it says', () => {
    fc.assert(
      fc.property(event, (told) => {
        expect(rolloutEventOf(entryOfRolloutEvent(told, STORY))).toEqual(told)
      }),
    )
  })

  it('is nothing where another version wrote what this one does not know', () => {
    const entry = entryOfRolloutEvent(
      { rollout: 'a', revision: 1, at: 1, actor: '', reason: '', change: { kind: 'paused' } },
      STORY,
    )
    for (const details of [
      '',
      '[]',
      '{"change":{"kind":"moved"}}',
      '{"change":{"kind":"stepped","into":{"kind":"ramping"}}}',
    ]) {
      expect(rolloutEventOf({ ...entry, details })).toBeUndefined()
    }
  })

  it('says what the file asked for, where that is why', () => {
    const told: RolloutEvent = { rollout: 'a', revision: 1, at: 1, actor: '', reason: '', change: { kind: 'paused' } }
    expect(askedBy(entryOfRolloutEvent(told, { ...STORY, asked: 'paused' }))).toBe('paused')
    expect(askedBy(entryOfRolloutEvent(told, STORY))).toBeUndefined()
  })
})

it('every state that events can lead to is read from a file as it was kept there', () => {
  fc.assert(
    fc.property(live, fc.array(event, { maxLength: 6 }), (phase, events) => {
      const state = events.reduce(applyEvent, aStateAt(aRollout(), phase))
      expect(readRolloutState(JSON.parse(JSON.stringify(state)))).toEqual(state)
    }),
  )
  expect(readRolloutState({ name: 'a' })).toBeUndefined()
  expect(readRolloutState(undefined)).toBeUndefined()
})
