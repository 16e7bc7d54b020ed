import { type EvaluationInput, type Evaluator, hasText, NOT_APPLICABLE, scored } from './evaluator.ts'

/**
 * How alike two answers are in length: the shorter one's characters over the longer one's. Symmetric. A signal, not a
 * quality: it shows the terse and the verbose.
 */
export const lengthRatio: Evaluator = {
  name: 'length_ratio',
  version: 1,
  applies,
  score: (input) => {
    if (!applies(input)) return NOT_APPLICABLE
    const own = input.answer.text.trim().length
    const others = input.other?.text.trim().length ?? 0
    return scored(Math.min(own, others) / Math.max(own, others), `${own} characters against ${others}`)
  },
}

function applies(input: EvaluationInput): boolean {
  return hasText(input) && input.other !== undefined && input.other.text.trim() !== ''
}
