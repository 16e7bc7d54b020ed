import type { Decision } from '../domain/decide.ts'
import type { FallbackTrigger } from '../domain/routing/route.ts'
import type { Target } from '../domain/target.ts'
import type { RequestId } from '../domain/units.ts'

/** What a request came to, beyond what was decided; absent where it went to its one target. */
export type Tried = {
  /** The one whose answer this is. */
  readonly target: Target
  /** Every target called so far, in order; the same one may be there again. */
  readonly called: readonly Target[]
  /** Why the last call but one was left; undefined for a first call. */
  readonly fallbackReason: FallbackTrigger | undefined
}

/** What the proxy tells the client about its call (decision 10), as raw header pairs. */
export function ownHeaders(
  id: RequestId,
  decision: Decision,
  overheadMs: number,
  task: string | undefined,
  tried?: Tried,
): string[] {
  const [first] = decision.targets
  const target = tried?.target ?? first
  const own = [
    'x-understudy-trace-id',
    id,
    'x-understudy-route',
    decision.route,
    'x-understudy-provider',
    target.provider,
    'x-understudy-model',
    headerText(target.model ?? ''),
    'x-understudy-attempts',
    String(tried?.called.length ?? 1),
    'x-understudy-overhead-ms',
    overheadMs.toFixed(3),
  ]
  if (decision.arm !== 'none') own.push('x-understudy-arm', decision.arm)
  if (task !== undefined && task !== 'unknown') own.push('x-understudy-task', headerText(task))
  if (tried === undefined) return own
  const [, ...standBy] = decision.targets
  if (standBy.length > 0) own.push('x-understudy-fallbacks', namesOf(standBy))
  if (tried.fallbackReason === undefined) return own
  own.push('x-understudy-attempted', namesOf(tried.called), 'x-understudy-fallback-reason', tried.fallbackReason)
  return own
}

function namesOf(targets: readonly Target[]): string {
  return targets.map(({ provider, model }) => headerText(`${provider}/${model ?? '*'}`)).join(', ')
}

/** A model name comes from a client: what is not visible ASCII is percent-encoded, so that it cannot break the head. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) && text.length <= 256
    ? text
    : encodeURIComponent(text.slice(0, 256).toWellFormed())
}
