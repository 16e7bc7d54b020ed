import type { Attempt } from '../exchange.ts'
import { inputTokens, NOTHING_USED, outputTokens, type Usage } from '../usage.ts'

/** What a call will use before it is made. */
export type Projection = {
  readonly usage: Usage
  /** Whether it cannot use more output than that. */
  readonly isBound: boolean
}

/** Of a prompt that nobody has counted: no tokenizer makes more of text than a token for every two bytes of English. */
const BYTES_PER_TOKEN = 2

/** Of an answer about which nothing at all is known. */
const USUAL_OUTPUT = 512

/**
 * What the candidate will use: the prompt as the stable call's provider counted it, or a high estimate by its size; and
 * as much output as the request allows, or else the larger of what the stable model has just said and what the candidate
 * says on average (`learnedOutput`).
 */
export function projectedUsage(
  stable: Attempt | undefined,
  requestBytes: number,
  maxOutputTokens: number | undefined,
  learnedOutput: number | undefined,
): Projection {
  const counted = stable?.usage
  const input = counted === undefined ? Math.ceil(requestBytes / BYTES_PER_TOKEN) : inputTokens(counted)
  const seen = Math.max(learnedOutput ?? 0, counted === undefined ? 0 : outputTokens(counted))
  const output = maxOutputTokens ?? (seen > 0 ? Math.ceil(seen) : USUAL_OUTPUT)
  return {
    usage: { ...NOTHING_USED, uncachedInputTokens: input, textOutputTokens: output },
    isBound: maxOutputTokens !== undefined && counted !== undefined,
  }
}

/** Weight of the newest answer in the mean of a candidate's output. */
const NEWEST = 0.1

/** The mean after one more answer of `tokens`. */
export function learned(mean: number | undefined, tokens: number): number {
  return mean === undefined ? tokens : mean + NEWEST * (tokens - mean)
}
