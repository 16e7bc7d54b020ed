import { type EvaluationInput, type Evaluator, isAnswered, NOT_APPLICABLE, passed } from './evaluator.ts'
import { isSameAnswer } from './same-answer.ts'

/** Whether the answer is the right one, aside from how it is written: case, articles, full stops, emphasis. */
export const exactMatch: Evaluator = {
  name: 'exact_match',
  version: 1,
  applies,
  score: (input) =>
    applies(input)
      ? passed(isMatch(input.answer.text, input.expected ?? ''), 'the right answer', 'not the right answer')
      : NOT_APPLICABLE,
}

function applies(input: EvaluationInput): boolean {
  return isAnswered(input) && input.expected !== undefined && input.expected.trim() !== ''
}

/** What is far longer than the right answer is not it. */
function isMatch(text: string, expected: string): boolean {
  return text.trim().length <= 4 * expected.length + 200 && isSameAnswer(text, expected)
}
