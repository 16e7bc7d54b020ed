import { describe, expect, it } from 'vitest'
import { command, create, reconcile, type Authorship, type Verb } from '../../src/domain/rollout/command.ts'
import { PACES } from '../../src/domain/rollout/pace.ts'
import { type LivePhase, phaseText, sharesOf } from '../../src/domain/rollout/phase.ts'
import { gateOf, identityOf, type Plan } from '../../src/domain/rollout/rollout.ts'
import { applyEvent, fold, type RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import { aRollout, aStateAt, DAY_MS, HOUR_MS, STARTED_AT } from '../fakes/a-rollout.ts'

const rollout = aRollout()
const AT_25: LivePhase = { kind: 'ramping', percent: 25 }

const by = (at = STARTED_AT + HOUR_MS): Authorship => ({ actor: 'ada', reason: 'looks good', at })

function after(state: RolloutState, verb: Verb, at?: number, of = rollout): RolloutState {
  const answer = command(of, state, verb, by(at))
  if (answer.kind === 'refused') throw new Error(answer.because)
  return applyEvent(state, answer.event)
}

function refusal(state: RolloutState, verb: Verb, at?: number): string {
  const answer = command(rollout, state, verb, by(at))
  return answer.kind === 'refused' ? answer.because : 'not refused'
}

function draft(): RolloutState {
  const state = fold([create(rollout, by(STARTED_AT))])
  if (state === undefined) throw new Error('a created rollout has a state')
  return state
}

describe('a verb', () => {
  it('is an event with revision, actor and reason', () => {
    expect(command(rollout, draft(), { kind: 'start' }, by())).toEqual({
      kind: 'event',
      event: {
        rollout: 'haiku',
        revision: 2,
        at: STARTED_AT + HOUR_MS,
        actor: 'ada',
        reason: 'looks good',
        change: { kind: 'started', into: { kind: 'shadow' } },
      },
    })
  })

  it('start begins with the shadow, or with the first step where there is none', () => {
    expect(after(draft(), { kind: 'start' }).phase).toEqual({ kind: 'shadow' })
    const live = aRollout({ plan: { ...PACES.normal, shadow: undefined } })
    expect(after(draft(), { kind: 'start' }, undefined, live).phase).toEqual({ kind: 'ramping', percent: 5 })
  })

  it('promote goes one stage further, or to everybody, without waiting for evidence', () => {
    const shadow = aStateAt(rollout, { kind: 'shadow' })
    const stepped = after(shadow, { kind: 'promote', to: 'step' })
    expect(stepped.phase).toEqual({ kind: 'ramping', percent: 5 })
    const full = after(stepped, { kind: 'promote', to: 'full' })
    expect(full.phase).toEqual({ kind: 'baking' })
    expect(after(full, { kind: 'promote', to: 'step' }).phase).toEqual({ kind: 'succeeded' })
  })

  it('rollback takes the candidate from everybody, and also undoes a success', () => {
    const state = aStateAt(rollout, { kind: 'baking' })
    const rolledBack = after(after(state, { kind: 'promote', to: 'full' }), { kind: 'rollback' })
    expect(rolledBack.phase).toMatchObject({ kind: 'rolled_back', cause: 'by hand' })
    expect(sharesOf(rolledBack.phase)).toEqual({ candidate: 0, control: 0 })
  })

  it('retry waits for the cooldown and begins a new epoch at the first stage', () => {
    const rolledBack = after(aStateAt(rollout, AT_25), { kind: 'rollback' })
    expect(refusal(rolledBack, { kind: 'retry' })).toBe(
      'haiku is rolled back (by hand): it may be retried from 2026-11-21T01:00:00.000Z on; another candidate may be tried at once.',
    )
    const retried = after(rolledBack, { kind: 'retry' }, STARTED_AT + HOUR_MS + DAY_MS)
    expect(retried).toMatchObject({ phase: { kind: 'shadow' }, epoch: 2, enteredAt: STARTED_AT + HOUR_MS + DAY_MS })
  })

  it('begins nothing that the file says is over: no client would see it, and its evidence would never come', () => {
    const over = aRollout({ asked: { state: 'rolled_back', promoteTo: undefined } })
    const ended = after(aStateAt(rollout, AT_25), { kind: 'abort' })
    for (const [state, kind] of [[draft(), 'start'] as const, [ended, 'retry'] as const]) {
      const because = expect.stringContaining('the file asks for rolled_back; write state: running there.')
      expect(command(over, state, { kind }, by())).toEqual({ kind: 'refused', because })
    }
  })

  it.each<[string, () => RolloutState, Verb, string]>([
    ['a rollout that has started', () => aStateAt(rollout, AT_25), { kind: 'start' }, 'it has been started already.'],
    ['a draft', draft, { kind: 'promote', to: 'step' }, 'start it first.'],
    ['a draft', draft, { kind: 'pause' }, 'only a rollout under way can be paused.'],
    ['a draft', draft, { kind: 'rollback' }, 'its candidate answers nobody.'],
    [
      'a rollout under way',
      () => aStateAt(rollout, AT_25),
      { kind: 'resume' },
      'only a paused rollout can be resumed.',
    ],
    ['a step without approval', () => aStateAt(rollout, AT_25), { kind: 'approve' }, 'leaving 25% needs no approval.'],
    [
      'an aborted one',
      () => after(draft(), { kind: 'abort' }),
      { kind: 'start' },
      'what has ended is started again with retry.',
    ],
    [
      'a paused one',
      () => after(aStateAt(rollout, AT_25), { kind: 'pause' }),
      { kind: 'promote', to: 'full' },
      'resume it first.',
    ],
  ])('that cannot be says why and what can: %s', (_, state, verb, because) => {
    expect(refusal(state(), verb)).toBe(`haiku is ${phaseText(state().phase)}: ${because}`)
  })
})

describe('an edit', () => {
  const withPercents = (...percents: readonly number[]): Plan => ({
    ...PACES.normal,
    steps: percents.map(
      (percent, index) => ({ ...(PACES.normal.steps[index] ?? PACES.normal.steps[0]), percent }) as never,
    ),
  })
  const edited = (state: RolloutState, changes: Parameters<typeof aRollout>[0]): RolloutState => {
    const event = reconcile(aRollout(changes), state, by())
    return event === undefined ? state : applyEvent(state, event)
  }

  it('of a percentage takes effect at once and keeps the evidence', () => {
    const state = edited(aStateAt(rollout, AT_25), { plan: withPercents(5, 30, 50) })
    expect(state).toMatchObject({ phase: { kind: 'ramping', percent: 30 }, epoch: 1, enteredAt: STARTED_AT })
    expect(state.dealtAt, 'the split is checked against the new share').toBe(STARTED_AT + HOUR_MS)
  })

  it('that leaves the step under way in the list moves nobody, in whichever place it is then', () => {
    const state = edited(aStateAt(rollout, AT_25), { plan: withPercents(25, 50, 75) })
    expect(state).toMatchObject({ phase: AT_25, steps: [25, 50, 75], dealtAt: STARTED_AT })
  })

  it('that takes steps away moves nobody, and what is left is asked of the share that stands', () => {
    const plan = withPercents(5, 50)
    const state = edited(aStateAt(rollout, AT_25), { plan })
    expect(state.phase).toEqual(AT_25)
    expect(gateOf(plan, AT_25)).toMatchObject({ percent: 50 })
  })

  it('of margins and times is no event: the next tick goes by them', () => {
    const plan = { ...PACES.normal, cooldownMs: 1 }
    expect(reconcile(aRollout({ plan }), aStateAt(rollout, AT_25), by())).toBeUndefined()
  })

  it('of the candidate begins again at the first stage, and a success becomes a draft', () => {
    const changes = { identity: 'identity-2' }
    const live = edited(aStateAt(rollout, AT_25), changes)
    expect(live).toMatchObject({ phase: { kind: 'shadow' }, epoch: 2, identity: 'identity-2' })
    const paused = edited(after(aStateAt(rollout, AT_25), { kind: 'pause' }), changes)
    expect(paused.phase).toEqual({ kind: 'paused', at: { kind: 'shadow' } })
    const succeeded = after(aStateAt(rollout, { kind: 'baking' }), { kind: 'promote', to: 'step' })
    expect(edited(succeeded, changes).phase).toEqual({ kind: 'draft' })
  })
})

describe('an identity', () => {
  const identity = {
    route: 'chat',
    stable: { provider: 'openai', model: 'gpt-big' },
    candidate: { provider: 'anthropic', model: 'claude-small' },
    parameters: { temperature: 0, max_tokens: 100 },
    promptVersion: '1',
    salt: 'salt',
    judgeVersion: 'judge-1',
    metric: 'judge',
  }

  it('differs whenever what the evidence is about differs, and in nothing else', () => {
    const changes = [
      { route: 'other' },
      { stable: { provider: 'openai', model: 'gpt-huge' } },
      { candidate: { provider: 'anthropic', model: 'claude-large' } },
      { parameters: { temperature: 1, max_tokens: 100 } },
      { promptVersion: '2' },
      { salt: 'other' },
      { judgeVersion: 'judge-2' },
      { metric: 'rules' },
    ]
    const all = [identity, ...changes.map((change) => ({ ...identity, ...change }))].map(identityOf)
    expect(new Set(all).size).toBe(all.length)
    expect(identityOf({ ...identity, parameters: { max_tokens: 100, temperature: 0 } })).toBe(identityOf(identity))
  })
})
