import { pathAt } from '../dialects/path-at.ts'
import { readBody, withUsageAsked } from '../dialects/read-body.ts'
import { retarget } from '../dialects/retarget.ts'
import type { Provider } from '../domain/policy.ts'
import type { LlmRequest } from '../domain/request.ts'
import { modelFacts } from '../domain/routing/model-facts.ts'
import type { Target } from '../domain/target.ts'
import type { RequestId } from '../domain/units.ts'
import type { OutboundRequest } from '../domain/upstream-call.ts'
import { ownTraceparent } from './own-traceparent.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'
import { withoutAccount, withoutHeaders } from './without-account.ts'

/** A request's body as it came, and as it can be read: the same buffer where it is not compressed. */
export type AskedBody = {
  readonly wire: Buffer
  /** Undefined where it cannot be read. */
  readonly plain: Buffer | undefined
}

/** One call, ready to be sent. */
export type Outbound = {
  readonly request: OutboundRequest
  /** Whether the call asks for usage that the client has not asked for. */
  readonly injectsUsage: boolean
  readonly adaptations: readonly string[] | undefined
}

/** The call that puts `request` to `target`: the client's own bytes, but for what another target makes necessary. */
export function outboundTo(
  target: Target,
  provider: Provider,
  request: LlmRequest,
  body: AskedBody,
  attemptId: RequestId,
  turn: Turn,
  stages: Stages,
): Outbound {
  const isElsewhere = target.provider !== request.provider
  const traceparent = ownTraceparent(request, attemptId, provider, stages)
  const raw = isElsewhere ? withoutAccount(turn.inbound.rawHeaders) : turn.inbound.rawHeaders
  const headers = stages.outboundHeaders(raw, provider, traceparent)
  const isAsAsked = !isElsewhere && target.model === request.model
  const { plain } = body
  if (isAsAsked || plain === undefined) {
    const { injectsUsage } = request.shape
    const bytes = injectsUsage && plain !== undefined ? withUsageAsked(plain) : body.wire
    return {
      request: sending(request.method, request.upstreamPath, headers, body, bytes),
      injectsUsage,
      adaptations: undefined,
    }
  }
  const { path, inPath } = pathAt(provider, request, target.model)
  const facts =
    target.model === undefined
      ? undefined
      : modelFacts(turn.state.policy.routing.models, stages.knownModel, provider, target.model)
  const call = retarget({ api: request.api, path, inPath, body: plain }, target.model, facts)
  const injectsUsage = isElsewhere
    ? readBody(request.api, plain, provider.supportsIncludeUsage).shape.injectsUsage
    : request.shape.injectsUsage
  // What a compressed body says is sent on as it came where nothing in it changes.
  const changed = injectsUsage ? withUsageAsked(call.body) : call.body === plain ? body.wire : call.body
  return {
    request: sending(request.method, call.path, headers, body, changed),
    injectsUsage,
    adaptations: call.adaptations.length === 0 ? undefined : call.adaptations,
  }
}

function sending(method: string, path: string, headers: string[], asked: AskedBody, bytes: Buffer): OutboundRequest {
  const isDecoded = asked.wire !== asked.plain && bytes !== asked.wire
  return { method, path, headers: isDecoded ? withoutHeaders(headers, ENCODING) : headers, body: bytes }
}

const ENCODING: ReadonlySet<string> = new Set(['content-encoding'])
