import { ERRORS } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'

/** How a call ended whose client's connection closed: by the client, or by the proxy for a reason of its own. */
export function cutOutcome(
  status: number | undefined,
  error: ErrorCode | undefined,
  mayHaveRun: boolean,
): AttemptOutcome {
  if (error === undefined) return { kind: 'cancelled', status }
  return status === undefined ? { kind: 'unavailable', error, mayHaveRun } : { kind: 'interrupted', status, error }
}

/** The status of the proxy's own answer to a call that came to none; 0 where the connection closed without a word. */
export function toldStatus(outcome: AttemptOutcome): number {
  return outcome.kind === 'unavailable' && outcome.error !== 'shutting_down' ? ERRORS[outcome.error].status : 0
}
