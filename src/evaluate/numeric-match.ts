import {
  type EvaluationInput,
  type Evaluator,
  isAnswered,
  NOT_APPLICABLE,
  passed,
  scored,
  type Verdict,
} from './evaluator.ts'
import { lastNumber, numberOf } from './final-number.ts'

/** Whether the number that the answer ends on is the right one, to a millionth of it. */
export const numericMatch: Evaluator = { name: 'numeric_match', version: 1, applies, score }

const TOLERANCE = 1e-6

function applies(input: EvaluationInput): boolean {
  return isAnswered(input) && input.expected !== undefined && numberOf(input.expected) !== undefined
}

function score(input: EvaluationInput): Verdict {
  const right = applies(input) ? numberOf(input.expected ?? '') : undefined
  if (right === undefined) return NOT_APPLICABLE
  const found = lastNumber(input.answer.text)
  if (found === undefined) return scored(0, 'no number in the answer')
  return passed(
    Math.abs(found - right) <= TOLERANCE * Math.max(1, Math.abs(right)),
    'ends on the right number',
    'ends on another number',
  )
}
