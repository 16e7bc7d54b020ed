import type { RequestId } from './units.ts'

/** A span of somebody else, as the W3C headers `traceparent` and `tracestate` name it. */
export type TraceParent = {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hex digits, not all zero. */
  readonly spanId: string
  /** Bit 0: sampled. Bit 1: the trace id is random. */
  readonly flags: number
  /** `tracestate` as it came. */
  readonly state: string | undefined
}

const SAMPLED = 1
const RANDOM = 2
/** What everyone must be able to carry (W3C Trace Context §3.3.1.5); a longer one is left out whole, never cut. */
const LONGEST_STATE = 512

/** version-traceid-parentid-flags. Versions to come may append fields, which are not for us. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** The caller's span; undefined where the header is missing, came twice or breaks the rules: then a new trace begins. */
export function readTraceParent(
  traceparent: string | readonly string[] | undefined,
  tracestate: string | readonly string[] | undefined,
): TraceParent | undefined {
  if (typeof traceparent !== 'string') return undefined
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (version === '00' && rest !== undefined) return undefined
  const state = typeof tracestate === 'string' && tracestate.length <= LONGEST_STATE ? tracestate : undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16), state }
}

/**
 * The trace that a request belongs to: its caller's, else one whose id is the request's own without its dashes, so
 * that whoever has the one (`x-understudy-trace-id`, a row) can find the other.
 */
export function traceIdOf(requestId: RequestId, parent: TraceParent | undefined): string {
  if (parent !== undefined) return parent.traceId
  return requestId.slice(0, 8) + requestId.slice(9, 13) + requestId.slice(14, 18) + spanIdOf(requestId)
}

/**
 * The span of a request or attempt: the last 16 hex digits of its UUIDv7, 62 of whose bits are random and 2 never
 * zero. Known before the call is made, though its span is made after the fact.
 */
export function spanIdOf(id: RequestId): string {
  return id.slice(19, 23) + id.slice(24)
}

/** The `traceparent` that puts an upstream's spans below our attempt's. */
export function traceparentOf(
  requestId: RequestId,
  attemptId: RequestId,
  parent: TraceParent | undefined,
  isSampledByUs: boolean,
): string {
  const flags = ((parent?.flags ?? 0) & RANDOM) | (isSampledByUs ? SAMPLED : 0)
  return `00-${traceIdOf(requestId, parent)}-${spanIdOf(attemptId)}-0${flags}`
}
