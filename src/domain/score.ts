import type { Target } from './target.ts'
import type { EpochMs, PicoUsd, RequestId } from './units.ts'

/** Who scores: a deterministic evaluator, a model that judges, the application that got the answer, a person, an audit. */
export type ScoreSource = 'evaluator' | 'judge' | 'application' | 'human' | 'audit'

/** Evaluators that have something to say of one answer by itself, without a right one or another to hold it against. */
export const SINGLE_ANSWER_EVALUATORS = [
  'answered',
  'not_truncated',
  'no_refusal',
  'valid_json',
  'json_schema',
  'tool_arguments',
  'same_language',
  'no_repetition',
  'cited_links',
] as const

/** What one evaluator says of one answer. */
export type Score = {
  readonly traceId: RequestId
  /** The call whose answer is scored; undefined = the answer that the client got. */
  readonly attemptId: RequestId | undefined
  readonly source: ScoreSource
  readonly evaluator: string
  /** Of the rule, or judge, prompt and parameters as one: scores of two versions are never mixed. */
  readonly version: string
  /** Of several rows about one answer by one evaluator the highest counts; see `scoreRevision`. */
  readonly revision: bigint
  readonly scoredAt: EpochMs
  /** In [0, 1], level k of five being k/4; undefined = failed, which is missing and never zero. */
  readonly value: number | undefined
  /** Why there is no value; undefined where there is one. */
  readonly failure: string | undefined
  /** For people; holds nothing of request or answer unless content is stored. */
  readonly explanation: string
  /** What scoring cost; undefined = not known, zero for what calls nobody. */
  readonly picoUsd: PicoUsd | undefined
  readonly about: ScoreSubject
}

/** What a score is grouped by, repeated on its row; undefined where the trace is not known to whoever scores. */
export type ScoreSubject = {
  readonly route: string | undefined
  readonly task: string | undefined
  readonly arm: string | undefined
  readonly target: Target | undefined
  readonly policyVersion: string | undefined
}

/** The bits below the version: milliseconds until the year 3084. */
const TIME_BITS = 45n

/**
 * Orders the scores of one answer by one evaluator: a later version before an earlier one, whenever they were made, and
 * of one version the latest. What has no number for its version (judges, feedback) is ordered by time alone: version 0.
 */
export function scoreRevision(version: number, scoredAt: EpochMs): bigint {
  return (BigInt(version) << TIME_BITS) | BigInt(Math.floor(scoredAt))
}

/** The time in the first 48 bits of a UUIDv7; undefined for an id of another kind, such as an application made up. */
export function timeOfId(id: RequestId): EpochMs | undefined {
  if (!/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/.test(id)) return undefined
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
