import type { AnswerReader } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { memberOf, scanObject, type ScannedObject } from './json-scan.ts'
import { asRecord, nameOf, parseJson } from './json-value.ts'
import { openaiUsage } from './openai-usage.ts'

/**
 * Reads embeddings. The vectors, megabytes in a batch, are jumped over rather than parsed: the event loop has other
 * clients to serve.
 */
export function createEmbeddingsReader(): AnswerReader {
  let model: string | undefined
  let usage: unknown
  let errorType: string | undefined
  return {
    event: () => 'other',
    body: (bytes) => {
      const whole = scanObject(bytes)
      if (whole === undefined) return
      model = nameOf(valueOf(bytes, whole, 'model'))
      const stated = asRecord(valueOf(bytes, whole, 'usage'))
      // Embeddings have no output, and say so by not mentioning it.
      usage = stated === undefined ? undefined : { completion_tokens: 0, ...stated }
      errorType = errorTypeOf({ error: valueOf(bytes, whole, 'error') })
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

function valueOf(bytes: Buffer, whole: ScannedObject, key: string): unknown {
  const member = memberOf(whole, key)
  return member === undefined ? undefined : parseJson(bytes.toString('utf8', member.value.start, member.value.end))
}
