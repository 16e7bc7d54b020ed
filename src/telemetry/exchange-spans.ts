import { createTraceState, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Attributes, SpanContext, SpanStatus } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { ERRORS } from '../domain/errors.ts'
import type { Attempt, Exchange } from '../domain/exchange.ts'
import type { Provider } from '../domain/policy.ts'
import { spanIdOf, traceIdOf } from '../domain/trace-context.ts'
import type { TraceParent } from '../domain/trace-context.ts'
import { clientAttributes, serverAttributes } from './span-attributes.ts'
import { finishedSpan } from './finished-span.ts'
import type { SpanOwner } from './finished-span.ts'
import { genAiSpanName } from './genai.ts'
import { methodOf, routeOf } from './http-names.ts'
import { clientErrorType, serverErrorType } from './span-errors.ts'

const SAMPLED_AND_RANDOM = 3
const SAMPLED = 1
const UNSET: SpanStatus = { code: SpanStatusCode.UNSET }

/**
 * The spans of a finished request: one of kind SERVER from its first byte to its last, and below it one of kind
 * CLIENT for each call to a provider. Ids come from the ids of request and attempt (see domain/trace-context.ts).
 */
export function exchangeSpans(
  exchange: Exchange,
  providerOf: (name: string) => Provider | undefined,
  owner: SpanOwner,
): readonly ReadableSpan[] {
  const { request } = exchange
  const parent = request.client.traceParent
  const shared = {
    traceId: traceIdOf(request.id, parent),
    traceFlags: ((parent?.flags ?? 0) & SAMPLED_AND_RANDOM) | SAMPLED,
    ...(parent?.state === undefined ? {} : { traceState: createTraceState(parent.state) }),
  }
  const server: SpanContext = { ...shared, spanId: spanIdOf(request.id) }
  const route = routeOf(request)
  const method = methodOf(request.method)
  return [
    finishedSpan(
      {
        name: route === undefined ? method.name : `${method.name} ${route}`,
        kind: SpanKind.SERVER,
        context: server,
        parent: parent === undefined ? undefined : remote(parent),
        startedAt: exchange.receivedAt,
        durationMs: exchange.durationMs,
        status: statusOf(serverErrorType(exchange), exchange.error),
        events: [],
        attributes: () => serverAttributes(exchange),
      },
      owner,
    ),
    ...exchange.attempts.map((attempt) => {
      const provider = providerOf(attempt.target.provider)
      return finishedSpan(
        {
          name: genAiSpanName(request, attempt.target.model) ?? method.name,
          kind: SpanKind.CLIENT,
          context: { ...shared, spanId: spanIdOf(attempt.id) },
          parent: server,
          startedAt: attempt.startedAt,
          durationMs: attempt.durationMs,
          status: statusOf(clientErrorType(attempt), 'error' in attempt.outcome ? attempt.outcome.error : undefined),
          events: firstToken(attempt),
          attributes: (): Attributes => clientAttributes(request, attempt, provider),
        },
        owner,
      )
    }),
  ]
}

function remote({ traceId, spanId, flags }: TraceParent): SpanContext {
  return { traceId, spanId, traceFlags: flags, isRemote: true }
}

function statusOf(errorType: string | undefined, error: Exchange['error']): SpanStatus {
  if (errorType === undefined) return UNSET
  return error === undefined
    ? { code: SpanStatusCode.ERROR }
    : { code: SpanStatusCode.ERROR, message: ERRORS[error].text }
}

/** When an answer began to say something: the first event with content of a stream, the first byte of a plain body. */
function firstToken({ startedAt, firstTokenMs }: Attempt): readonly { readonly name: string; readonly at: number }[] {
  return firstTokenMs === undefined ? [] : [{ name: 'understudy.first_token', at: startedAt + firstTokenMs }]
}
