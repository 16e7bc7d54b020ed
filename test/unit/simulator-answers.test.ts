import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ask } from '../../src/simulator/ask.ts'
import { composeReply } from '../../src/simulator/compose-reply.ts'
import { draw, drawSequence, idText } from '../../src/simulator/draw.ts'
import { NO_FAULTS } from '../../src/simulator/faults.ts'
import { arithmeticQuestion, choiceQuestion, extractionQuestion, solve } from '../../src/simulator/known-questions.ts'
import { aModel, type SimulatedModel } from '../../src/simulator/model.ts'
import { splitTokens } from '../../src/simulator/tokens.ts'

function anAsk(question: string, changes: Partial<Ask> = {}): Ask {
  return {
    prompt: question,
    question,
    cacheMarks: [],
    isStream: false,
    choices: 1,
    maxTokens: undefined,
    tools: [],
    toolChoice: 'auto',
    isAfterTool: false,
    schema: undefined,
    thinks: false,
    serviceTier: undefined,
    ...changes,
  }
}

function say(
  question: string,
  model: SimulatedModel,
  seed = 1,
  answers: ReadonlyMap<string, string> = new Map(),
): string {
  return composeReply(anAsk(question), { seed, model, faults: NO_FAULTS, answers }, 0).text ?? ''
}

/** Share of 400 sums that the model gets right. */
function shareRight(model: SimulatedModel, seed = 1): number {
  const next = drawSequence(7, 'sums')
  const questions = Array.from({ length: 400 }, () => arithmeticQuestion(next))
  return (
    questions.filter(({ prompt, right }) => say(prompt, model, seed).startsWith(`The answer is ${right}.`)).length / 400
  )
}

describe('answers', () => {
  it('are the same for the same seed, model and prompt, and differ otherwise', () => {
    const [model, other] = [aModel('one'), aModel('two')]
    expect(say('Tell me.', model)).toBe(say('Tell me.', model))
    const all = [say('Tell me.', model), say('Tell me more.', model), say('Tell me.', other), say('Tell me.', model, 2)]
    expect(new Set(all).size).toBe(4)
  })

  it('are right as often as the model’s quality says', () => {
    expect(shareRight(aModel('good', { quality: 0.9 }))).toBeCloseTo(0.9, 1)
    expect(shareRight(aModel('poor', { quality: 0.3 }))).toBeCloseTo(0.3, 1)
    expect(shareRight(aModel('mixed', { quality: 1, qualityByKind: { arithmetic: 0 } }))).toBe(0)
    expect(shareRight(aModel('perfect', { quality: 1 }))).toBe(1)
  })

  it('give nothing but the answer to those who want only that', () => {
    expect(say('What is 6 * 7? Answer with the number only.', aModel('sure', { quality: 1 }))).toBe('42')
  })

  it('know what the simulator was told', () => {
    const answers = new Map([['Who wrote the spec?', 'the platform team']])
    expect(say('Who wrote the spec?', aModel('sure', { quality: 1 }), 1, answers)).toContain('the platform team')
    expect(say('Who wrote the spec?', aModel('lost', { quality: 0 }), 1, answers)).not.toContain('the platform team')
  })
})

describe('known questions', () => {
  it('are solved as their maker meant, and never right when wrong', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom(arithmeticQuestion, choiceQuestion, extractionQuestion),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (seed, make, roll) => {
          const { prompt, right } = make(drawSequence(seed, 'question'))
          const solution = solve(prompt)
          expect(solution?.right).toBe(right)
          expect(solution?.wrong(roll)).not.toBe(right)
        },
      ),
    )
  })

  it('are not seen where there is none', () => {
    expect(solve('My parcel was due on Monday and is still not here.')).toBeUndefined()
  })
})

describe('draws', () => {
  it('are spread over [0, 1)', () => {
    const draws = Array.from({ length: 2000 }, (_, index) => draw(1, 'x', index))
    expect(draws.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(draws.reduce((sum, value) => sum + value, 0) / 2000).toBeCloseTo(0.5, 1)
  })

  it('make ids that do not repeat', () => {
    const ids = new Set(Array.from({ length: 50_000 }, (_, ordinal) => idText(1, ordinal, 29)))
    expect(ids.size).toBe(50_000)
  })
})

describe('tokens', () => {
  it('joined are the text again, and none splits a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const tokens = splitTokens(text)
        expect(tokens.join('')).toBe(text)
        expect(tokens.every((token) => token.isWellFormed())).toBe(true)
      }),
    )
  })
})
