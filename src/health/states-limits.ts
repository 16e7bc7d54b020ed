import type { EndedCall } from '../domain/routing/ended-call.ts'

/** Whether an answer may tell of limits. Error pages of something in between would hide what the provider said last. */
export function statesLimits({ outcome, headers }: EndedCall): boolean {
  return headers.length > 0 && (outcome.kind === 'completed' || (outcome.kind === 'refused' && outcome.status === 429))
}
