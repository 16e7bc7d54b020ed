import type { ErrorCode } from '../domain/errors.ts'
import type { Provider } from '../domain/policy.ts'
import type { Api, Dialect, Recognised } from '../domain/request.ts'
import { takesClientKey, usesServerKey } from '../domain/server-key.ts'
import { hasDotSegment } from './dot-segments.ts'
import { type FollowedPath, followPath } from './follow-path.ts'
import { geminiCall, isGeminiPath } from './gemini-path.ts'
import { withoutQueryKey } from './query-key.ts'

/** Where a path leads, or which error tells the client that it leads nowhere. */
export type Recognition = Recognised | { readonly error: ErrorCode }

const OPENAI_APIS: ReadonlyMap<string, Api> = new Map([
  ['/v1/chat/completions', 'chat_completions'],
  ['/v1/responses', 'responses'],
  ['/v1/completions', 'completions'],
  ['/v1/embeddings', 'embeddings'],
])
const ANTHROPIC_APIS: ReadonlyMap<string, Api> = new Map([
  ['/v1/messages', 'messages'],
  ['/v1/messages/count_tokens', 'count_tokens'],
])
const PATHS: ReadonlyMap<Api, string> = new Map([...OPENAI_APIS, ...ANTHROPIC_APIS].map(([path, api]) => [api, path]))

/** The path of an operation of OpenAI or Anthropic; Gemini's hold more than the operation. */
export function operationPath(api: Api): string | undefined {
  return PATHS.get(api)
}

const MODEL_CALL =
  /\/(?:chat\/completions|responses|completions|embeddings|messages(?:\/count_tokens)?)(?:\?|$)|:(?:\w+Content|countTokens|batchEmbedContents)(?:\?|$)/

/** Whether a request is likely one of the calls that are read; `recognise` has the last word. */
export function isModelCall(method: string | undefined, url: string): boolean {
  return method === 'POST' && MODEL_CALL.test(url)
}

/** Mounts that are a provider's own name; all others are reached as `/p/<provider>/…`. */
const NAMED_MOUNTS: ReadonlySet<string> = new Set(['openai', 'anthropic', 'gemini'])

/**
 * Tells provider, dialect and operation by mount and path (decision 1), never by the kind of key. At the root the
 * path decides; on paths that OpenAI and Anthropic both own an `anthropic-version` header means Anthropic.
 */
export function recognise(
  method: string,
  url: string,
  hasAnthropicVersion: boolean,
  providers: ReadonlyMap<string, Provider>,
): Recognition {
  const target = originForm(url)
  if (target === undefined) return { error: 'no_route' }
  const queryAt = target.indexOf('?')
  const path = queryAt < 0 ? target : target.slice(0, queryAt)
  const second = path.indexOf('/', 1)
  const head = second < 0 ? path.slice(1) : path.slice(1, second)
  if (head === 'understudy') return { error: 'reserved_path' }
  if (head === 'p') {
    const third = second < 0 ? -1 : path.indexOf('/', second + 1)
    const name = second < 0 ? '' : path.slice(second + 1, third < 0 ? path.length : third)
    return mounted(method, providers.get(name), target, path, third < 0 ? path.length : third)
  }
  if (NAMED_MOUNTS.has(head))
    return mounted(method, providers.get(head), target, path, second < 0 ? path.length : second)
  const provider = providers.get(rootProvider(path, hasAnthropicVersion))
  return provider === undefined ? { error: 'no_route' } : mounted(method, provider, target, path, 0)
}

function mounted(
  method: string,
  provider: Provider | undefined,
  target: string,
  path: string,
  mountLength: number,
): Recognition {
  if (provider === undefined) return { error: 'unknown_provider' }
  const rest = path.slice(mountLength)
  if (isConfined(provider) && hasDotSegment(rest)) return { error: 'no_route' }
  const followed = provider.paths === undefined ? undefined : followPath(rest, provider.paths)
  const upstreamPath =
    followed === undefined ? target.slice(mountLength) : followed.upstream + target.slice(path.length)
  const called = method === 'POST' ? calledBy(provider, rest, followed) : PASSED_THROUGH
  const outgoing = upstreamPath.startsWith('/') ? upstreamPath : `/${upstreamPath}`
  return {
    provider: provider.name,
    dialect: provider.dialect,
    ...called,
    // The config's key goes in a header, and no client's key goes beside it.
    upstreamPath: provider.dialect === 'gemini' && !takesClientKey(provider) ? withoutQueryKey(outgoing) : outgoing,
    path,
  }
}

/** Whether clients may use the config's key below one path only: above it, it may open what is not meant for them. */
function isConfined(provider: Provider): boolean {
  return usesServerKey(provider) && provider.baseUrl.pathname !== '/'
}

const PASSED_THROUGH = { api: 'passthrough' } as const

/** With paths of the provider's own OpenAI's operations are looked for below them, and nowhere else. */
function calledBy(
  { dialect, paths }: Provider,
  path: string,
  followed: FollowedPath | undefined,
): Pick<Recognised, 'api' | 'inPath'> {
  if (paths === undefined) return calledAt(dialect, path)
  if (followed === undefined) return PASSED_THROUGH
  const api = OPENAI_APIS.get(`/v1${followed.operation}`) ?? 'passthrough'
  return followed.model === undefined ? { api } : { api, inPath: { model: followed.model, isStream: undefined } }
}

function calledAt(dialect: Dialect, path: string): Pick<Recognised, 'api' | 'inPath'> {
  switch (dialect) {
    case 'openai':
      return { api: OPENAI_APIS.get(path) ?? 'passthrough' }
    case 'anthropic':
      return { api: ANTHROPIC_APIS.get(path) ?? 'passthrough' }
    case 'gemini':
      return geminiCall(path) ?? { api: 'passthrough' }
  }
}

function rootProvider(path: string, hasAnthropicVersion: boolean): Dialect {
  if (isGeminiPath(path)) return 'gemini'
  if (path.startsWith('/v1/messages')) return 'anthropic'
  for (const owned of OPENAI_APIS.keys()) if (path === owned || path.startsWith(`${owned}/`)) return 'openai'
  return hasAnthropicVersion ? 'anthropic' : 'openai'
}

/**
 * Path and query, also of an absolute-form request line: the host in it is never looked at, nor is what may stand
 * before it, a name and a password. Undefined for what has no path (`*`).
 */
export function originForm(url: string): string | undefined {
  if (url.startsWith('/')) return url
  const scheme = url.indexOf('://')
  if (scheme < 0) return undefined
  const slash = url.indexOf('/', scheme + 3)
  return slash < 0 ? '/' : url.slice(slash)
}
