import { createTraceState, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { SpanContext, SpanStatus } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { ERRORS } from '../domain/errors.ts'
import type { Attempt, Exchange } from '../domain/exchange.ts'
import type { Provider } from '../domain/policy.ts'
import { spanIdOf, traceIdOf } from '../domain/trace-context.ts'
import type { TraceParent } from '../domain/trace-context.ts'
import { FinishedSpan } from './finished-span.ts'
import type { SpanFacts, SpanOwner } from './finished-span.ts'
import { genAiSpanName } from './genai.ts'
import { methodOf, routeOf } from './http-names.ts'
import { clientAttributes, serverAttributes } from './span-attributes.ts'
import { clientErrorType, serverErrorType } from './span-errors.ts'

const SAMPLED_AND_RANDOM = 3
const SAMPLED = 1
const UNSET: SpanStatus = { code: SpanStatusCode.UNSET }

/**
 * The spans of a finished request: one of kind SERVER from its first byte to its last, and below it one of kind
 * CLIENT for each call to a provider. Ids come from the ids of request and attempt (see domain/trace-context.ts).
 * `providerOf` is asked at once: a reload may take a provider away.
 */
export function exchangeSpans(
  exchange: Exchange,
  providerOf: (name: string) => Provider | undefined,
  owner: SpanOwner,
): readonly ReadableSpan[] {
  const { request, attempts } = exchange
  const parent = request.client.traceParent
  const traceId = traceIdOf(request.id, parent)
  const contextOf = (id: string): SpanContext => {
    const context = { traceId, spanId: spanIdOf(id), traceFlags: flagsOf(parent) }
    return parent?.state === undefined ? context : { ...context, traceState: createTraceState(parent.state) }
  }
  const context = contextOf(request.id)
  const frame = {
    kind: SpanKind.SERVER,
    context,
    parent: parent === undefined ? undefined : remote(parent),
    startedAt: exchange.receivedAt,
    durationMs: exchange.durationMs,
  }
  const spans = [new FinishedSpan(frame, () => serverFacts(exchange), owner)]
  for (const attempt of attempts) {
    const provider = providerOf(attempt.target.provider)
    const below = {
      kind: SpanKind.CLIENT,
      context: contextOf(attempt.id),
      parent: context,
      startedAt: attempt.startedAt,
      durationMs: attempt.durationMs,
    }
    spans.push(new FinishedSpan(below, () => clientFacts(exchange, attempt, provider), owner))
  }
  return spans
}

function serverFacts(exchange: Exchange): SpanFacts {
  const { request, error } = exchange
  const route = routeOf(request)
  const { name } = methodOf(request.method)
  return {
    name: route === undefined ? name : `${name} ${route}`,
    status: statusOf(serverErrorType(exchange), error),
    attributes: serverAttributes(exchange),
    events: [],
  }
}

function clientFacts({ request }: Exchange, attempt: Attempt, provider: Provider | undefined): SpanFacts {
  const { outcome, target } = attempt
  return {
    name: genAiSpanName(request, target.model) ?? methodOf(request.method).name,
    status: statusOf(clientErrorType(attempt), 'error' in outcome ? outcome.error : undefined),
    attributes: clientAttributes(request, attempt, provider),
    events: firstToken(attempt),
  }
}

function flagsOf(parent: TraceParent | undefined): number {
  return ((parent?.flags ?? 0) & SAMPLED_AND_RANDOM) | SAMPLED
}

function remote({ traceId, spanId, flags }: TraceParent): SpanContext {
  return { traceId, spanId, traceFlags: flags, isRemote: true }
}

function statusOf(errorType: string | undefined, error: Exchange['error']): SpanStatus {
  if (errorType === undefined) return UNSET
  const { ERROR: code } = SpanStatusCode
  return error === undefined ? { code } : { code, message: ERRORS[error].text }
}

/** When an answer began to say something: the first event with content of a stream, the first byte of a plain body. */
function firstToken({ startedAt, firstTokenMs }: Attempt): SpanFacts['events'] {
  return firstTokenMs === undefined ? [] : [{ name: 'understudy.first_token', at: startedAt + firstTokenMs }]
}
