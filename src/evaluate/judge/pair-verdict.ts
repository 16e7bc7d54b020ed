import type { PairOrder } from './judge-request.ts'
import type { PairChoice } from './read-verdict.ts'

/** What both orders together say of the candidate. */
export type PairVerdict = {
  /** Mean of the two orders, each win 1, tie 0, loss −1: in [−1, 1], by halves. */
  readonly d: number
  /** Both orders said the same. */
  readonly isConsistent: boolean
}

/** One order, seen from the candidate: 1 it won, 0 tie, −1 it lost. */
export function fromCandidate(choice: PairChoice, order: PairOrder): -1 | 0 | 1 {
  if (choice === 'tie') return 0
  return (choice === 'first') === (order === 'candidate_first') ? 1 : -1
}

/**
 * The verdict over both orders. Undefined where one of them is missing: a single order is worth little, since swapping
 * flips four of ten close decisions.
 */
export function pairVerdict(
  candidateFirst: PairChoice | undefined,
  stableFirst: PairChoice | undefined,
): PairVerdict | undefined {
  if (candidateFirst === undefined || stableFirst === undefined) return undefined
  const one = fromCandidate(candidateFirst, 'candidate_first')
  const other = fromCandidate(stableFirst, 'stable_first')
  return { d: (one + other) / 2, isConsistent: one === other }
}
