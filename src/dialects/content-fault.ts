import type { AnswerContent } from './answer-content.ts'
import { parseJson } from './json-value.ts'

/** What is wrong with a whole answer that came with status 200, as far as a fallback is concerned. */
export type ContentFault = 'refusal' | 'invalid_json'

/**
 * A refusal, or an answer that is empty or no JSON where `asksForJson`. Calls of tools are an answer too. JSON in a
 * code fence is none: whoever asked for JSON parses what comes.
 */
export function contentFault(content: AnswerContent, asksForJson: boolean): ContentFault | undefined {
  if (content.refusal !== undefined) return 'refusal'
  // What was left out here may be what makes it whole.
  if (!asksForJson || content.toolCalls.length > 0 || content.isClipped) return undefined
  return parseJson(content.text) === undefined ? 'invalid_json' : undefined
}
