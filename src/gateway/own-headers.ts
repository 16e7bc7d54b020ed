import type { Decision } from '../domain/decide.ts'
import type { RequestId } from '../domain/units.ts'

/** What the proxy tells the client about its call (decision 10), as raw header pairs. */
export function ownHeaders(id: RequestId, decision: Decision, overheadMs: number): string[] {
  const [target] = decision.targets
  return [
    'x-understudy-trace-id',
    id,
    'x-understudy-route',
    decision.route,
    'x-understudy-provider',
    target.provider,
    'x-understudy-model',
    headerText(target.model ?? ''),
    'x-understudy-attempts',
    String(decision.targets.length),
    'x-understudy-overhead-ms',
    overheadMs.toFixed(3),
  ]
}

/** A model name comes from a client: what is not visible ASCII is percent-encoded, so that it cannot break the head. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) && text.length <= 256
    ? text
    : encodeURIComponent(text.slice(0, 256).toWellFormed())
}
