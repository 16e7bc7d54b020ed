import type { RejectedTarget } from '../domain/decide.ts'
import type { Attempt, Exchange } from '../domain/exchange.ts'
import { isForClient } from '../domain/exchange-totals.ts'
import type { BadEvent } from '../domain/rollout/rollout.ts'
import type { FallbackTrigger } from '../domain/routing/route.ts'
import { REFUSAL_REASONS } from './answer-content.ts'

/** Bad events that the calls of a request show; `tool` takes an evaluator, `slow` a comparison. */
export type ArmEvent = Extract<BadEvent, 'error' | 'timeout' | 'refusal' | 'schema'>

const TIMEOUTS: ReadonlySet<string> = new Set([
  'connect_timeout',
  'first_byte_timeout',
  'slow_answer',
  'slow_first_token',
  'idle_timeout',
])

const NOTHING: readonly ArmEvent[] = []

/**
 * What went wrong with the model that the request's arm stands for, at most one event: a candidate that fails and is
 * answered for by stable is a candidate's failure, and so is one that was passed over because it was out. A fault of the
 * client's own may be among them; it befalls both arms alike.
 */
export function armEvents({ decision, attempts }: Exchange): readonly ArmEvent[] {
  const { rollout } = decision
  if (rollout === undefined || 'refused' in decision) return NOTHING
  const own = decision.targets.find(({ key }) => key === rollout.target)
  const last = attempts.findLastIndex(
    ({ role, target }) => isForClient(role) && target.provider === own?.provider && target.model === own.model,
  )
  const attempt = attempts[last]
  if (attempt === undefined) return isOut(decision.rejected, rollout.target) ? ['error'] : NOTHING
  const event = eventOf(attempt, attempts[last + 1]?.fallbackReason)
  return event === undefined ? NOTHING : [event]
}

/** `leftFor`: why another target was asked after it. */
function eventOf({ outcome, finishReason }: Attempt, leftFor: FallbackTrigger | undefined): ArmEvent | undefined {
  switch (outcome.kind) {
    case 'completed':
      if (leftFor === 'invalid_json') return 'schema'
      if (leftFor === 'refusal' || (finishReason !== undefined && REFUSAL_REASONS.has(finishReason))) return 'refusal'
      return outcome.status < 400 ? undefined : 'error'
    case 'refused':
      return 'error'
    case 'unavailable':
    case 'interrupted':
      return TIMEOUTS.has(outcome.error) ? 'timeout' : 'error'
    case 'cancelled':
      return undefined
  }
}

function isOut(rejected: readonly RejectedTarget[] | undefined, key: string): boolean {
  return rejected?.some(({ target, why }) => target === key && (why === 'breaker_open' || why === 'throttled')) === true
}
