import { hash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { ClientFacts, Controls, LlmRequest, Recognised } from '../domain/request.ts'
import { readTraceParent } from '../domain/trace-context.ts'
import type { RequestId } from '../domain/units.ts'
import { queryKey } from '../dialects/query-key.ts'
import type { BodyReading } from '../dialects/read-body.ts'

/** Longest value of a control header that is kept; a longer one is cut, never an error. */
const MAX_CONTROL_CHARS = 256
const MAX_TAGS = 32

/** Puts together what the wire told: nothing is judged here. */
export function readRequest(
  id: RequestId,
  request: IncomingMessage,
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
  const tags = one(headers['x-understudy-tags'])
  return {
    route: one(headers['x-understudy-route']),
    session: one(headers['x-understudy-session']),
    user: one(headers['x-understudy-user']),
    team: one(headers['x-understudy-team']),
    tags: tags === undefined ? NO_TAGS : parseTags(tags),
    task: one(headers['x-understudy-task']),
  }
}

/** `k=v,k=v`; an entry without `=` is a tag with an empty value. */
function parseTags(text: string): Readonly<Record<string, string>> {
  const tags = new Map<string, string>()
  for (const entry of text.split(',').slice(0, MAX_TAGS)) {
    const equals = entry.indexOf('=')
    const key = (equals < 0 ? entry : entry.slice(0, equals)).trim()
    if (key !== '') tags.set(key, equals < 0 ? '' : entry.slice(equals + 1).trim())
  }
  return Object.fromEntries(tags)
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

/** Keys whose subject is remembered: an application sends the same one with every call. */
const MAX_REMEMBERED_KEYS = 1_000
const subjects = new Map<string, string>()

/** The same key gives the same subject whichever header carried it; the key cannot be found from it. */
function keySubject(header: string): string {
  const known = subjects.get(header)
  if (known !== undefined) return known
  const key = header.toLowerCase().startsWith('bearer ') ? header.slice(7) : header
  const subject = hash('sha256', `understudy:${key.trim()}`, 'hex').slice(0, 16)
  if (subjects.size >= MAX_REMEMBERED_KEYS) subjects.clear()
  if (header.length <= MAX_CONTROL_CHARS) subjects.set(header, subject)
  return subject
}

function wholeNumber(header: string | string[] | undefined): number | undefined {
  const text = one(header)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function one(header: string | string[] | undefined): string | undefined {
  const value = Array.isArray(header) ? header[0] : header
  return value === undefined || value.length <= MAX_CONTROL_CHARS ? value : value.slice(0, MAX_CONTROL_CHARS)
}
