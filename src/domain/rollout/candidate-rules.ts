import type { Decision } from '../decide.ts'
import type { FallbackRules, FallbackTrigger } from '../routing/route.ts'

/** Failures that are the same to a client whether or not anybody stands by. */
const PLAIN_FAILURES: readonly FallbackTrigger[] = ['error', 'rate_limit', 'context_window']

/**
 * The rules by which a request goes down its targets. A candidate has stable to fall back to even where stable has nobody,
 * and must not be worse off for it: what a route without alternatives lets pass (an answer that takes minutes, a refusal)
 * is no failure of its candidate's either, and stable standing by takes no other fallback's place.
 */
export function fallbackRules({ arm, rollout, targets }: Decision, rules: FallbackRules): FallbackRules {
  if (arm !== 'candidate' || targets[0].key !== rollout?.target) return rules
  const isAlone = targets.length <= 2
  return {
    ...rules,
    on: isAlone ? new Set(PLAIN_FAILURES.filter((trigger) => rules.on.has(trigger))) : rules.on,
    maxAttempts: rules.maxAttempts + 1,
  }
}
