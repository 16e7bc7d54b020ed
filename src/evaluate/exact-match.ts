import { type EvaluationInput, type Evaluator, isAnswered, NOT_APPLICABLE, passed } from './evaluator.ts'
import { normalised } from './normalise.ts'

/** Whether the answer is the right one, case, punctuation and articles aside. */
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
  return isAnswered(input) && input.expected !== undefined && normalised(input.expected) !== ''
}

/** Normalising only leaves out or folds; what is far longer than the right answer is not it. */
function isMatch(text: string, expected: string): boolean {
  if (text.trim().length > 4 * expected.length + 200) return false
  return normalised(text) === normalised(expected)
}
