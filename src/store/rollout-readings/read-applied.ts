import type { Readings } from '../../domain/rollout/evidence.ts'
import type { Stage } from './stage.ts'

/**
 * Of how many units of each arm the first answer has a score, where not every answer gets one: of an evaluator that applies
 * to some, of those that evaluators have read; of feedback, of all. By units, because what one unit asks for, and whether it
 * says what it thinks, resembles itself. Undefined where every answer gets one, and in the shadow, whose pairs have it on both
 * sides or on neither.
 */
export async function readApplied({ ask, calls, scores, ...stage }: Stage): Promise<Readings['applied']> {
  const { answersRead, isShadow, rollout } = stage
  if (isShadow || (answersRead === undefined && rollout.metric !== 'feedback')) return undefined
  const isRead = answersRead === undefined ? '' : `AND call.trace_id IN (${answersRead})`
  const rows = await ask(
    { arm: 'text', expected: 'number', scored: 'number' },
    `SELECT arm, count() AS expected, countIf(is_applied) AS scored
    FROM (
      SELECT call.arm AS arm, argMin(score.trace_id = call.trace_id, (call.received_at, call.trace_id)) AS is_applied
      FROM (${calls}) AS call LEFT JOIN (${scores}) AS score ON score.trace_id = call.trace_id
      WHERE call.is_answered ${isRead}
      GROUP BY arm, if(call.unit = '', toString(call.trace_id), call.unit)
    )
    GROUP BY arm`,
  )
  const of = (arm: string) => rows.find((row) => row.arm === arm) ?? { expected: 0, scored: 0 }
  const [candidate, control] = [of('candidate'), of('control')]
  return {
    candidate: { expected: candidate.expected, scored: candidate.scored },
    control: { expected: control.expected, scored: control.scored },
  }
}
