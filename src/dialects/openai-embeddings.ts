import type { AnswerReader } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { asRecord, nameOf, parseJson } from './json-value.ts'
import { openaiUsage } from './openai-usage.ts'

/** Reads embeddings, whose vectors, megabytes in a batch, are cut out before anything is parsed. */
export function createEmbeddingsReader(): AnswerReader {
  let model: string | undefined
  let usage: unknown
  let errorType: string | undefined
  return {
    event: () => 'other',
    body: (bytes) => {
      const whole = asRecord(withoutVectors(bytes) ?? parseJson(bytes.toString('utf8')))
      if (whole === undefined) return
      model = nameOf(whole['model'])
      const stated = asRecord(whole['usage'])
      // Embeddings have no output, and say so by not mentioning it.
      usage = stated === undefined ? undefined : { completion_tokens: 0, ...stated }
      errorType = errorTypeOf(whole)
    },
    answer: () => ({
      model,
      responseId: undefined,
      finishReason: undefined,
      usage: openaiUsage(usage, { serviceTier: undefined, webSearchRequests: 0, isPartial: false }),
      errorType,
    }),
  }
}

/**
 * The answer without what stands between `"data":[` and the last `]`; undefined when that leaves no JSON. Parsing
 * 6 MB of numbers takes 13 ms, in which the event loop serves nobody.
 */
function withoutVectors(bytes: Buffer): unknown {
  const data = bytes.indexOf('"data"')
  const open = data === -1 ? -1 : bytes.indexOf('[', data)
  const close = bytes.lastIndexOf(']')
  if (open === -1 || close <= open) return undefined
  return parseJson(`${bytes.toString('utf8', 0, open + 1)}${bytes.toString('utf8', close)}`)
}
