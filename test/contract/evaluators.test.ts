import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SINGLE_ANSWER_EVALUATORS } from '../../src/domain/score.ts'
import { createEvaluators } from '../../src/evaluate/evaluators.ts'
import { patternMatch } from '../../src/evaluate/pattern-match.ts'
import { anAnswer, anInput, aPrompt, type EvaluatorExamples, inputs, keepsTheContract } from './evaluators.ts'

const ORDER = {
  type: 'object',
  properties: { city: { type: 'string' }, n: { type: 'integer' } },
  required: ['city'],
  additionalProperties: false,
}
const asJson = aPrompt({ format: { kind: 'json' } })
const asOrder = aPrompt({ format: { kind: 'schema', schema: ORDER } })
const withTools = aPrompt({ tools: [{ name: 'save', schema: ORDER }] })
const ENGLISH =
  'The parcel left our warehouse in the morning and should arrive at your door within the next two working days.'
const GERMAN =
  'Das Paket hat unser Lager am Morgen verlassen und sollte innerhalb der nächsten zwei Werktage bei Ihnen ankommen.'
const refused = anAnswer({ text: "I'm sorry, but I can't help with that." })
const failed = anInput({ status: 500 })

function saying(text: string, changes: Parameters<typeof anInput>[0] = {}) {
  return anInput({ answer: anAnswer({ text }), ...changes })
}

function calling(...texts: readonly string[]) {
  return anAnswer({ text: '', toolCalls: texts.map((argumentsText) => ({ name: 'save', argumentsText })) })
}

const EXAMPLES: Readonly<Record<string, EvaluatorExamples>> = {
  answered: {
    values: [
      [anInput(), 1],
      [failed, 0],
      [anInput({ status: 0 }), 0],
      [anInput({ answer: anAnswer({ errorType: 'overloaded_error' }) }), 0],
      [anInput({ answer: anAnswer({ finishReason: undefined, isTruncated: true }) }), 0],
      [anInput({ answer: anAnswer({ finishReason: undefined }) }), 1],
      [saying(' '), 0],
      [anInput({ answer: calling('{}') }), 1],
    ],
    notApplicable: [],
  },
  not_truncated: {
    values: [
      [anInput(), 1],
      [anInput({ answer: anAnswer({ isTruncated: true }) }), 0],
    ],
    notApplicable: [failed],
  },
  no_refusal: {
    values: [
      [anInput(), 1],
      [anInput({ answer: refused }), 0],
      [anInput({ answer: anAnswer({ refusal: '' }) }), 0],
      [saying('Ich bin ein Assistent. Dabei kann ich leider nicht helfen.'), 0],
      [saying(`I can't help but admire this. ${ENGLISH.repeat(20)}`), 1],
      [saying('You can help with that by calling us.'), 1],
      [saying("I can't help but admire this."), 1],
      [saying("I can't create files here, so save this yourself:\n```\nx = 1\n```"), 1],
      [saying('I am not able to assist with this request.'), 0],
    ],
    notApplicable: [failed],
  },
  valid_json: {
    values: [
      [saying('{"a":1}', { prompt: asJson }), 1],
      [saying('```json\n{"a":1}\n```', { prompt: asJson }), 0],
      [saying('Sure!', { prompt: asOrder }), 0],
    ],
    notApplicable: [anInput(), anInput({ prompt: asJson, answer: anAnswer({ refusal: 'No.' }) })],
  },
  json_schema: {
    values: [
      [saying('{"city":"Oslo","n":2}', { prompt: asOrder }), 1],
      [saying('{"city":"Oslo","n":"two"}', { prompt: asOrder }), 0],
      [saying('{"n":1}', { prompt: asOrder }), 0],
      [saying('{"city":"Oslo","Secretary":2}', { prompt: asOrder }), 0],
      [saying('nothing', { prompt: asOrder }), 0],
    ],
    notApplicable: [anInput(), saying('{}', { prompt: asJson })],
  },
  tool_arguments: {
    values: [
      [anInput({ prompt: withTools, answer: calling('{"city":"Oslo"}') }), 1],
      [anInput({ prompt: withTools, answer: calling('{"city":"Oslo"}', '{"city":1}') }), 0.5],
      [anInput({ prompt: withTools, answer: calling('{"city"') }), 0],
      [
        anInput({
          prompt: withTools,
          answer: anAnswer({ toolCalls: [{ name: 'delete', argumentsText: '{}' }] }),
        }),
        0,
      ],
    ],
    notApplicable: [anInput({ prompt: withTools }), anInput({ answer: calling('{}') })],
  },
  tool_match: {
    isSymmetric: true,
    values: [
      [anInput({ answer: calling('{"city":"Oslo","n":1}'), other: calling('{"n":1, "city":"Oslo"}') }), 1],
      [anInput({ answer: calling('{"city":"Oslo","n":1}'), other: calling('{"city":"Oslo","n":2}') }), 0.75],
      [anInput({ answer: calling('{}'), other: anAnswer() }), 0],
      [anInput({ answer: calling('{}', '{}'), other: calling('{}') }), 0.667],
      [anInput({ answer: calling('{"a":1}', '{"a":2}'), other: calling('{"a":2}', '{"a":1}') }), 1],
    ],
    notApplicable: [anInput(), anInput({ other: anAnswer() })],
  },
  exact_match: {
    values: [
      [saying('The  Eiffel-Tower!', { expected: 'eiffeltower' }), 1],
      [saying('**Paris**.', { expected: 'Paris' }), 1],
      [saying('“an apple”', { expected: 'Apple' }), 1],
      [saying("['r', '+','+']", { expected: "['r','+', '+']" }), 1],
      [saying('5 May 1999.', { expected: '5 may 1999' }), 1],
      [saying('It is the Eiffel Tower', { expected: 'Eiffel Tower' }), 0],
      [saying('C++', { expected: 'C' }), 0],
      [saying('15', { expected: '1.5' }), 0],
      [saying('-3', { expected: '3' }), 0],
      [saying("['r', '+']", { expected: "['r', '+', '+']" }), 0],
      [saying("'ABC'", { expected: "['abc']" }), 0],
      [saying(ENGLISH.repeat(9), { expected: 'parcel' }), 0],
    ],
    notApplicable: [anInput(), saying('x', { expected: ' ' })],
  },
  numeric_match: {
    values: [
      [saying('2 + 2 = 4, so the total is $1,234.50.', { expected: '1234.5' }), 1],
      [saying('First 7.\n#### 42\n(of 100)', { expected: '42' }), 1],
      [saying('It fell from 5 to -3', { expected: '-3' }), 1],
      [saying('1e3', { expected: '1,000' }), 1],
      [saying('So \\boxed{\\$56}, as on page 7', { expected: '56' }), 1],
      [saying('The answer is 42 (see page 7).', { expected: '42' }), 1],
      [saying('The answer is clear: 6 * 7 = 42', { expected: '42' }), 1],
      [saying('from 10-15', { expected: '15' }), 1],
      [saying('Nearly 43', { expected: '42' }), 0],
      [saying('forty-two', { expected: '42' }), 0],
    ],
    notApplicable: [anInput(), saying('7', { expected: 'seven' }), saying('7', { expected: '7 or 8' })],
  },
  choice_match: {
    values: [
      [saying('B', { expected: 'B' }), 1],
      [saying('(b)', { expected: '(B)' }), 1],
      [saying('A is wrong. The answer is (C).', { expected: 'C' }), 1],
      [saying('B) Saturn, although A looks likely', { expected: 'B' }), 1],
      [saying('Answer: D', { expected: 'A' }), 0],
      [saying('I think it must be E', { expected: 'E' }), 1],
      [saying('none of them', { expected: 'A' }), 0],
    ],
    notApplicable: [anInput(), saying('B', { expected: 'Paris' })],
  },
  length_ratio: {
    isSymmetric: true,
    values: [
      [saying('12345678', { other: anAnswer({ text: '1234' }) }), 0.5],
      [saying('same', { other: anAnswer({ text: 'size' }) }), 1],
    ],
    notApplicable: [anInput(), saying(' ', { other: anAnswer() })],
  },
  same_language: {
    isSymmetric: true,
    values: [
      [saying(ENGLISH, { other: anAnswer({ text: `${ENGLISH} Thank you for your patience.` }) }), 1],
      [saying(GERMAN, { other: anAnswer({ text: ENGLISH }) }), 0],
      [saying(GERMAN, { prompt: aPrompt({ lastUserText: ENGLISH }) }), 0],
      [saying(GERMAN, { prompt: aPrompt({ lastUserText: ENGLISH }), other: anAnswer({ text: GERMAN }) }), 1],
    ],
    notApplicable: [anInput(), saying('ok', { other: anAnswer({ text: ENGLISH }) })],
  },
  no_repetition: {
    values: [
      [saying(ENGLISH.repeat(1) + GERMAN + Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ')), 1],
      [saying('so it goes on and on '.repeat(100)), 0.01],
      [saying('啊'.repeat(500)), 0],
    ],
    notApplicable: [anInput(), saying(' ')],
  },
  cited_links: {
    values: [
      [saying('See https://example.org/x', { prompt: aPrompt({ lastUserText: 'Cite your sources.' }) }), 1],
      [saying('As shown [1].', { prompt: aPrompt({ lastUserText: 'With references.' }) }), 0.5],
      [saying('Trust me.', { prompt: aPrompt({ lastUserText: 'Any links?' }) }), 0],
    ],
    notApplicable: [anInput()],
  },
}

describe.each(createEvaluators())('$name', (evaluator) => {
  const examples = EXAMPLES[evaluator.name]
  if (examples === undefined) throw new Error(`no examples for ${evaluator.name}`)
  keepsTheContract(evaluator, examples)
})

it('those that a rollout may go by have something to say of an answer by itself, and all that do are among them', () => {
  const single = createEvaluators().filter(({ name }) =>
    EXAMPLES[name]?.values.some(([input]) => input.expected === undefined && input.other === undefined),
  )
  expect(single.map(({ name }) => name)).toEqual([...SINGLE_ANSWER_EVALUATORS])
})

function aRule(pattern: string, changes: object = {}) {
  const rule = { name: 'greets', version: 3, pattern, isLiteral: false, isCaseSensitive: false, isWanted: true }
  const evaluator = patternMatch({ ...rule, ...changes })
  if ('fault' in evaluator) throw new Error(evaluator.fault)
  return evaluator
}

describe('a wanted pattern of an operator', () => {
  keepsTheContract(aRule('^(dear|hello)\\b'), {
    values: [
      [saying('Hello there'), 1],
      [saying('Oh, hello'), 0],
    ],
    notApplicable: [failed],
  })
})

describe('an unwanted text of an operator', () => {
  keepsTheContract(aRule('(c) Acme', { isLiteral: true, isWanted: false }), {
    values: [
      [saying('all rights (C) ACME'), 0],
      [saying('none'), 1],
    ],
    notApplicable: [failed, saying('')],
  })
})

it('refuses the patterns that it could not match in linear time, and says why', () => {
  const rule = { name: 'x', version: 1, isLiteral: false, isCaseSensitive: true, isWanted: true }
  for (const pattern of ['(a)\\1', 'a(?=b)', '(', '', 'x'.repeat(2000), '(?:a{1,100}){1,10}{1,9}']) {
    expect(patternMatch({ ...rule, pattern })).toMatchObject({ fault: expect.stringMatching(/./) })
  }
})

/**
 * What each version scores must not change. When a test fails here, count the evaluator's version up, say so in
 * CHANGELOG.md, and put the new fingerprint beside the new version.
 */
it('scores as its version did when it was released', () => {
  const samples = fc.sample(inputs, { numRuns: 500, seed: 20_261_120 })
  const released = createEvaluators().map((evaluator) => {
    const verdicts = samples.map((input) => {
      const verdict = evaluator.score(input)
      return verdict.kind === 'scored' ? verdict.value.toFixed(6) : verdict.kind
    })
    const fingerprint = createHash('sha256').update(verdicts.join()).digest('hex').slice(0, 12)
    return `${evaluator.name}@${evaluator.version} ${fingerprint}`
  })
  expect(released).toMatchInlineSnapshot(`
    [
      "answered@1 9ba0842a244f",
      "not_truncated@1 3a9d2af0441c",
      "no_refusal@1 699dd1305123",
      "valid_json@1 812ab1db8cf8",
      "json_schema@1 073c8e5a9cb2",
      "tool_arguments@1 37d0b8fd96aa",
      "tool_match@1 08529d3559f5",
      "exact_match@1 56397203db61",
      "numeric_match@1 8a4522b1ac82",
      "choice_match@1 0aee17b8dd73",
      "length_ratio@1 893c5bde297d",
      "same_language@1 00769f0e2387",
      "no_repetition@1 6253555b8504",
      "cited_links@1 2921719259da",
    ]
  `)
})
