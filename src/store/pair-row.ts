import type { Pair } from '../domain/pair.ts'
import { timeOfId } from '../domain/score.ts'
import {
  costField,
  countField,
  explanationField,
  type FieldsOf,
  textField,
  textOrDefault,
  timeField,
  valueField,
} from './row-fields.ts'

/** Columns of table `pairs`, in the order of `pairRow`. */
export const PAIR_COLUMNS = [
  'trace_id',
  'stable_attempt_id',
  'candidate_attempt_id',
  'trace_at',
  'paired_at',
  'instance',
  'comparison',
  'is_control',
  'evaluator',
  'version',
  'revision',
  'd',
  'is_consistent',
  'failure',
  'explanation',
  'cost_usd',
  'route',
  'task',
  'unit',
  'is_redacted',
  'stable_provider',
  'stable_model',
  'stable_value',
  'stable_chars',
  'candidate_provider',
  'candidate_model',
  'candidate_value',
  'candidate_chars',
  'policy_version',
] as const

/** One row of table `pairs`. */
export function pairRow(pair: Pair, instance: string): FieldsOf<typeof PAIR_COLUMNS> {
  const { stable, candidate } = pair
  const verdict = pair.verdict.kind === 'compared' ? pair.verdict : undefined
  return [
    pair.traceId,
    pair.stableAttemptId,
    pair.candidateAttemptId,
    timeField(timeOfId(pair.traceId) ?? pair.pairedAt),
    timeField(pair.pairedAt),
    instance,
    textField(pair.comparison),
    pair.isControl,
    textField(pair.evaluator),
    textField(pair.version),
    pair.revision.toString(),
    valueField(verdict?.d),
    verdict?.isConsistent ?? null,
    textField(pair.verdict.kind === 'failed' ? pair.verdict.why : undefined),
    explanationField(pair.explanation),
    costField(pair.picoUsd),
    textField(pair.route),
    textOrDefault(pair.task),
    textField(pair.unit),
    pair.isRedacted,
    textField(stable.target.provider),
    textField(stable.target.model),
    valueField(stable.value),
    countField(stable.chars),
    textField(candidate.target.provider),
    textField(candidate.target.model),
    valueField(candidate.value),
    countField(candidate.chars),
    textField(pair.policyVersion),
  ]
}
