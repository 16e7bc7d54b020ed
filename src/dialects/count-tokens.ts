import type { Usage } from '../domain/usage.ts'
import type { AnswerReader } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { asRecord, countOf, parseJson } from './json-value.ts'

/**
 * Counting is free (platform.claude.com/docs, "Token counting"; ai.google.dev/gemini-api/docs/tokens): a known nothing,
 * not an unknown.
 */
const FREE: Usage = {
  uncachedInputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  textOutputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  providerInputTokens: undefined,
  providerOutputTokens: undefined,
  webSearchRequests: 0,
  serviceTier: undefined,
  parts: [],
  isPartial: false,
}

/** Reads an answer of `count_tokens`, whose `input_tokens` (Gemini: `totalTokens`) is the answer itself and not a usage. */
export function createCountTokensReader(): AnswerReader {
  let usage: Usage | undefined
  let errorType: string | undefined
  return {
    event: () => 'other',
    body: (bytes) => {
      const whole = asRecord(parseJson(bytes.toString('utf8')))
      if (whole === undefined) return
      if (countOf(whole['input_tokens'] ?? whole['totalTokens']) !== undefined) usage = FREE
      errorType = errorTypeOf(whole)
    },
    answer: () => ({ model: undefined, responseId: undefined, finishReason: undefined, usage, errorType }),
  }
}
