import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createArmPins } from '../../src/domain/rollout/arm-pins.ts'
import type { Phase } from '../../src/domain/rollout/phase.ts'
import type { StickyUnit } from '../../src/domain/routing/facts.ts'
import { readInputs, replay, writeInputs } from '../../src/domain/routing/replay.ts'
import { at, withRollouts } from '../fakes/a-rolling-state.ts'
import { aRoutingState, decided, keysOf, KNOWS_NO_MODEL, someFacts } from '../fakes/a-routing.ts'

const file = aRoutingState(`routes:
  chat: { match: { model: gpt-4o }, target: openai/gpt-4o, fallbacks: second/spare }
rollouts:
  mini: { route: chat, candidate: second/gpt-4o-mini }
`)
const CANDIDATE = 'second/gpt-4o-mini'

const anId = fc.string({ minLength: 1, maxLength: 20 })
const units = fc.uniqueArray(anId, { minLength: 20, maxLength: 60 })
const percent = fc.double({ min: 0.01, max: 99.99, noNaN: true })
const armAt = (phase: Phase, unit: StickyUnit) => decided(withRollouts(file, { mini: phase }), someFacts({ unit })).arm
const session = (value: string): StickyUnit => ({ value, source: 'session' })

it('a higher percentage only adds units to the candidate, and takes none of the control below 50 %', () => {
  fc.assert(
    fc.property(units, percent, percent, (all, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)]
      for (const value of all) {
        const [before, after] = [armAt(at(low), session(value)), armAt(at(high), session(value))]
        const mayMove = before === 'stable' || (before === 'control' && high > 50)
        expect(mayMove || after === before, `${before} at ${low}, ${after} at ${high}`).toBe(true)
      }
      const baking = all.filter((value) => armAt({ kind: 'baking' }, session(value)) === 'candidate')
      const sure = all.filter((value) => high <= 95 && armAt(at(high), session(value)) === 'candidate')
      expect(baking).toEqual(expect.arrayContaining(sure))
    }),
    { numRuns: 60 },
  )
})

const phase: fc.Arbitrary<Phase> = fc.oneof(
  percent.map(at),
  fc.constant<Phase>({ kind: 'shadow' }),
  fc.constant<Phase>({ kind: 'baking' }),
  percent.map((value): Phase => ({ kind: 'paused', at: at(value) })),
  percent.map((value): Phase => ({ kind: 'holding', at: at(value), reason: 'coverage' })),
)

it('a conversation has one arm, whatever becomes of the rollout while it is live', () => {
  fc.assert(
    fc.property(anId, fc.array(phase, { minLength: 2, maxLength: 8 }), (value, phases) => {
      const pins = createArmPins()
      const unit = session(value)
      const arms = phases.map((each, turn) => {
        const facts = someFacts({ unit, armPins: pins.find(unit, turn) })
        const { arm, rollout } = decided(withRollouts(file, { mini: each }), facts)
        if (rollout !== undefined && arm !== 'none') pins.keep(unit, { rollout: 'mini', epoch: 1, arm }, turn)
        return arm
      })
      expect(new Set(arms).size).toBe(1)
    }),
  )
})

it('stable stands behind every candidate, and the candidate is nowhere without its arm', () => {
  fc.assert(
    fc.property(anId, phase, (value, each) => {
      const decision = decided(withRollouts(file, { mini: each }), someFacts({ unit: session(value) }))
      const isCandidate = decision.arm === 'candidate'
      expect(keysOf(decision)).toEqual([...(isCandidate ? [CANDIDATE] : []), 'openai/gpt-4o', 'second/spare'])
      expect(decision.rollout?.target).toBe(isCandidate ? CANDIDATE : 'openai/gpt-4o')
    }),
  )
})

it('the same is decided again out of the stored inputs, pins included', () => {
  const pins = fc.option(
    fc.array(
      fc.record({
        rollout: fc.constantFrom('mini', 'other & more', 'a=b'),
        epoch: fc.nat(3),
        arm: fc.constantFrom('candidate' as const, 'control' as const, 'stable' as const),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    { nil: undefined },
  )
  fc.assert(
    fc.property(anId, phase, pins, (value, each, list) => {
      const armPins = list?.filter(({ rollout }, index) => list.findIndex((one) => one.rollout === rollout) === index)
      const facts = someFacts({ unit: session(value.toWellFormed()), armPins })
      const state = withRollouts(file, { mini: each })
      const text = writeInputs({ facts, health: {} })
      expect(readInputs(text)?.facts.armPins).toEqual(armPins)
      expect(replay(text, state, KNOWS_NO_MODEL)).toEqual(decided(state, facts))
    }),
  )
})
