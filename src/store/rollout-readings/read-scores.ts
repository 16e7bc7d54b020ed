import type { JudgeReading, Readings } from '../../domain/rollout/evidence.ts'
import type { Columns, RowOf } from '../columns.ts'
import type { Stage } from './stage.ts'

/** The answers of one metric, with the request's own score alone: not those of shadow calls. */
export function liveScores(metric: string): string {
  const which =
    metric === 'judge'
      ? "source = 'judge' AND evaluator = 'judge'"
      : metric === 'feedback'
        ? "source IN ('application', 'human')"
        : "source = 'evaluator' AND evaluator = {metric:String}"
  return `SELECT trace_id, max(score.scored_at) AS scored_at, avg(score.value) AS value, any(score.version) AS version
    FROM {database:Identifier}.v_scores AS score
    WHERE ${which} AND attempt_id = toUUID('00000000-0000-0000-0000-000000000000')
      AND trace_at >= fromUnixTimestamp64Milli({since:Int64}) AND trace_at <= fromUnixTimestamp64Milli({as_of:Int64})
      AND score.scored_at <= fromUnixTimestamp64Milli({as_of:Int64})
      AND trace_id IN (${COMPARED})
    GROUP BY trace_id`
}

/**
 * The answers that evaluators have read, where the metric is one that applies to some of them only; undefined where it
 * applies to all. `answered` is told of each.
 */
export function readAnswers(metric: string, isShadow: boolean): string | undefined {
  if (metric === 'judge' || metric === 'feedback' || metric === 'answered') return undefined
  const scores = isShadow ? SHADOW_SCORES : liveScores(metric)
  return `SELECT trace_id FROM (${scores.replaceAll('{metric:String}', "'answered'")})`
}

/** The requests that `rollout-calls` has: a store holds the scores of all routes, and of the units that are not looked at. */
const COMPARED = `SELECT trace_id FROM {database:Identifier}.traces
  WHERE route = {route:String} AND rollout = {rollout:String} AND rollout_epoch = {epoch:UInt32} AND is_compared
    AND received_at >= fromUnixTimestamp64Milli({since:Int64}) AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
    AND cityHash64(if(unit_source = 'none', toString(trace_id), traces.unit)) % {one_of:UInt32} = 0`

/** Of a shadow's pairs the difference itself stands for both answers' scores: it is there, or it is missing. */
export const SHADOW_SCORES = `SELECT trace_id, max(paired_at) AS scored_at, avg(d) AS value, any(pair.version) AS version
  FROM {database:Identifier}.v_pairs AS pair
  WHERE comparison = {shadow:String} AND NOT is_control AND evaluator = {metric:String}
    AND candidate_provider = {candidate_provider:String} AND candidate_model = {candidate_model:String}
    AND trace_at >= fromUnixTimestamp64Milli({since:Int64}) AND paired_at <= fromUnixTimestamp64Milli({as_of:Int64})
  GROUP BY trace_id`

const ARM_SCORES = {
  arm: 'text',
  expected: 'number',
  scored: 'number',
  asked: 'number',
  failed: 'number',
} as const satisfies Columns

type ScoreReadings = {
  readonly coverage: Readings['scores']
  readonly verdicts: Pick<JudgeReading, 'asked' | 'failed'>
}

/**
 * Of the answers in the sample (by the draw that decides it) those whose score is due, and those that have one. What an
 * application or a person says is nobody's duty, so nothing of it is expected; nor is anything of an evaluator that has
 * read the answer and has nothing to say of it.
 */
export async function readScores({ ask, calls, scores, answersRead, rollout }: Stage): Promise<ScoreReadings> {
  const isBeside = answersRead === undefined ? 'false' : `NOT is_asked AND call.trace_id IN (${answersRead})`
  const rows = await ask(
    ARM_SCORES,
    `SELECT arm,
      countIf(is_due) AS expected,
      countIf(is_due AND isNotNull(value)) AS scored,
      countIf(is_asked) AS asked,
      countIf(is_asked AND isNull(value)) AS failed
    FROM (
      SELECT call.arm AS arm, score.value AS value, score.trace_id = call.trace_id AS is_asked,
        reinterpretAsUInt32(reverse(substring(SHA256(concat('judge:', toString(call.trace_id))), 1, 4))) / 4294967296 AS draw,
        call.is_answered AND draw < {scored_share:Float64}
          AND call.received_at <= fromUnixTimestamp64Milli({as_of:Int64} - {watermark_ms:UInt32})
          AND NOT (${isBeside}) AS is_due
      FROM (${calls}) AS call LEFT JOIN (${scores}) AS score ON score.trace_id = call.trace_id
    )
    GROUP BY arm`,
    { scored_share: rollout.metric === 'feedback' ? 0 : rollout.scoredShare },
  )
  const of = (arm: string): RowOf<typeof ARM_SCORES> =>
    rows.find((row) => row.arm === arm) ?? { arm, expected: 0, scored: 0, asked: 0, failed: 0 }
  const [candidate, control] = [of('candidate'), of('control')]
  const isJudged = rollout.metric === 'judge'
  return {
    coverage: {
      candidate: { expected: candidate.expected, scored: candidate.scored },
      control: { expected: control.expected, scored: control.scored },
    },
    verdicts: {
      asked: { candidate: isJudged ? candidate.asked : 0, control: isJudged ? control.asked : 0 },
      failed: { candidate: isJudged ? candidate.failed : 0, control: isJudged ? control.failed : 0 },
    },
  }
}
