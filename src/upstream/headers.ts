import type { Provider } from '../domain/policy.ts'
import type { KeyForm } from '../domain/provider-traits.ts'
import type { RawHeaders } from '../domain/request.ts'
import { takesClientKey } from '../domain/server-key.ts'

/** Headers of one connection (RFC 9110 §7.6.1); they say nothing about the message and are never carried over. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Also set anew for the upstream: its own host, the length of the final body; and what must not leave (baggage). */
const NOT_FORWARDED: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'host', 'content-length', 'expect', 'baggage'])

const CLIENT_KEYS: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'])

const CONTROL_PREFIX = 'x-understudy-'

const NO_NAMES: ReadonlySet<string> = new Set()
const TRACEPARENT: ReadonlySet<string> = new Set(['traceparent'])
const TRACE_CONTEXT: ReadonlySet<string> = new Set(['traceparent', 'tracestate'])

/**
 * Request headers for `provider`, in the client's order and case: all but hop-by-hop ones, host and our own
 * controls. Where the config holds a key for the provider, it replaces whatever key the client sent; `traceparent`
 * likewise replaces the client's.
 */
export function outboundHeaders(raw: RawHeaders, provider: Provider, traceparent?: string): string[] {
  const named = connectionNamed(raw)
  const replaced = replacedContext(raw, provider, traceparent)
  const out: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const lower = name.toLowerCase()
    if (!replaced.has(lower) && isForwarded(lower, provider, named)) out.push(name, raw[i + 1] ?? '')
  }
  if (traceparent !== undefined && !provider.headers.has('traceparent')) out.push('traceparent', traceparent)
  for (const [name, value] of ownHeaders(provider)) out.push(name, value)
  return out
}

/** Headers of the client's trace context that do not go to `provider`. */
function replacedContext(raw: RawHeaders, provider: Provider, traceparent: string | undefined): ReadonlySet<string> {
  if (provider.traceContext === 'strip') return TRACE_CONTEXT
  if (traceparent === undefined) return NO_NAMES
  // What vendors noted about the client's trace says nothing about another one (W3C Trace Context §3.4).
  return raw.some((text) => isSameTrace(text, traceparent)) ? TRACEPARENT : TRACE_CONTEXT
}

/** Whether two `traceparent` values name the same trace. */
function isSameTrace(one: string, other: string): boolean {
  return one.length >= 55 && one.slice(2, 36) === other.slice(2, 36)
}

/** Whether a client's request header goes to `provider`. `name` in lower case. */
function isForwarded(name: string, provider: Provider, connectionOptions: ReadonlySet<string> | undefined): boolean {
  if (NOT_FORWARDED.has(name) || name.startsWith(CONTROL_PREFIX)) return false
  if (connectionOptions?.has(name) === true || provider.headers.has(name)) return false
  return takesClientKey(provider) || !CLIENT_KEYS.has(name)
}

/** The headers that the config sets on every call to `provider`: its key, in the provider's manner, and its extras. */
function ownHeaders(provider: Provider): readonly (readonly [string, string])[] {
  const extras = [...provider.headers]
  if (provider.apiKey === undefined || provider.auth === 'none') return extras
  return [keyHeader(provider.auth, provider.apiKey), ...extras]
}

function keyHeader(auth: Exclude<KeyForm, 'none'>, key: string): readonly [string, string] {
  return auth === 'bearer' ? ['authorization', `Bearer ${key}`] : [auth, key]
}

/** Response headers for the client: all but hop-by-hop ones, in the upstream's order and case. */
export function inboundHeaders(raw: RawHeaders): string[] {
  const named = connectionNamed(raw)
  const out: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const lower = name.toLowerCase()
    if (!HOP_BY_HOP.has(lower) && named?.has(lower) !== true) out.push(name, raw[i + 1] ?? '')
  }
  return out
}

/** Header names that `Connection` declares hop-by-hop for this message; undefined when it declares none. */
function connectionNamed(raw: RawHeaders): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const option of (raw[i + 1] ?? '').toLowerCase().split(',')) {
      const trimmed = option.trim()
      if (trimmed !== '' && trimmed !== 'keep-alive' && trimmed !== 'close') (named ??= new Set()).add(trimmed)
    }
  }
  return named
}
