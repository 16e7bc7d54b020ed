import type { Attributes } from '@opentelemetry/api'
import type { Attempt, Exchange } from '../domain/exchange.ts'
import { totalsOf } from '../domain/exchange-totals.ts'
import type { Provider } from '../domain/policy.ts'
import type { LlmRequest } from '../domain/request.ts'
import { clip } from './clip.ts'
import { genAiAttributes } from './genai.ts'
import { methodOf, routeOf } from './http-names.ts'
import { clientErrorType, serverErrorType } from './span-errors.ts'

/** What is known of a request as a whole. Names and numbers: no header, no query, no text of a prompt or an answer. */
export function serverAttributes(exchange: Exchange): Attributes {
  const { request, decision } = exchange
  const { controls, client } = request
  const route = routeOf(request)
  const errorType = serverErrorType(exchange)
  return {
    ...methodAttributes(request.method),
    'url.path': clip(request.path),
    'url.scheme': 'http',
    ...(route === undefined ? {} : { 'http.route': route }),
    ...(exchange.status === 0 ? {} : { 'http.response.status_code': exchange.status }),
    ...(client.userAgent === '' ? {} : { 'user_agent.original': clip(client.userAgent) }),
    'http.request.body.size': request.requestBytes,
    'http.response.body.size': exchange.responseBytes,
    ...(errorType === undefined ? {} : { 'error.type': clip(errorType) }),
    'understudy.trace_id': request.id,
    'understudy.api': request.api,
    'understudy.route': clip(decision.route),
    'understudy.arm': decision.arm,
    'understudy.policy_version': decision.policyVersion,
    'understudy.outcome': exchange.outcome,
    ...(exchange.error === undefined ? {} : { 'understudy.error': exchange.error }),
    'understudy.attempts': totalsOf(exchange).attempts,
    'understudy.overhead_ms': exchange.overheadMs,
    ...(controls.team === undefined ? {} : { 'understudy.team': clip(controls.team) }),
    ...(controls.task === undefined ? {} : { 'understudy.task': clip(controls.task) }),
  }
}

/** What is known of one call to a provider. `provider` is undefined where a reload took it away meanwhile. */
export function clientAttributes(request: LlmRequest, attempt: Attempt, provider: Provider | undefined): Attributes {
  const { outcome, cost } = attempt
  const status = 'status' in outcome ? outcome.status : undefined
  const errorType = clientErrorType(attempt)
  return {
    ...genAiAttributes(request, attempt, provider?.pricedAs ?? attempt.target.provider),
    ...(provider === undefined ? {} : addressAttributes(provider.baseUrl)),
    ...methodAttributes(request.method),
    ...(status === undefined ? {} : { 'http.response.status_code': status }),
    ...(errorType === undefined ? {} : { 'error.type': clip(errorType) }),
    'understudy.attempt_id': attempt.id,
    'understudy.provider': clip(attempt.target.provider),
    'understudy.role': attempt.role,
    ...(attempt.fallbackReason === undefined ? {} : { 'understudy.fallback_reason': attempt.fallbackReason }),
    ...(attempt.adaptations === undefined ? {} : { 'understudy.adaptations': attempt.adaptations.map(clip) }),
    'understudy.outcome': outcome.kind,
    'understudy.queue_ms': attempt.queueMs,
    ...(attempt.firstByteMs === undefined ? {} : { 'understudy.first_byte_ms': attempt.firstByteMs }),
    ...(attempt.providerRequestId === undefined
      ? {}
      : { 'understudy.provider_request_id': clip(attempt.providerRequestId) }),
    ...(cost.kind === 'priced'
      ? { 'understudy.cost_usd': Number(cost.picoUsd) / 1e12 }
      : cost.kind === 'unpriced'
        ? { 'understudy.unpriced': cost.why }
        : {}),
    ...(attempt.usage?.isPartial === true ? { 'understudy.usage_partial': true } : {}),
  }
}

function methodAttributes(method: string): Attributes {
  const { attribute } = methodOf(method)
  return attribute === method
    ? { 'http.request.method': method }
    : { 'http.request.method': attribute, 'http.request.method_original': clip(method) }
}

function addressAttributes({ hostname, port, protocol }: Readonly<URL>): Attributes {
  return {
    // Without the brackets that a URL puts around an IPv6 address.
    'server.address': hostname.replace(/^\[(.*)\]$/, '$1'),
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
  }
}
