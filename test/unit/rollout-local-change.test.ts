import { describe, expect, it } from 'vitest'
import { eventOfLocal, type LocalChange, withLocals } from '../../src/domain/rollout/local-change.ts'
import type { Change } from '../../src/domain/rollout/rollout-event.ts'
import { aRollout, aStateAt, STARTED_AT } from '../fakes/a-rollout.ts'

const AT = STARTED_AT + 60_000
const BACK: Change = { kind: 'rolled_back', cause: 'breaker', cooldownUntil: AT + 1 }

function aLocal(change: Change, changes: Partial<LocalChange> = {}): LocalChange {
  return { id: 'id', rollout: 'haiku', at: AT, actor: 'ada', reason: '', change, epoch: 1, ...changes }
}

describe('what was done without the journal', () => {
  const live = aStateAt(aRollout(), { kind: 'ramping', percent: 5 })

  it('is in force at once, and the next event when the journal is back', () => {
    expect(withLocals(live, [aLocal(BACK)])?.phase.kind).toBe('rolled_back')
    expect(eventOfLocal(live, aLocal(BACK))).toMatchObject({ revision: 3, change: BACK })
  })

  it('stops a candidate also where others have moved it on meanwhile', () => {
    const moved = { ...live, revision: 9, phase: { kind: 'baking' } as const, changedAt: AT + 5_000, actor: 'bob' }
    expect(eventOfLocal(moved, aLocal(BACK))).toMatchObject({ revision: 10 })
  })

  it('says nothing of another epoch, nor of what has ended by then', () => {
    expect(eventOfLocal({ ...live, epoch: 2 }, aLocal(BACK))).toBeUndefined()
    expect(eventOfLocal({ ...live, phase: { kind: 'aborted' } }, aLocal(BACK))).toBeUndefined()
    expect(eventOfLocal(undefined, aLocal(BACK))).toBeUndefined()
  })

  it('a pause gives way to what a person has decided since, not to what evidence has', () => {
    const pause = aLocal({ kind: 'paused' })
    expect(eventOfLocal({ ...live, changedAt: AT + 1, actor: 'bob' }, pause)).toBeUndefined()
    expect(eventOfLocal({ ...live, changedAt: AT + 1, actor: 'understudy' }, pause)).toBeDefined()
  })

  it('is never a step: only what takes a candidate away, or follows the file, is done alone', () => {
    expect(eventOfLocal(live, aLocal({ kind: 'stepped', into: { kind: 'baking' } }))).toBeUndefined()
    expect(eventOfLocal(live, aLocal({ kind: 'succeeded' }))).toBeUndefined()
  })
})
