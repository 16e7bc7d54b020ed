import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AnswerContent } from '../../src/dialects/answer-content.ts'
import type { PromptContent } from '../../src/dialects/prompt-content.ts'
import type { EvaluationInput, Evaluator, Verdict } from '../../src/evaluate/evaluator.ts'

/** A whole plain answer, changed to taste. */
export function anAnswer(changes: Partial<AnswerContent> = {}): AnswerContent {
  return {
    text: 'The answer is 42.',
    toolCalls: [],
    refusal: undefined,
    finishReason: 'stop',
    errorType: undefined,
    isTruncated: false,
    isClipped: false,
    ...changes,
  }
}

/** A prompt of one turn, changed to taste. */
export function aPrompt(changes: Partial<PromptContent> = {}): PromptContent {
  return {
    system: '',
    turns: [{ role: 'user', text: 'What is 6 * 7?' }],
    tools: [],
    format: { kind: 'text' },
    hasImages: false,
    hasFiles: false,
    hasHostedTools: false,
    hasStoredConversation: false,
    isBackground: false,
    lastUserText: 'What is 6 * 7?',
    isClipped: false,
    ...changes,
  }
}

export function anInput(changes: Partial<EvaluationInput> = {}): EvaluationInput {
  return { status: 200, answer: anAnswer(), prompt: aPrompt(), expected: undefined, other: undefined, ...changes }
}

const ORDER = { type: 'object', properties: { city: { type: 'string' }, n: { type: 'integer' } }, required: ['city'] }
const PROSE = 'The parcel left our warehouse in the morning and should arrive at your door within the next two days.'

const texts = fc.oneof(
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
  fc.json({ maxDepth: 3 }),
  fc.constantFrom('', ' ', '42', '(B)', 'The answer is (C).', '#### 1,234', '{"city":"Oslo","n":1}'),
  fc.constantFrom('```json\n{"city":"Oslo"}\n```', "I'm sorry, but I can't help with that.", '\ud800'),
  fc.constantFrom(PROSE, `${PROSE} `.repeat(20), 'https://example.org/a [1]'),
)
const calls = fc.array(
  fc.record({
    name: fc.constantFrom('save', 'load', ''),
    argumentsText: fc.oneof(texts, fc.constant('{"city":"Oslo","n":2}'), fc.constant('{"n":2,"city":"Oslo"}')),
  }),
  { maxLength: 4 },
)
const answers = fc.record({
  text: texts,
  toolCalls: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, calls),
  refusal: fc.constantFrom(undefined, undefined, undefined, '', 'No.'),
  finishReason: fc.constantFrom('stop', 'stop', 'length', undefined),
  errorType: fc.constantFrom(undefined, undefined, undefined, 'overloaded_error'),
  isTruncated: fc.boolean(),
  isClipped: fc.boolean(),
})
const prompts: fc.Arbitrary<PromptContent> = fc
  .record({
    lastUserText: fc.oneof(texts, fc.constant('Name your sources, please.')),
    tools: fc.constantFrom(
      [],
      [
        { name: 'save', schema: ORDER },
        { name: 'load', schema: undefined },
      ],
    ),
    format: fc.constantFrom<PromptContent['format']>(
      { kind: 'text' },
      { kind: 'json' },
      { kind: 'schema', schema: ORDER },
      { kind: 'schema', schema: { type: 'nonsense' } },
    ),
  })
  .map((changes) => aPrompt(changes))

/** Any input, real ones often enough. */
export const inputs: fc.Arbitrary<EvaluationInput> = fc.record({
  status: fc.constantFrom(200, 200, 200, 0, 429, 500),
  answer: answers,
  prompt: fc.option(prompts, { nil: undefined, freq: 6 }),
  expected: fc.option(fc.oneof(texts, fc.constantFrom('B', '42', '1234')), { nil: undefined }),
  other: fc.option(answers, { nil: undefined }),
})

/** Texts of a megabyte that are dear to somebody. */
const LONG_TEXTS: readonly string[] = [
  'a'.repeat(1_000_000),
  'word '.repeat(200_000),
  '1,'.repeat(500_000),
  `${'9'.repeat(999_999)}.`,
  '`'.repeat(1_000_000),
  `[${'{},'.repeat(333_000)}{}]`,
  '{"a":'.repeat(200_000),
  `{"city":"${'x'.repeat(999_980)}"}`,
  'http://'.repeat(142_000),
  `I'm sorry, ${'but I cannot '.repeat(76_000)}`,
  '\u0300'.repeat(1_000_000),
  ' \n'.repeat(500_000),
  '#### '.repeat(200_000),
  '(A) '.repeat(250_000),
]

/** Far above what a megabyte takes, and far below what anything worse than n log n does. */
const MAX_MS = 3_000

export type EvaluatorExamples = {
  /** Inputs with the value that each must get. */
  readonly values: readonly (readonly [EvaluationInput, number])[]
  /** Inputs that it has nothing to say about. */
  readonly notApplicable: readonly EvaluationInput[]
  /** Whether the two answers may change places. */
  readonly isSymmetric?: boolean
}

/** A value to twelve decimals, or the kind of what has none. */
function valueOf(verdict: Verdict): string {
  return verdict.kind === 'scored' ? verdict.value.toFixed(12) : verdict.kind
}

/** What every evaluator promises; run it for each. */
export function keepsTheContract(evaluator: Evaluator, examples: EvaluatorExamples): void {
  /** What is wrong with a verdict; undefined for a fair one. */
  const faultOf = (verdict: Verdict, { answer }: EvaluationInput): string | undefined => {
    if (verdict.kind === 'not_applicable') return undefined
    if (verdict.kind === 'failed') return verdict.why === '' ? 'failed without a reason' : undefined
    const { value, explanation } = verdict
    if (!(value >= 0 && value <= 1)) return `value ${value}`
    if (explanation.length === 0 || explanation.length >= 300) return `explanation of ${explanation.length} characters`
    const text = answer.text.trim()
    return text.length > 12 && explanation.includes(text) ? 'quotes the answer' : undefined
  }

  it('has a name that a column can hold and a version that counts', () => {
    expect(evaluator.name).toMatch(/^[a-z][a-z_]*(?::[\w-]+)?$/)
    expect(Number.isSafeInteger(evaluator.version) && evaluator.version > 0).toBe(true)
  })

  it('gives any input a verdict within bounds, the same each time, that does not quote the answer', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const verdict = evaluator.score(input)
        expect(faultOf(verdict, input)).toBeUndefined()
        expect(evaluator.score(structuredClone(input))).toEqual(verdict)
        expect(evaluator.applies(input) || verdict.kind === 'not_applicable').toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  it('says nothing of the answer itself in its explanation', () => {
    for (const [input] of examples.values) {
      const secret = 'Zqxjkvbw'
      const text = input.answer.text.replace(/[A-Za-z]{5,}/g, secret)
      const toolCalls = input.answer.toolCalls.map(({ name, argumentsText }) => ({
        name,
        argumentsText: argumentsText.replace(/[A-Za-z]{4,}/g, secret),
      }))
      expect(JSON.stringify(evaluator.score({ ...input, answer: { ...input.answer, text, toolCalls } }))).not.toContain(
        secret,
      )
    }
  })

  it('scores its examples as stated', () => {
    for (const [input, value] of examples.values) {
      const verdict = evaluator.score(input)
      expect(evaluator.applies(input)).toBe(true)
      expect(verdict.kind === 'scored' ? verdict.value : verdict).toBeCloseTo(value, 2)
    }
    for (const input of examples.notApplicable) expect(evaluator.score(input)).toEqual({ kind: 'not_applicable' })
  })

  it('takes bounded time over a megabyte of anything', () => {
    const [[input] = [anInput()]] = examples.values
    for (const text of LONG_TEXTS) {
      const call = { name: input.answer.toolCalls[0]?.name ?? 'save', argumentsText: text }
      const toolCalls = input.answer.toolCalls.length === 0 ? [] : [call]
      const answer = { ...input.answer, text, toolCalls }
      const startedMs = performance.now()
      expect(faultOf(evaluator.score({ ...input, answer }), { ...input, answer })).toBeUndefined()
      if (input.other !== undefined) evaluator.score({ ...input, answer, other: answer })
      expect({ start: text.slice(0, 20), isSlow: performance.now() - startedMs > MAX_MS }).toMatchObject({
        isSlow: false,
      })
    }
  })

  if (examples.isSymmetric !== true) return
  it('gives two answers that change places the same value', () => {
    fc.assert(
      fc.property(answers, answers, (one, other) => {
        const whole = { refusal: undefined, errorType: undefined }
        const [first, second] = [
          { ...one, ...whole },
          { ...other, ...whole },
        ]
        const verdict = evaluator.score(anInput({ answer: first, other: second }))
        const swapped = evaluator.score(anInput({ answer: second, other: first }))
        expect(valueOf(swapped)).toBe(valueOf(verdict))
      }),
      { numRuns: 400 },
    )
  })
}
