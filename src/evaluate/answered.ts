import { type EvaluationInput, type Evaluator, passed, scored, type Verdict } from './evaluator.ts'

/** Whether a whole, non-empty answer came at all: status 2xx, no error in it, words or calls, its end. */
export const answered: Evaluator = { name: 'answered', version: 1, applies: () => true, score }

function score({ status, answer }: EvaluationInput): Verdict {
  if (status === 0) return scored(0, 'no answer came')
  if (status < 200 || status > 299) return scored(0, `status ${status}`)
  if (answer.errorType !== undefined) return scored(0, 'an error inside the answer')
  if (answer.isTruncated && answer.finishReason === undefined) return scored(0, 'cut before its end')
  const isEmpty = answer.text.trim() === '' && answer.toolCalls.length === 0 && answer.refusal === undefined
  return passed(!isEmpty, 'a whole answer', 'a whole answer with nothing in it')
}
