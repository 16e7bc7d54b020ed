import { hash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { ClientFacts, Controls, LlmRequest, Recognised } from '../domain/request.ts'
import { readTraceParent } from '../domain/trace-context.ts'
import type { RequestId } from '../domain/units.ts'
import { queryKey } from '../dialects/query-key.ts'
import type { BodyReading } from '../dialects/read-body.ts'

/** Longest value of a control header that is kept; a longer one is cut, never an error. */
const MAX_CONTROL_CHARS = 256
/** So many tags are kept, each name and value no longer than any control header, of so much of the header. */
const MAX_TAGS = 32
const MAX_TAGS_CHARS = 8_192

/** Puts together what the wire told: nothing is judged here. */
export function readRequest(
  id: RequestId,
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  recognised: Recognised,
  body: BodyReading,
  requestBytes: number,
): LlmRequest {
  return {
    ...recognised,
    id,
    method: request.method ?? 'GET',
    model: recognised.inPath?.model ?? body.model,
    isStream: recognised.inPath?.isStream ?? body.isStream,
    requestBytes,
    controls: controlsOf(request.headers),
    client: clientOf(request.headers, recognised.dialect === 'gemini' ? queryKey(request.url ?? '') : undefined),
    shape: body.shape,
  }
}

const NO_TAGS: Readonly<Record<string, string>> = {}

function controlsOf(headers: IncomingHttpHeaders): Controls {
  const tags = headers['x-understudy-tags']
  return {
    route: one(headers['x-understudy-route']),
    session: one(headers['x-understudy-session']),
    user: one(headers['x-understudy-user']),
    team: one(headers['x-understudy-team']),
    tags: tags === undefined ? NO_TAGS : parseTags(String(tags)),
    task: one(headers['x-understudy-task']),
    complexity: one(headers['x-understudy-complexity']),
  }
}

/** `k=v,k=v`; an entry without `=` is a tag with an empty value, and one that the limit cuts in two is none. */
function parseTags(text: string): Readonly<Record<string, string>> {
  const end = text.length <= MAX_TAGS_CHARS ? text.length : text.lastIndexOf(',', MAX_TAGS_CHARS)
  const tags = new Map<string, string>()
  for (const entry of text.slice(0, Math.max(0, end)).split(',')) {
    if (tags.size === MAX_TAGS) break
    const equals = entry.indexOf('=')
    const key = cut((equals < 0 ? entry : entry.slice(0, equals)).trim())
    if (key !== '') tags.set(key, equals < 0 ? '' : cut(entry.slice(equals + 1).trim()))
  }
  return Object.fromEntries(tags)
}

/** As `ClientFacts`, by the headers alone. */
export function clientKeySubject(headers: IncomingHttpHeaders): string {
  return clientOf(headers, undefined).keySubject
}

/** `keyInQuery`: where a client has put its key there instead of in a header. */
function clientOf(headers: IncomingHttpHeaders, keyInQuery: string | undefined): ClientFacts {
  const key =
    headers.authorization ??
    one(headers['x-api-key']) ??
    one(headers['api-key']) ??
    one(headers['x-goog-api-key']) ??
    keyInQuery
  return {
    keySubject: key === undefined ? '' : keySubject(key),
    userAgent: headers['user-agent'] ?? '',
    sdkRetry: wholeNumber(headers['x-stainless-retry-count']),
    sdkTimeoutSeconds: wholeNumber(headers['x-stainless-timeout']),
    traceParent: readTraceParent(headers['traceparent'], headers['tracestate']),
  }
}

/**
 * The same key gives the same subject whichever header carried it; the key cannot be found from it. Not remembered by
 * key: a hash costs 0.4 µs, and no key stays in memory.
 */
function keySubject(header: string): string {
  const key = header.toLowerCase().startsWith('bearer ') ? header.slice(7) : header
  return hash('sha256', `understudy:${key.trim()}`, 'hex').slice(0, 16)
}

function wholeNumber(header: string | string[] | undefined): number | undefined {
  const text = one(header)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function one(header: string | string[] | undefined): string | undefined {
  const value = Array.isArray(header) ? header[0] : header
  return value === undefined ? undefined : cut(value)
}

function cut(text: string): string {
  return text.length <= MAX_CONTROL_CHARS ? text : text.slice(0, MAX_CONTROL_CHARS)
}
