import type { FailureKind, SkipReason } from '../domain/shadow/shadow.ts'

/** What became of one call: not made, or made and compared unless it failed. */
export type CallFate = { readonly skipped: SkipReason } | { readonly failure: FailureKind | undefined }

/**
 * Takes the fates of a request's calls and tells the request's, once, with the last of them: compared where all were,
 * skipped where none was made. A comparison that lacks one of its models is none.
 */
export function requestFate(calls: number, tell: (fate: CallFate) => void): (fate: CallFate) => void {
  const fates: CallFate[] = []
  return (fate) => {
    fates.push(fate)
    if (fates.length === calls) tell(fates.reduce(together))
  }
}

function together(one: CallFate, other: CallFate): CallFate {
  if ('skipped' in one) return 'skipped' in other ? one : { failure: 'not_compared' }
  return 'skipped' in other ? { failure: 'not_compared' } : { failure: one.failure ?? other.failure }
}
