import type { IncomingHttpHeaders } from 'node:http'
import { readBody } from '../dialects/read-body.ts'
import { recognise } from '../dialects/recognise.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { KnownModel } from '../domain/routing/eligible.ts'
import { type Explanation, explainRoute } from '../domain/routing/explain.ts'
import { routerOf } from '../domain/routing/router.ts'
import type { HealthView } from '../domain/routing/target-health.ts'
import type { RoutingState } from '../domain/state.ts'
import type { EpochMs, RequestId } from '../domain/units.ts'
import { readRequest } from './read-request.ts'
import { requestFacts } from './request-facts.ts'

/** A request that nobody sends: header names in lower case, the body as bytes, uncompressed. */
export type ImaginedRequest = {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What deciding rests on besides the request. `id` stands for the request's own. */
export type DecisionContext = {
  readonly state: RoutingState
  readonly health: HealthView
  readonly knownModel: KnownModel
  readonly id: RequestId
  readonly at: EpochMs
}

/** Decides for a request as the data port would, calling nothing; an error where no route could ever see it. */
export function explainRequest(
  { method, url, headers, body }: ImaginedRequest,
  { state, health, knownModel, id, at }: DecisionContext,
): Explanation | { readonly error: ErrorCode | 'not_routed' } {
  const { providers } = state.policy
  const recognised = recognise(method, url, headers['anthropic-version'] !== undefined, providers)
  if ('error' in recognised) return recognised
  if (recognised.api === 'passthrough') return { error: 'not_routed' }
  const request = readRequest(
    id,
    { method, url, headers },
    recognised,
    readBody(recognised.api, body, false),
    body.length,
  )
  return explainRoute(
    requestFacts(request, headers, body, routerOf(state.policy.routing), at),
    state,
    health,
    knownModel,
  )
}
