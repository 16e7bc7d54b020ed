import type { Usage } from '../domain/usage.ts'
import type { AnswerReader } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { embeddingUsage } from './gemini-usage.ts'
import { scanObject } from './json-scan.ts'
import { asRecord, parseJson } from './json-value.ts'

const USAGE_KEY = '"usageMetadata"'

/** An answer up to this size is parsed whole: errors are small, and vectors are not. */
const SMALL_BYTES = 64 * 1024

/** Reads embedContent and batchEmbedContents, whose vectors, megabytes in a batch, are never parsed. */
export function createEmbedContentReader(): AnswerReader {
  let usage: Usage | undefined
  let errorType: string | undefined
  return {
    event: () => 'other',
    body: (bytes) => {
      const stated = usageIn(bytes)
      usage = stated === undefined ? undefined : embeddingUsage(stated)
      if (bytes.length <= SMALL_BYTES) errorType = errorTypeOf(asRecord(parseJson(bytes.toString('utf8'))) ?? {})
    },
    // The answer names no model: it is priced as the one in the path.
    answer: () => ({ model: undefined, responseId: undefined, finishReason: undefined, usage, errorType }),
  }
}

/** The object after the last key of that name. Beside it an answer holds numbers only, so nothing can feign it. */
function usageIn(bytes: Buffer): ReturnType<typeof asRecord> {
  const key = bytes.lastIndexOf(USAGE_KEY)
  const open = key < 0 ? -1 : bytes.indexOf('{', key + USAGE_KEY.length)
  const found = open < 0 ? undefined : scanObject(bytes, open)
  return found === undefined ? undefined : asRecord(parseJson(bytes.toString('utf8', open, found.close + 1)))
}
