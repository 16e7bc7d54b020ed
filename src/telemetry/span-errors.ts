import type { Attempt, Exchange } from '../domain/exchange.ts'

/**
 * Why the answer to a client was not what it should have been, for `error.type`; undefined where it was, where the
 * client got a 4xx, which is its own to mend, and where it left.
 */
export function serverErrorType({ outcome, status, error }: Exchange): string | undefined {
  switch (outcome) {
    case 'completed':
    case 'cancelled':
      return undefined
    case 'refused':
      // Below 400 the stream or the body reported the failure.
      return status >= 500 ? String(status) : status < 400 ? error : undefined
    case 'rejected':
      return status >= 400 && status < 500 ? undefined : error
    case 'unavailable':
    case 'interrupted':
      return error
  }
}

/** Why a call to a provider failed: the provider's own word where it said one. Undefined when the client left. */
export function clientErrorType({ outcome }: Attempt): string | undefined {
  switch (outcome.kind) {
    case 'completed':
    case 'cancelled':
      return undefined
    case 'refused':
      return outcome.errorType ?? (outcome.status >= 400 ? String(outcome.status) : outcome.error)
    case 'unavailable':
    case 'interrupted':
      return outcome.error
  }
}
