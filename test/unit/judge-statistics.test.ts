import { describe, expect, it } from 'vitest'
import { answerContentOf } from '../../src/dialects/answer-content.ts'
import type { AnswerContent } from '../../src/dialects/answer-content.ts'
import { agreement } from '../../src/domain/statistics/agreement.ts'
import { agreementInterval } from '../../src/domain/statistics/agreement-interval.ts'
import { confusionOf } from '../../src/evaluate/judge/confusion.ts'
import { calibrate, calibrateTasks, type LabelledPair } from '../../src/evaluate/judge/calibration.ts'
import { pairHearing } from '../../src/evaluate/judge/hearing.ts'
import type { PairOrder } from '../../src/evaluate/judge/judge-request.ts'
import { lengthAdjustment, type SizedPair, survivesLength } from '../../src/domain/statistics/length-adjustment.ts'
import { pairVerdict } from '../../src/evaluate/judge/pair-verdict.ts'
import type { PairChoice } from '../../src/evaluate/judge/read-verdict.ts'
import { DEFAULT_CATALOGUE } from '../../src/simulator/catalogue.ts'
import { composeReply } from '../../src/simulator/compose-reply.ts'
import { NO_FAULTS } from '../../src/simulator/faults.ts'
import { parseJson } from '../../src/simulator/json.ts'
import { readChat } from '../../src/simulator/openai-chat.ts'
import { anAnswer, aPrompt } from '../contract/evaluators.ts'
import { aJudge } from '../fakes/a-hearing.ts'

/** The table of the reference values (`statistics.test.ts` has its other weights). */
const TABLE = [
  [62, 8, 5],
  [7, 38, 6],
  [4, 9, 61],
]

describe('agreement', () => {
  // Computed by the other definition, (observed − expected agreement)/(1 − expected agreement) with agreement weights
  // 1 − (i − j)²/(k − 1)²: observed .9075, expected .573225.
  it('is quadratically weighted κ by its definition from agreement', () => {
    const total = 200
    const agreed = (i: number, j: number): number => 1 - (i - j) ** 2 / 4
    let observed = 0
    let expected = 0
    for (const [i, row] of TABLE.entries()) {
      for (const [j, count] of row.entries()) {
        const rowSum = row.reduce((sum, each) => sum + each, 0)
        const columnSum = TABLE.reduce((sum, each) => sum + (each[j] ?? 0), 0)
        observed += (agreed(i, j) * count) / total
        expected += (agreed(i, j) * rowSum * columnSum) / total ** 2
      }
    }
    expect(agreement(TABLE, 'quadratic')).toBeCloseTo((observed - expected) / (1 - expected), 12)
  })

  it('is 1 for raters who always agree, 0 for those who agree by chance, undefined where nothing can be told', () => {
    expect(
      agreement([
        [5, 0],
        [0, 5],
      ]),
    ).toBe(1)
    expect(
      agreement([
        [4, 4],
        [4, 4],
      ]),
    ).toBe(0)
    expect(
      agreement([
        [0, 5],
        [5, 0],
      ]),
    ).toBe(-1)
    expect(
      agreement([
        [9, 0],
        [0, 0],
      ]),
    ).toBeUndefined()
    expect(agreement([])).toBeUndefined()
  })

  // Fleiss, Cohen & Everitt 1969, table 1: 200 patients, shares .53 .05 .02 / .11 .14 .05 / .01 .06 .03; κ .429, its
  // large-sample variance .002885.
  it('has the interval of the published example', () => {
    const example = [
      [106, 10, 4],
      [22, 28, 10],
      [2, 12, 6],
    ]
    expect(agreement(example)).toBeCloseTo(0.429, 3)
    const interval = agreementInterval(example)
    expect(((interval?.high ?? 0) - (interval?.low ?? 0)) / 2 / 1.96).toBeCloseTo(0.0537, 3)
  })

  it('refuses a label that is not among them', () => {
    expect(() => confusionOf(['a', 'b'], [['a', 'c']])).toThrow('expected labels out of a, b')
  })
})

describe('length adjustment', () => {
  const pairs = (d: (x: number) => number): readonly SizedPair[] =>
    Array.from({ length: 200 }, (_, i) => {
      const candidateChars = 100 + ((i * 37) % 300)
      const stableChars = 150
      return { d: d((candidateChars - stableChars) / (candidateChars + stableChars)), candidateChars, stableChars }
    })

  it('finds the line that the verdicts were made from, and the mean at equal length', () => {
    const found = lengthAdjustment(pairs((x) => 0.1 + 0.8 * x))
    expect(found?.slope).toBeCloseTo(0.8, 9)
    expect(found?.adjustedMeanD).toBeCloseTo(0.1, 9)
    expect(found?.isLengthMoved).toBe(true)
  })

  it('holds a verdict that stands on length alone, and passes one that does not', () => {
    const onLength = lengthAdjustment(pairs((x) => -0.2 + 1.2 * x))
    const onMerit = lengthAdjustment(pairs(() => 0.2))
    expect(onLength?.meanD).toBeGreaterThan(0)
    expect(onLength === undefined || survivesLength(onLength, 0.03)).toBe(false)
    expect(onMerit === undefined || survivesLength(onMerit, 0.03)).toBe(true)
    expect(onMerit?.isLengthMoved).toBe(false)
  })

  it('raises no alarm at a slope that chance makes of a few pairs', () => {
    const few = [1, -1, 1, 0, -1, 1].map((d, i) => ({ d, candidateChars: 100 + 20 * i, stableChars: 150 }))
    const found = lengthAdjustment(few)
    expect(Math.abs(found?.slope ?? 0)).toBeGreaterThan(0.1)
    expect(found?.isLengthMoved).toBe(false)
  })

  it('says nothing of too few pairs, and sees no slope where all are alike in length', () => {
    expect(lengthAdjustment([{ d: 1, candidateChars: 1, stableChars: 2 }])).toBeUndefined()
    const alike = Array.from({ length: 9 }, (_, i) => ({ d: i % 2, candidateChars: 50, stableChars: 50 }))
    expect(lengthAdjustment(alike)).toMatchObject({ slope: 0, slopeError: undefined, isLengthMoved: false })
  })
})

describe('calibration', () => {
  const label = (changes: Partial<LabelledPair>): LabelledPair => ({
    task: 'math',
    human: 1,
    candidateFirst: 'first',
    stableFirst: 'second',
    candidateChars: 100,
    stableChars: 100,
    ...changes,
  })

  it('counts what failed apart, and takes a judge that contradicts itself as undecided', () => {
    const labels = [
      label({}),
      label({ human: -1, candidateFirst: 'second', stableFirst: 'first' }),
      label({ human: 0, candidateFirst: 'first', stableFirst: 'first' }),
      label({ human: 0, candidateFirst: 'first', stableFirst: 'tie' }),
      label({ stableFirst: undefined }),
    ]
    expect(calibrate(labels)).toMatchObject({
      pairs: 5,
      failed: 1,
      kappa: 1,
      weightedKappa: 1,
      agreement: 1,
      swapConsistency: 0.5,
      positionBias: (1 + 0.5) / 4,
      confusion: [
        [1, 0, 0],
        [0, 2, 0],
        [0, 0, 1],
      ],
    })
  })

  it('says nothing of order where answers were graded one by one', () => {
    expect(calibrate([label({}), label({ human: 0 })], false)).toMatchObject({
      agreement: 0.5,
      swapConsistency: undefined,
      positionBias: undefined,
    })
  })

  it('tells nothing from no labels', () => {
    expect(calibrate([])).toMatchObject({
      pairs: 0,
      kappa: undefined,
      swapConsistency: undefined,
      lengthBias: undefined,
    })
  })

  it('keeps tasks apart', () => {
    const byTask = calibrateTasks([label({ task: 'b' }), label({ task: 'a' }), label({ task: 'b' })])
    expect([...byTask].map(([task, { pairs }]) => [task, pairs])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })
})

/** What a simulated judge says, by the very code that answers its requests, without the sockets. */
function judgedBy(model: string, id: string, candidate: AnswerContent, stable: AnswerContent, order: PairOrder) {
  const found = DEFAULT_CATALOGUE.find(({ name }) => name === model)
  if (found === undefined) throw new Error(`no model ${model}`)
  const prompt = aPrompt({ turns: [{ role: 'user', text: 'What is 6 * 7?' }] })
  const hearing = pairHearing(aJudge({ model }), { id, fenceKey: 'k', prompt, candidate, stable }, order)
  const body = parseJson(Buffer.from(JSON.stringify(hearing.request.body)))
  const ask = readChat(Object.fromEntries(Object.entries(body ?? {})), found)
  if ('status' in ask) throw new Error(ask.message)
  const reply = composeReply(ask, { seed: 1, model: found, faults: NO_FAULTS, answers: new Map() }, 0)
  const message = { choices: [{ index: 0, message: { content: reply.text }, finish_reason: 'stop' }] }
  const bytes = Buffer.from(JSON.stringify(message))
  expect(answerContentOf('chat_completions', bytes)?.text).toBe(reply.text)
  const step = hearing.hear(200, bytes)
  return step.kind === 'decided' ? step.said.verdict : undefined
}

type Both = { readonly candidateFirst: PairChoice | undefined; readonly stableFirst: PairChoice | undefined }

function pairsJudgedBy(
  model: string,
  candidate: (i: number) => string,
  stable: (i: number) => string,
): readonly Both[] {
  return Array.from({ length: 2_000 }, (_, i) => {
    const answers = [anAnswer({ text: candidate(i) }), anAnswer({ text: stable(i) })] as const
    return {
      candidateFirst: judgedBy(model, `p${i}`, ...answers, 'candidate_first'),
      stableFirst: judgedBy(model, `p${i}`, ...answers, 'stable_first'),
    }
  })
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('2,000 pairs before a judge that prefers the first answer 70 % of the time', () => {
  const same = (): string => 'It is 42.'

  it('lean to one side in a single order, and to none in both orders', () => {
    const judged = pairsJudgedBy('judge-first', same, same)
    const single = meanOf(judged.map(({ candidateFirst }) => (candidateFirst === 'first' ? 1 : -1)))
    const both = meanOf(judged.map((each) => pairVerdict(each.candidateFirst, each.stableFirst)?.d ?? 9))
    expect(Math.abs(single)).toBeGreaterThanOrEqual(0.3)
    expect(Math.abs(both)).toBeLessThanOrEqual(0.03)
  })

  it('keep the sign of a true difference in both orders', () => {
    const judged = pairsJudgedBy(
      'judge-first',
      (i) => (i % 10 === 0 ? 'It is 41.' : 'It is 42.'),
      (i) => (i % 5 < 2 ? 'It is 41.' : 'It is 42.'),
    )
    const both = meanOf(judged.map((each) => pairVerdict(each.candidateFirst, each.stableFirst)?.d ?? 9))
    expect(both).toBeGreaterThan(0.05)
  })
})

it('sees that a judge loves length, and that a fair one does not', () => {
  const labelled = (model: string): readonly LabelledPair[] => {
    const sizes = Array.from({ length: 2_000 }, (_, i) => [1 + ((i * 7) % 40), 1 + ((i * 13) % 40)] as const)
    const text = (words: number): string => `It is 42. ${'Indeed so. '.repeat(words)}`
    return pairsJudgedBy(
      model,
      (i) => text(sizes[i]?.[0] ?? 1),
      (i) => text(sizes[i]?.[1] ?? 1),
    ).map((both, i) => ({
      ...both,
      task: 't',
      human: 0,
      candidateChars: text(sizes[i]?.[0] ?? 1).length,
      stableChars: text(sizes[i]?.[1] ?? 1).length,
    }))
  }
  expect(calibrate(labelled('judge-long')).lengthBias).toMatchObject({ isLengthMoved: true })
  expect(calibrate(labelled('judge-fair')).lengthBias).toMatchObject({ isLengthMoved: false })
})
