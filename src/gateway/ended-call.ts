import type { Provider } from '../domain/policy.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { EndedCall, TargetFault } from '../domain/routing/ended-call.ts'
import { takesClientKey } from '../domain/server-key.ts'
import type { Relayed } from './relayed.ts'

/** What the keeper of health is told of a call. */
export function endedCall(
  key: string,
  probe: number | undefined,
  provider: Provider,
  { isStream, client }: LlmRequest,
  { outcome, startedAt, tokenAt, endedAt, headers }: Relayed,
  fault: TargetFault | undefined,
): EndedCall {
  const since = startedAt ?? endedAt
  return {
    key,
    provider,
    clientKey: takesClientKey(provider) ? client.keySubject : undefined,
    probe,
    endedAt,
    durationMs: endedAt - since,
    firstTokenMs: tokenAt === undefined ? undefined : tokenAt - since,
    isStream,
    outcome,
    fault: fault?.isOfCallOnly === true ? undefined : fault,
    headers,
  }
}
