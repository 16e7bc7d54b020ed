import type { Target } from './target.ts'
import type { EpochMs, PicoUsd, RequestId } from './units.ts'

/** Two answers to one prompt, compared by one evaluator or judge. */
export type Pair = {
  readonly traceId: RequestId
  /** The call that answered the client, and the one made for comparison. */
  readonly stableAttemptId: RequestId
  readonly candidateAttemptId: RequestId
  /** The shadow, or the rollout, that had them compared. */
  readonly comparison: string
  /** Both are of the stable model: what this pair shows is noise. */
  readonly isControl: boolean
  readonly evaluator: string
  readonly version: string
  /** As of a score. */
  readonly revision: bigint
  readonly pairedAt: EpochMs
  readonly verdict: PairComparison
  readonly stable: PairSide
  readonly candidate: PairSide
  readonly route: string
  readonly task: string
  /** What stickiness and one-item-per-unit go by; undefined = the request stands for itself. */
  readonly unit: string | undefined
  /** The candidate was sent a redacted prompt, so the two did not answer the very same one. */
  readonly isRedacted: boolean
  readonly explanation: string
  /** What comparing cost; undefined = not known, zero for what calls nobody. */
  readonly picoUsd: PicoUsd | undefined
  readonly policyVersion: string
  /** Undefined: of no routing audit. */
  readonly audit?: AuditMark | undefined
}

/** A pair is one of several of its request, which together tell whether routing picked the best model. */
export type AuditMark = {
  /** What 0.01 of quality was worth, in US dollars. */
  readonly pointUsd: number
  /** What the candidate's answer cost more than the client's, in US dollars; undefined = one of them is not known. */
  readonly extraUsd: number | undefined
  /** Models that were to answer besides the one that did; with fewer pairs the request tells nothing. */
  readonly candidates: number
}

export type PairComparison =
  | {
      readonly kind: 'compared'
      /** In [−1, 1], above zero where the candidate is better. */
      readonly d: number
      /** Of a judge: whether both orders said the same; undefined for what has no order. */
      readonly isConsistent: boolean | undefined
    }
  /** Missing: neither a tie nor a loss. */
  | { readonly kind: 'failed'; readonly why: string }

export type PairSide = {
  readonly target: Target
  /** The evaluator's own score of this side, in [0, 1]; undefined where it compares without scoring. */
  readonly value: number | undefined
  /** Length of the answer's text in characters; undefined where there was none. */
  readonly chars: number | undefined
}
