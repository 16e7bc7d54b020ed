import { NOTHING_USED, type Usage } from '../domain/usage.ts'
import type { AnswerReader } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { asRecord, countOf, parseJson } from './json-value.ts'

/**
 * Reads an answer of `count_tokens`, whose `input_tokens` (Gemini: `totalTokens`) is the answer itself and not a usage.
 * Counting is free (platform.claude.com/docs, "Token counting"; ai.google.dev/gemini-api/docs/tokens).
 */
export function createCountTokensReader(): AnswerReader {
  let usage: Usage | undefined
  let errorType: string | undefined
  return {
    event: () => 'other',
    body: (bytes) => {
      const whole = asRecord(parseJson(bytes.toString('utf8')))
      if (whole === undefined) return
      if (countOf(whole['input_tokens'] ?? whole['totalTokens']) !== undefined) usage = NOTHING_USED
      errorType = errorTypeOf(whole)
    },
    answer: () => ({ model: undefined, responseId: undefined, finishReason: undefined, usage, errorType }),
  }
}
