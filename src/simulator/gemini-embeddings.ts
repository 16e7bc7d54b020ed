import { embed } from './openai-embeddings.ts'
import { badRequest } from './gemini-errors.ts'
import { textOfContent } from './gemini-request.ts'
import { countOf, isObject, objectsOf, type JsonObject } from './json.ts'
import type { ApiError } from './provider-errors.ts'
import { countTokens } from './tokens.ts'

const DEFAULT_DIMENSIONS = 3072

/** The answer to embedContent: one vector. */
export function embedContentBody(body: JsonObject, seed: number): string | ApiError {
  if (!isObject(body['content'])) return badRequest('* EmbedContentRequest.content: contents is not specified\n')
  return answer({ embedding: vectorOf(body, seed) }, [body])
}

/** The answer to batchEmbedContents: a vector for each request, in their order. */
export function batchEmbedContentsBody(body: JsonObject, seed: number): string | ApiError {
  const requests = objectsOf(body['requests'])
  if (requests.length === 0) return badRequest('* BatchEmbedContentsRequest.requests: requests is not specified\n')
  return answer({ embeddings: requests.map((request) => vectorOf(request, seed)) }, requests)
}

function vectorOf(request: JsonObject, seed: number): JsonObject {
  const dimensions =
    Math.min(countOf(request['outputDimensionality']) ?? DEFAULT_DIMENSIONS, 4096) || DEFAULT_DIMENSIONS
  return { values: [...embed(textOfContent(request['content']), dimensions, seed)] }
}

/** Embeddings spell `promptTokenDetails`, and name no model. */
function answer(vectors: JsonObject, requests: readonly JsonObject[]): string {
  const promptTokenCount = requests.reduce((sum, request) => sum + countTokens(textOfContent(request['content'])), 0)
  const promptTokenDetails = [{ modality: 'TEXT', tokenCount: promptTokenCount }]
  return `${JSON.stringify({ ...vectors, usageMetadata: { promptTokenCount, promptTokenDetails } }, undefined, 2)}\n`
}
