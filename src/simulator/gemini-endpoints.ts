import type { TextEndpoint, ValueEndpoint } from './endpoints.ts'
import { generateContentBody, generateContentErrorFrame, generateContentFrames } from './gemini-answer.ts'
import { batchEmbedContentsBody, embedContentBody } from './gemini-embeddings.ts'
import { badRequest } from './gemini-errors.ts'
import { promptOf, readGenerateContent } from './gemini-request.ts'
import { isObject, type JsonObject } from './json.ts'
import { countTokens } from './tokens.ts'

/** A call of Gemini: its path says what other dialects say in the body. */
export type GeminiCall = {
  readonly endpoint: TextEndpoint | ValueEndpoint
  /** The body as the endpoint reads it, with what path and query say. */
  readonly complete: (body: JsonObject) => JsonObject
  /** A stream that is a JSON array. */
  readonly isArray: boolean
}

const GENERATE: TextEndpoint = {
  kind: 'text',
  dialect: 'gemini',
  does: 'chat',
  idPrefix: '',
  idLength: 23,
  read: readGenerateContent,
  whole: generateContentBody,
  frames: generateContentFrames,
  errorFrame: (_facts, body) => generateContentErrorFrame(body),
}

const COUNT: ValueEndpoint = {
  kind: 'value',
  dialect: 'gemini',
  does: 'chat',
  answer(body) {
    const request = isObject(body['generateContentRequest']) ? body['generateContentRequest'] : body
    if (request['contents'] === undefined)
      return badRequest('* CountTokensRequest.contents: contents is not specified\n')
    const totalTokens = countTokens(promptOf(request))
    const promptTokensDetails = [{ modality: 'TEXT', tokenCount: totalTokens }]
    return `${JSON.stringify({ totalTokens, promptTokensDetails }, undefined, 2)}\n`
  },
}

const METHODS: ReadonlyMap<string, TextEndpoint | ValueEndpoint> = new Map<string, TextEndpoint | ValueEndpoint>([
  ['generateContent', GENERATE],
  ['streamGenerateContent', GENERATE],
  ['countTokens', COUNT],
  [
    'embedContent',
    {
      kind: 'value',
      dialect: 'gemini',
      does: 'embedding',
      answer: (body, _model, seed) => embedContentBody(body, seed),
    },
  ],
  [
    'batchEmbedContents',
    {
      kind: 'value',
      dialect: 'gemini',
      does: 'embedding',
      answer: (body, _model, seed) => batchEmbedContentsBody(body, seed),
    },
  ],
])

/** The call that a request line (path and query) means, undefined when it is none of Gemini's. */
export function geminiCallAt(target: string): GeminiCall | undefined {
  const url = URL.parse(target, 'http://simulator')
  const [, name = '', method = ''] = /^\/v1(?:alpha|beta)?\/models\/(.+):(\w+)$/.exec(decodedPath(url)) ?? []
  const endpoint = METHODS.get(method)
  if (endpoint === undefined) return undefined
  const stream = method === 'streamGenerateContent'
  const alt = url?.searchParams.get('alt') ?? undefined
  return {
    endpoint,
    complete: (body) => ({ ...body, model: name, stream, alt }),
    isArray: stream && alt !== 'sse',
  }
}

/** Whether an unread path is Gemini's. */
export function isGeminiPath(path: string): boolean {
  return /^\/(?:upload\/)?v1(?:alpha|beta)(?:\/|$)/.test(path)
}

function decodedPath(url: URL | null): string {
  try {
    return decodeURIComponent(url?.pathname ?? '')
  } catch {
    return ''
  }
}
