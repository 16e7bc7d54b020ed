import type { RetryLoad } from '../domain/routing/retry.ts'

/** Counts the requests of this process that may be tried again, and the calls that are repeats: the retry budget's two sides. */
export type ActiveCalls = RetryLoad & {
  readonly begin: () => void
  readonly end: () => void
  readonly repeat: () => void
  readonly repeated: () => void
}

export function createActiveCalls(): ActiveCalls {
  let activeRequests = 0
  let activeRetries = 0
  return {
    get activeRequests() {
      return activeRequests
    },
    get activeRetries() {
      return activeRetries
    },
    begin: () => void activeRequests++,
    end: () => void activeRequests--,
    repeat: () => void activeRetries++,
    repeated: () => void activeRetries--,
  }
}
