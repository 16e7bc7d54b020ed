import type { Api, PathFacts } from '../domain/request.ts'
import { percentDecoded } from './percent-decoded.ts'

/** The methods of a Gemini model that are read. */
const METHODS: ReadonlyMap<string, Api> = new Map([
  ['generateContent', 'generate_content'],
  ['streamGenerateContent', 'generate_content'],
  ['countTokens', 'count_tokens'],
  ['embedContent', 'embed_content'],
  ['batchEmbedContents', 'embed_content'],
])

/** `/v1beta/models/gemini-2.5-flash:generateContent`, with the colon as it is or percent-encoded. */
const CALL = /^\/v1(?:alpha|beta\d?)?\/(models|tunedModels)\/([^/?]+)(?::|%3a)(\w+)$/i

/** What a path without its query calls, mount taken off; undefined when it is no method of a model. */
export function geminiCall(path: string): { readonly api: Api; readonly inPath: PathFacts } | undefined {
  const [, collection = '', name = '', method = ''] = CALL.exec(path) ?? []
  if (method === '') return undefined
  const model = collection === 'models' ? percentDecoded(name) : `${collection}/${percentDecoded(name)}`
  return {
    api: METHODS.get(method) ?? 'passthrough',
    inPath: { model, isStream: method === 'streamGenerateContent' },
  }
}

/** Paths at the root that are Gemini's alone: its versions, its uploads, its WebSockets. */
const OWN_ROOT = /^\/(?:upload\/)?v1(?:alpha|beta\d?)(?:\/|$)|^\/ws\/google\./

/** Whether a path at the root belongs to Gemini. On `/v1/models`, which others own too, the method after the colon tells. */
export function isGeminiPath(path: string): boolean {
  return OWN_ROOT.test(path) || (path.startsWith('/v1/') && (geminiCall(path)?.api ?? 'passthrough') !== 'passthrough')
}
