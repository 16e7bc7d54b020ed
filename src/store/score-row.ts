import { type Score, timeOfId } from '../domain/score.ts'
import {
  costField,
  explanationField,
  type FieldsOf,
  idField,
  textField,
  textOrDefault,
  timeField,
  valueField,
} from './row-fields.ts'

/** Columns of table `scores`, in the order of `scoreRow`. */
export const SCORE_COLUMNS = [
  'trace_id',
  'attempt_id',
  'trace_at',
  'scored_at',
  'instance',
  'source',
  'evaluator',
  'version',
  'revision',
  'value',
  'failure',
  'explanation',
  'cost_usd',
  'route',
  'task',
  'arm',
  'provider',
  'model',
  'policy_version',
] as const

/** One row of table `scores`. */
export function scoreRow(score: Score, instance: string): FieldsOf<typeof SCORE_COLUMNS> {
  const { about } = score
  return [
    score.traceId,
    idField(score.attemptId),
    timeField(timeOfId(score.traceId) ?? score.scoredAt),
    timeField(score.scoredAt),
    instance,
    score.source,
    textField(score.evaluator),
    textField(score.version),
    score.revision.toString(),
    valueField(score.value),
    textField(score.failure),
    explanationField(score.explanation),
    costField(score.picoUsd),
    textField(about.route),
    textOrDefault(about.task),
    textField(about.arm),
    textField(about.target?.provider),
    textField(about.target?.model),
    textField(about.policyVersion),
  ]
}
