import type { AuditAnswer, AuditRun, AuditRunKey } from '../domain/audit.ts'
import { costField, countField, type FieldsOf, idField, textField, timeField, valueField } from './row-fields.ts'

/** Columns of table `audits`, in the order of `auditRows`. */
export const AUDIT_COLUMNS = [
  'audit',
  'run',
  'question_set',
  'ended_at',
  'instance',
  'ending',
  'kind',
  'path',
  'task',
  'answered',
  'failed',
  'mean',
  'mean_low',
  'mean_high',
  'minimum',
  'is_passed',
  'cost_usd',
  'policy_version',
] as const

/** The rows of table `audits` that a run makes. */
export function auditRows(run: AuditRun, instance: string): readonly FieldsOf<typeof AUDIT_COLUMNS>[] {
  return run.cells.map((cell) => [
    textField(run.audit),
    textField(run.run),
    textField(run.questionSet),
    timeField(run.endedAt),
    instance,
    run.ending,
    cell.kind,
    textField(cell.path),
    textField(cell.task),
    countField(cell.answered),
    countField(cell.failed),
    cell.mean,
    cell.low,
    cell.high,
    valueField(cell.minimum),
    cell.isPassed ?? null,
    costField(cell.picoUsd),
    textField(run.policyVersion),
  ])
}

/** Columns of table `audit_answers`, in the order of `auditAnswerRow`. */
export const AUDIT_ANSWER_COLUMNS = [
  'trace_id',
  'audit',
  'run',
  'question_set',
  'kind',
  'path',
  'question',
  'task',
  'answered_at',
  'instance',
  'value',
  'failure',
  'model',
  'cost_usd',
] as const

/** One row of table `audit_answers`. */
export function auditAnswerRow(
  { audit, run, questionSet }: AuditRunKey,
  answer: AuditAnswer,
  instance: string,
): FieldsOf<typeof AUDIT_ANSWER_COLUMNS> {
  return [
    idField(answer.traceId),
    textField(audit),
    textField(run),
    textField(questionSet),
    answer.kind,
    textField(answer.path),
    textField(answer.question),
    textField(answer.task),
    timeField(answer.answeredAt),
    instance,
    valueField(answer.value),
    textField(answer.failure),
    textField(answer.model),
    costField(answer.picoUsd),
  ]
}
