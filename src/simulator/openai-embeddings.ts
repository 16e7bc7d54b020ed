import { drawSequence } from './draw.ts'
import { countOf, type JsonObject } from './json.ts'
import { missingField, wrongField, type ApiError } from './provider-errors.ts'
import { countTokens } from './tokens.ts'

const DEFAULT_DIMENSIONS = 1536

export type EmbeddingsAsk = {
  readonly inputs: readonly string[]
  readonly dimensions: number
  readonly isBase64: boolean
}

/** Reads an embeddings body: one text, several, one list of token ids, or several. */
export function readEmbeddings(body: JsonObject): EmbeddingsAsk | ApiError {
  const input = body['input']
  if (input === undefined) return missingField('openai', 'input')
  const isTokenIds = Array.isArray(input) && typeof input[0] === 'number'
  const list: readonly unknown[] = typeof input === 'string' || isTokenIds ? [input] : Array.isArray(input) ? input : []
  if (list.length === 0) return wrongField('openai', 'input', 'a string, an array of strings or an array of token ids')
  return {
    inputs: list.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))),
    dimensions: Math.min(countOf(body['dimensions']) ?? DEFAULT_DIMENSIONS, 4096) || DEFAULT_DIMENSIONS,
    isBase64: body['encoding_format'] === 'base64',
  }
}

export function embeddingsBody(ask: EmbeddingsAsk, model: string, seed: number): string {
  const data = ask.inputs.map((text, index) => {
    const vector = embed(text, ask.dimensions, seed)
    const embedding = ask.isBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector]
    return { object: 'embedding', index, embedding }
  })
  const prompt_tokens = ask.inputs.reduce((sum, text) => sum + countTokens(text), 0)
  return (
    JSON.stringify(
      { object: 'list', data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } },
      undefined,
      2,
    ) + '\n'
  )
}

/** A vector of length 1; texts that share words point in similar directions. */
export function embed(text: string, dimensions: number, seed: number): Float32Array {
  const vector = new Float32Array(dimensions)
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    const next = drawSequence(seed, 'word', word)
    for (let spread = 0; spread < 8; spread += 1) {
      const index = Math.floor(next() * dimensions)
      vector[index] = (vector[index] ?? 0) + next() - 0.5
    }
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => value / length)
}
