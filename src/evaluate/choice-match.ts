import {
  type EvaluationInput,
  type Evaluator,
  isAnswered,
  NOT_APPLICABLE,
  passed,
  scored,
  type Verdict,
} from './evaluator.ts'
import { chosenLetter } from './chosen-letter.ts'

/** Whether the letter that the answer chooses is the right one. An answer without a letter is wrong, not missing. */
export const choiceMatch: Evaluator = { name: 'choice_match', version: 1, applies, score }

function applies(input: EvaluationInput): boolean {
  return isAnswered(input) && rightLetter(input) !== undefined
}

function rightLetter({ expected }: EvaluationInput): string | undefined {
  return /^\s*\(?([A-J])\)?\.?\s*$/.exec(expected?.slice(0, 20) ?? '')?.[1]
}

function score(input: EvaluationInput): Verdict {
  const right = isAnswered(input) ? rightLetter(input) : undefined
  if (right === undefined) return NOT_APPLICABLE
  const chosen = chosenLetter(input.answer.text)
  if (chosen === undefined) return scored(0, 'no choice can be made out')
  return passed(chosen === right, `chose ${chosen}, which is right`, `chose ${chosen}, not ${right}`)
}
