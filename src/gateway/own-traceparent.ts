import type { Provider } from '../domain/policy.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { RequestId } from '../domain/units.ts'
import type { Stages } from './stages.ts'

/** The `traceparent` of our own for a provider that is to have one; undefined where the client's is left as it is. */
export function ownTraceparent(
  request: LlmRequest,
  attemptId: RequestId,
  provider: Provider,
  stages: Stages,
): string | undefined {
  if (provider.traceContext !== 'propagate') return undefined
  return stages.propagate(request.id, attemptId, request.client.traceParent)
}
