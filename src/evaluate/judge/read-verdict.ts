import type { AnswerContent } from '../../dialects/answer-content.ts'
import { asRecord, type JsonRecord, parseJson } from '../../dialects/json-value.ts'
import { sanitised } from './sanitise.ts'

/** Which of the two answers the judge read is better. */
export type PairChoice = 'first' | 'second' | 'tie'

/** What one reply of a judge says. `reason` may quote what was judged: it is content, and stored only where content is. */
export type JudgeSaid<T> = { readonly verdict: T; readonly reason: string }

/** The verdict of a pairwise reply; undefined unless it is exactly one JSON object of the shape that was asked for. */
export function readPairwise(content: AnswerContent): JudgeSaid<PairChoice> | undefined {
  const said = verdictObject(content, 'winner')
  const winner = said?.['winner']
  if (said === undefined || (winner !== 'first' && winner !== 'second' && winner !== 'tie')) return undefined
  return { verdict: winner, reason: reasonOf(said) }
}

/** The level of a rubric reply, 0 to 4; undefined as above. */
export function readRubric(content: AnswerContent): JudgeSaid<number> | undefined {
  const said = verdictObject(content, 'level')
  const level = said?.['level']
  if (said === undefined || typeof level !== 'number' || !Number.isInteger(level) || level < 0 || level > 4)
    return undefined
  return { verdict: level, reason: reasonOf(said) }
}

/** The one call, or else the whole text. A refusal, a cut reply and several calls are no verdict. */
function verdictObject({ text, toolCalls, refusal, isTruncated }: AnswerContent, key: string): JsonRecord | undefined {
  if (refusal !== undefined || isTruncated || toolCalls.length > 1) return undefined
  const said = asRecord(parseJson(toolCalls[0]?.argumentsText ?? text))
  if (said === undefined || typeof said['reason'] !== 'string') return undefined
  return Object.keys(said).every((name) => name === key || name === 'reason') ? said : undefined
}

const MAX_REASON_CHARS = 500

function reasonOf(said: JsonRecord): string {
  return typeof said['reason'] === 'string' ? sanitised(said['reason'], MAX_REASON_CHARS) : ''
}
