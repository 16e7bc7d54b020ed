import { describe, expect, it } from 'vitest'
import { armOf, armShares, unitShare } from '../../src/domain/assign.ts'
import type { Decision, Refusal } from '../../src/domain/decide.ts'
import type { Phase } from '../../src/domain/rollout/phase.ts'
import { explainRoute } from '../../src/domain/routing/explain.ts'
import { readInputs, writeInputs } from '../../src/domain/routing/replay.ts'
import { routerOf, targetKeys } from '../../src/domain/routing/router.ts'
import { at, withRollouts } from '../fakes/a-rolling-state.ts'
import { aRoutingState, decided, keysOf, KNOWS_NO_MODEL, someFacts } from '../fakes/a-routing.ts'

const CHAT = `routes:
  chat: { match: { model: gpt-4o }, target: openai/gpt-4o, fallbacks: second/spare }
rollouts:
  mini: { route: chat, candidate: second/gpt-4o-mini, pace: normal }
`
const state = aRoutingState(CHAT)
const rollout = state.policy.rollouts[0]
if (rollout === undefined) throw new Error('the file has a rollout')
const units = Array.from({ length: 400 }, (_, index) => `unit-${index}`)
const share = (unit: string): number => unitShare(rollout.salt, unit)
const candidateUnit = units.find((unit) => share(unit) < 0.05) ?? ''
const controlUnit = units.find((unit) => share(unit) >= 0.95) ?? ''
const middleUnit = units.find((unit) => share(unit) > 0.06 && share(unit) < 0.2) ?? ''

const forUnit = (unit: string) => someFacts({ unit: { value: unit, source: 'session' } })
const phased = (phase: Phase) => withRollouts(state, { mini: phase })
const armsAt = (phase: Phase): readonly (Decision | Refusal)['arm'][] =>
  units.map((unit) => decided(phased(phase), forUnit(unit)).arm)

describe('on a route with a live rollout', () => {
  it('the candidate answers its units, stable and the fallbacks stand behind it; all others are asked as ever', () => {
    const live = phased(at(5))
    expect(keysOf(decided(live, forUnit(candidateUnit)))).toEqual([
      'second/gpt-4o-mini',
      'openai/gpt-4o',
      'second/spare',
    ])
    for (const unit of [controlUnit, middleUnit]) {
      expect(keysOf(decided(live, forUnit(unit)))).toEqual(['openai/gpt-4o', 'second/spare'])
    }
  })

  it('the decision says which rollout, where it stood, and for which model the arm stands', () => {
    expect(decided(phased(at(5)), forUnit(candidateUnit))).toMatchObject({
      arm: 'candidate',
      reasons: ['fixed', 'arm_dealt'],
      rollout: {
        name: 'mini',
        revision: 2,
        epoch: 1,
        stage: '5%',
        percent: 5,
        isCompared: true,
        target: 'second/gpt-4o-mini',
      },
    })
    expect(decided(phased(at(5)), forUnit(controlUnit))).toMatchObject({
      arm: 'control',
      rollout: { isCompared: true, target: 'openai/gpt-4o' },
    })
    expect(decided(phased(at(5)), forUnit(middleUnit))).toMatchObject({
      arm: 'stable',
      rollout: { isCompared: false, target: 'openai/gpt-4o' },
    })
  })

  it.each<[string, Phase, number, boolean]>([
    ['a step', at(25), 25, false],
    ['a pause', { kind: 'paused', at: at(25) }, 25, false],
    ['a hold', { kind: 'holding', at: at(50), reason: 'coverage' }, 50, false],
    ['the bake', { kind: 'baking' }, 100, true],
  ])('%s shows the candidate to those whose share it covers, and to nobody else', (_, phase, percent, isBaking) => {
    const expected = units.map((unit) => {
      const arm = armOf(share(unit), armShares(percent, isBaking))
      return arm === 'none' ? 'stable' : arm
    })
    expect(armsAt(phase)).toEqual(expected)
  })

  it('in the shadow everybody is on stable, and the trace says that it was part of it', () => {
    expect(new Set(armsAt({ kind: 'shadow' }))).toEqual(new Set(['stable']))
    expect(decided(phased({ kind: 'shadow' }), forUnit(candidateUnit)).rollout).toMatchObject({
      stage: 'shadow',
      percent: 0,
      isCompared: false,
    })
  })

  it('above half, of the larger arm only as many units are compared as there are of the smaller', () => {
    const baking = units.map((unit) => decided(phased({ kind: 'baking' }), forUnit(unit)))
    const compared = baking.filter(({ rollout: mark }) => mark?.isCompared === true).map(({ arm }) => arm)
    const of = (arm: string): number => compared.filter((each) => each === arm).length
    expect(of('control')).toBe(units.filter((unit) => share(unit) >= 0.95).length)
    expect(of('candidate')).toBe(units.filter((unit) => share(unit) < 0.05).length)
  })

  it('after its success the candidate answers everybody, pins or not', () => {
    const pinned = { ...forUnit(controlUnit), armPins: [{ rollout: 'mini', epoch: 1, arm: 'control' as const }] }
    const decision = decided(phased({ kind: 'succeeded' }), pinned)
    expect(decision).toMatchObject({ arm: 'candidate', rollout: { stage: 'succeeded', percent: 100 } })
    expect(keysOf(decision)[0]).toBe('second/gpt-4o-mini')
  })

  it('a request without a unit is dealt an arm by itself', () => {
    const alone = (id: string) => decided(phased(at(50)), someFacts({ unit: { value: id, source: 'none' } })).arm
    expect(new Set(units.map(alone))).toEqual(new Set(['candidate', 'control']))
  })

  it('a candidate that is out stands aside for stable, and the request is its all the same', () => {
    const decision = decided(phased(at(5)), forUnit(candidateUnit), { 'second/gpt-4o-mini': 'open' })
    expect(keysOf(decision)).toEqual(['openai/gpt-4o', 'second/spare'])
    expect(decision).toMatchObject({
      arm: 'candidate',
      rollout: { target: 'second/gpt-4o-mini' },
      rejected: [{ target: 'second/gpt-4o-mini', why: 'breaker_open' }],
    })
  })

  it('a compared model that is degraded is tried all the same, so that its failures are measured as they are', () => {
    const ill = { 'second/gpt-4o-mini': 'degraded', 'openai/gpt-4o': 'degraded' } as const
    const orderFor = (unit: string) => keysOf(decided(phased(at(5)), forUnit(unit), ill))
    expect(orderFor(candidateUnit)).toEqual(['second/gpt-4o-mini', 'second/spare', 'openai/gpt-4o'])
    expect(orderFor(controlUnit)).toEqual(['openai/gpt-4o', 'second/spare'])
    expect(orderFor(middleUnit)).toEqual(['second/spare', 'openai/gpt-4o'])
    // Most of the candidates of a bake are compared with nobody: they are spared.
    const baked = decided(phased({ kind: 'baking' }), forUnit(middleUnit), { 'second/gpt-4o-mini': 'degraded' })
    expect(baked).toMatchObject({ arm: 'candidate', rollout: { isCompared: false } })
    expect(keysOf(baked)).toEqual(['openai/gpt-4o', 'second/spare', 'second/gpt-4o-mini'])
  })

  it('its health is watched from the start, and the conversation is told apart', () => {
    const router = routerOf(state.policy.routing)
    expect(targetKeys(router)).toEqual(['openai/gpt-4o', 'second/spare', 'second/gpt-4o-mini'])
    expect(router.reads?.conversation).toBe(true)
  })

  it('an explanation names the candidate and where it stands', () => {
    const { targets } = explainRoute(forUnit(candidateUnit), phased(at(5)), {}, KNOWS_NO_MODEL)
    expect(targets.map(({ target, place }) => [target, place])).toEqual([
      ['openai/gpt-4o', 2],
      ['second/spare', 3],
      ['second/gpt-4o-mini', 1],
    ])
  })
})

describe('nobody sees a candidate', () => {
  const plain = { arm: 'none', rollout: undefined, reasons: ['fixed'] }

  it.each<[string, Phase]>([
    ['before the start', { kind: 'draft' }],
    ['after a rollback', { kind: 'rolled_back', cause: 'error', cooldownUntil: 0 }],
    ['after an abort', { kind: 'aborted' }],
    ['after another took its place', { kind: 'superseded', by: 'other' }],
  ])('%s, whatever its conversation began with', (_, phase) => {
    const pinned = { ...forUnit(candidateUnit), armPins: [{ rollout: 'mini', epoch: 1, arm: 'candidate' as const }] }
    expect(decided(phased(phase), pinned)).toMatchObject(plain)
  })

  it('while nothing is known of the rollout', () => {
    expect(decided(state, forUnit(candidateUnit))).toMatchObject(plain)
    expect(decided(withRollouts(state, {}), forUnit(candidateUnit))).toMatchObject(plain)
  })

  it('that the file exchanged before the journal knows of it', () => {
    const edited = aRoutingState(CHAT.replace('gpt-4o-mini', 'gpt-4.1-nano'))
    const behind = { ...edited, rollouts: phased({ kind: 'baking' }).rollouts }
    expect(decided(behind, forUnit(candidateUnit))).toMatchObject(plain)
  })

  it.each(['rolled_back', 'aborted'])('that the file says is %s, before the journal knows of it', (ended) => {
    const edited = aRoutingState(CHAT.replace('pace: normal', `pace: normal, state: ${ended}`))
    const behind = { ...edited, rollouts: phased({ kind: 'baking' }).rollouts }
    expect(decided(behind, forUnit(candidateUnit))).toMatchObject(plain)
  })

  it('on requests that another route takes, or for which the route chooses another target', () => {
    const shared = aRoutingState(`routes:
  chat:
    match: { model: gpt-4o }
    rules: [{ name: long, when: { input_tokens: { from: 1000 } }, target: second/long }]
    otherwise: openai/gpt-4o
rollouts:
  mini: { route: chat, candidate: second/gpt-4o-mini, stable: openai/gpt-4o }
`)
    const live = withRollouts(shared, { mini: { kind: 'succeeded' } })
    expect(keysOf(decided(live, forUnit('u')))).toEqual(['second/gpt-4o-mini', 'openai/gpt-4o'])
    expect(decided(live, { ...forUnit('u'), inputTokens: 2000 })).toMatchObject({
      ...plain,
      rule: 'long',
      reasons: ['rule_held'],
    })
    expect(decided(live, { ...forUnit('u'), model: 'gpt-4' })).toMatchObject({ route: 'default', arm: 'none' })
  })

  it('of a weighted route but those who would have got its stable target', () => {
    const weighted = aRoutingState(`routes:
  chat:
    match: { model: gpt-4o }
    targets: [{ target: openai/a, weight: 1 }, { target: openai/b, weight: 1 }]
rollouts:
  mini: { route: chat, candidate: second/c, stable: openai/a }
`)
    const live = withRollouts(weighted, { mini: at(50) })
    const before = new Map(units.map((unit) => [unit, keysOf(decided(weighted, forUnit(unit)))[0]]))
    const armsOf = (target: string): readonly string[] =>
      units.filter((unit) => before.get(unit) === target).map((unit) => decided(live, forUnit(unit)).arm)
    expect(new Set(armsOf('openai/b'))).toEqual(new Set(['none']))
    expect(new Set(armsOf('openai/a'))).toEqual(new Set(['candidate', 'control']))
  })
})

describe('a running conversation', () => {
  const pin = (arm: 'candidate' | 'control' | 'stable', epoch = 1) => ({
    ...forUnit(middleUnit),
    armPins: [{ rollout: 'mini', epoch, arm }],
  })

  it('keeps the arm that it began with when the share is raised, or lowered', () => {
    expect(decided(phased(at(25)), forUnit(middleUnit)).arm).toBe('candidate')
    expect(decided(phased(at(25)), pin('stable'))).toMatchObject({
      arm: 'stable',
      reasons: ['fixed', 'arm_pinned'],
      rollout: { isCompared: false },
    })
    expect(decided(phased(at(5)), pin('candidate'))).toMatchObject({ arm: 'candidate' })
  })

  it('is dealt an arm anew in another epoch', () => {
    expect(decided(phased(at(25)), pin('stable', 7)).arm).toBe('candidate')
  })

  it('is in the stored inputs, so that the decision can be made again', () => {
    const facts = pin('stable')
    const text = writeInputs({ facts, health: {} })
    expect(text).toContain('&pin.mini=1:stable')
    expect(readInputs(text)?.facts.armPins).toEqual(facts.armPins)
    expect(readInputs(text.replace('1:stable', '1:other'))).toBeUndefined()
  })
})
