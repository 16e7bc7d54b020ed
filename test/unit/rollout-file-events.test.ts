import { describe, expect, it } from 'vitest'
import { command } from '../../src/domain/rollout/command.ts'
import { phaseText } from '../../src/domain/rollout/phase.ts'
import type { Asked, Rollout } from '../../src/domain/rollout/rollout.ts'
import { applyEvent, fold, type RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import { endOfForgotten, nextFileEvent } from '../../src/rollout/file-events.ts'
import { aRollout, aStateAt, DAY_MS, STARTED_AT } from '../fakes/a-rollout.ts'

/** What is known of a rollout: its state, and what the file asked for last. */
type Known = { readonly state: RolloutState | undefined; readonly asked: string | undefined }

const NEW: Known = { state: undefined, asked: undefined }

function asking(state: Asked['state'], promoteTo?: Asked['promoteTo'], changes: Partial<Rollout> = {}): Rollout {
  return aRollout({ asked: { state, promoteTo }, ...changes })
}

/** As the decider does it: until the file has nothing more to say. Fails when that never comes. */
function heard(rollout: Rollout, known: Known, at = STARTED_AT): Known {
  let { state, asked } = known
  for (let count = 0; count < 20; count++) {
    const next = nextFileEvent(rollout, state, asked, at)
    if (next === undefined) return { state, asked }
    state = state === undefined ? fold([next.event]) : applyEvent(state, next.event)
    asked = next.asked
  }
  throw new Error('the file is never content')
}

function done(
  rollout: Rollout,
  known: Known,
  kind: 'pause' | 'resume' | 'rollback' | 'abort' | 'start',
  at = STARTED_AT,
): Known {
  if (known.state === undefined) throw new Error('nothing is known')
  const answer = command(rollout, known.state, { kind }, { actor: 'ada', reason: '', at })
  if (answer.kind === 'refused') throw new Error(answer.because)
  return { ...known, state: applyEvent(known.state, answer.event) }
}

function phase({ state }: Known): string {
  return state === undefined ? '' : phaseText(state.phase)
}

describe('a rollout comes to what the file says:', () => {
  it('three lines start it, and a draft stays one until somebody starts it', () => {
    expect(phase(heard(asking('running'), NEW))).toBe('shadow')
    const draft = heard(asking('draft'), NEW)
    expect(phase(draft)).toBe('draft')
    expect(phase(heard(asking('draft'), done(asking('draft'), draft, 'start')))).toBe('shadow')
    expect(phase(heard(asking('paused'), NEW))).toBe('draft')
  })

  it('a word of the file that is new is a command, the same word again is none', () => {
    const running = heard(asking('running'), NEW)
    const paused = heard(asking('paused'), running)
    expect(phase(paused)).toBe('paused at shadow')
    const byHand = done(asking('paused'), paused, 'resume')
    expect(phase(heard(asking('paused'), byHand))).toBe('shadow')
    expect(phase(heard(asking('aborted'), byHand))).toBe('aborted')
    expect(phase(heard(asking('rolled_back'), byHand))).toBe('rolled back (by hand)')
  })

  it('what was rolled back stays so, though the file said running before and says so still', () => {
    const paused = heard(asking('paused'), heard(asking('running'), NEW))
    // Somebody was quicker than the edit, which so had nothing to do.
    const resumed = heard(asking('running'), done(asking('paused'), paused, 'resume'))
    const back = done(asking('running'), resumed, 'rollback')
    expect(phase(heard(asking('running'), back, STARTED_AT + 30 * DAY_MS))).toBe('rolled back (by hand)')
    // Asked for while it may not be tried yet: heard, and not remembered for later.
    const early = heard(asking('running'), heard(asking('draft'), back), STARTED_AT + 1)
    expect(phase(early)).toBe('rolled back (by hand)')
    expect(phase(heard(asking('running'), early, STARTED_AT + 30 * DAY_MS))).toBe('rolled back (by hand)')
    expect(phase(heard(asking('running'), heard(asking('draft'), early), STARTED_AT + 30 * DAY_MS))).toBe('shadow')
  })

  it('a draft that is to run waits while another rollout leads clients of its route', () => {
    const draft = heard(asking('draft'), NEW)
    const other = 'sonnet is ramping at 5% on the same route; abort it first.'
    expect(nextFileEvent(asking('running'), draft.state, draft.asked, STARTED_AT, other)).toBeUndefined()
    expect(phase(heard(asking('running'), draft))).toBe('shadow')
    const back = done(asking('running'), heard(asking('running'), NEW), 'abort')
    const paused = heard(asking('paused'), back)
    const retried = nextFileEvent(asking('running'), paused.state, paused.asked, STARTED_AT, other)
    expect(retried?.event, 'heard, and not done').toMatchObject({
      change: { kind: 'edited' },
      reason: expect.stringContaining(other),
    })
  })

  it('promote_to takes it there step by step, or to everybody, and no further', () => {
    expect(phase(heard(asking('running', 25), NEW))).toBe('ramping at 25%')
    expect(phase(heard(asking('running', 'full'), NEW))).toBe('baking')
    const there = heard(asking('running', 25), NEW)
    expect(phase(heard(asking('running', 5), there))).toBe('ramping at 25%')
    const back = done(asking('running', 25), there, 'rollback')
    expect(phase(heard(asking('running', 25), back, STARTED_AT + 30 * DAY_MS))).toBe('rolled back (by hand)')
  })

  it('other percentages keep the evidence, another identity begins anew and runs', () => {
    const there = heard(asking('running', 25), NEW)
    const { plan } = aRollout()
    const steps = plan.steps.map((step, index) => ({ ...step, percent: [5, 30, 50][index] ?? 50 }))
    const edited = heard(asking('running', 25, { plan: { ...plan, steps } }), there)
    expect(edited.state).toMatchObject({ phase: { kind: 'ramping', percent: 30 }, epoch: 1 })
    const other = heard(asking('running', 25, { identity: 'identity-2' }), there)
    expect(other.state).toMatchObject({ phase: { kind: 'shadow' }, epoch: 2 })
    const succeeded: Known = {
      state: { ...aStateAt(aRollout(), { kind: 'baking' }), phase: { kind: 'succeeded' } },
      asked: 'running',
    }
    expect(heard(asking('running', undefined, { identity: 'identity-2' }), succeeded).state).toMatchObject({
      phase: { kind: 'shadow' },
      epoch: 2,
    })
  })

  it('one that is not in the file any more ends, superseded where another takes its place', () => {
    const state = aStateAt(aRollout(), { kind: 'shadow' })
    expect(endOfForgotten(state, undefined, STARTED_AT)?.change).toEqual({ kind: 'aborted' })
    expect(endOfForgotten(state, 'next', STARTED_AT)?.change).toEqual({ kind: 'superseded', by: 'next' })
    expect(endOfForgotten({ ...state, phase: { kind: 'succeeded' } }, undefined, STARTED_AT)).toBeUndefined()
  })
})
