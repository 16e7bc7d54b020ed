import { boundsOf, type Check } from '../domain/rollout/assess.ts'
import { type DecisionRecord, inputsText, resultOf } from '../domain/rollout/decision-record.ts'
import { livePhaseOf, stageName } from '../domain/rollout/phase.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import { type Field, type FieldsOf, timeField, valueField } from './row-fields.ts'

/** Columns of table `rollout_decisions`, in the order of `rolloutDecisionRow`. */
export const ROLLOUT_DECISION_COLUMNS = [
  'rollout',
  'decision_id',
  'at',
  'instance',
  'policy_version',
  'revision',
  'epoch',
  'stage',
  'rule',
  'action',
  'because',
  'is_alert',
  'checks',
  'inputs',
  'result',
] as const

export function rolloutDecisionRow(record: DecisionRecord): FieldsOf<typeof ROLLOUT_DECISION_COLUMNS> {
  const { rollout, state, transition } = record
  const live = livePhaseOf(state.phase)
  const { rule, action, because, result } = resultOf(transition)
  return [
    rollout.name,
    record.id,
    timeField(record.at),
    record.instance,
    record.policyVersion,
    String(state.revision),
    state.epoch,
    live === undefined ? '' : stageName(live),
    rule,
    action,
    because,
    transition.isAlert,
    transition.checks.map((check) => checkField(rollout, check)),
    inputsText(record),
    result,
  ]
}

function checkField(rollout: Rollout, { guardrail, task, count, seen, harm, nonInferior }: Check): Field {
  const bounds = seen.kind === 'pairs' ? boundsOf(rollout, seen.pairs) : undefined
  const rates = seen.kind === 'rates' ? seen : undefined
  return {
    guardrail,
    task,
    count,
    mean: seen.kind === 'pairs' ? valueField(seen.mean) : null,
    lower: valueField(bounds?.lower),
    upper: valueField(bounds?.upper),
    candidate_rate: valueField(rates?.candidate),
    control_rate: valueField(rates?.control),
    harm_log_e: valueField(harm?.logE),
    harm_threshold: valueField(harm?.threshold),
    margin: valueField(nonInferior?.margin),
    non_inferior_log_e: valueField(nonInferior?.logE),
    non_inferior_threshold: valueField(nonInferior?.threshold),
  }
}
