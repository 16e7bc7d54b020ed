import type { AttemptOutcome } from '../domain/exchange.ts'

// What the tables say of an outcome, undefined where its kind has no such thing.

export function statusOf(outcome: AttemptOutcome): number | undefined {
  return outcome.kind === 'unavailable' ? undefined : outcome.status
}

export function errorOf(outcome: AttemptOutcome | undefined): string | undefined {
  if (outcome === undefined || outcome.kind === 'completed' || outcome.kind === 'cancelled') return undefined
  return outcome.error
}

export function errorTypeOf(outcome: AttemptOutcome | undefined): string | undefined {
  return outcome?.kind === 'refused' ? outcome.errorType : undefined
}
