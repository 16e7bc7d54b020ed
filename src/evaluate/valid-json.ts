import { type EvaluationInput, type Evaluator, isAnswered, NOT_APPLICABLE, scored, type Verdict } from './evaluator.ts'
import { parseAnswer } from './parse-answer.ts'

/** Whether an answer that was asked for as JSON is JSON, as a client's own parser would have it. */
export const validJson: Evaluator = { name: 'valid_json', version: 1, applies: asksForJson, score }

/** Whether the request asks for JSON and the answer is not a call or a refusal in its place. */
export function asksForJson(input: EvaluationInput): boolean {
  const { prompt, answer } = input
  if (!isAnswered(input) || prompt === undefined || prompt.format.kind === 'text') return false
  return answer.toolCalls.length === 0 && answer.refusal === undefined
}

function score(input: EvaluationInput): Verdict {
  if (!asksForJson(input)) return NOT_APPLICABLE
  const parsed = parseAnswer(input.answer.text)
  if (parsed.kind === 'json') return scored(1, 'valid JSON')
  return scored(0, parsed.isFenced ? 'JSON inside a code fence, which parsers refuse' : 'not valid JSON')
}
