import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board } from './board.ts'
import { NO_AUDIT, OF_ROLLOUT, OF_ROLLOUT_EVENT } from './filters.ts'
import { type PlacedLater, series, type SeriesSpec, table } from './panel.ts'

const DECISIONS = `
FROM rollout_decisions AS decision
WHERE $__timeFilter(decision.at) AND ${OF_ROLLOUT}`

/** Each guardrail of each look, while the rollout is live. */
const CHECKS = `
FROM rollout_decisions AS decision
ARRAY JOIN checks AS checked
WHERE $__timeFilter(decision.at) AND ${OF_ROLLOUT}`

/** As decisions count them: without the questions of audits. */
const TRACES = `
FROM traces AS request
WHERE $__timeFilter(received_at) AND ${OF_ROLLOUT} AND rollout != '' AND ${NO_AUDIT}`

/** Tasks that are pooled are called all; see domain/rollout/evidence.ts. */
const OF_CHECK = "if(checked.task IN ('', 'all'), '', concat(' (', checked.task, ')'))"
const CLAIM = `concat(checked.guardrail, ${OF_CHECK})`

/** Something of every guardrail as of the last look in each interval. */
const claims = (
  spec: Pick<SeriesSpec, 'title' | 'description' | 'unit'> & Partial<SeriesSpec>,
  value: string,
  condition = `isNotNull(${value})`,
): PlacedLater =>
  series({
    sql: `
SELECT $__timeInterval(decision.at) AS time, ${CLAIM} AS series, argMax(toFloat64(${value}), decision.at) AS value ${CHECKS}
  AND ${condition}
GROUP BY time, series`,
    draw: 'lines',
    min: 'auto',
    width: 8,
    ...spec,
  })

/** Where candidates stand on their way into live traffic, and what the evidence says. */
export const rollouts = (): Dashboard =>
  board({
    uid: 'understudy-rollouts',
    title: 'Understudy: rollouts',
    description:
      'Stage and percentage, evidence of harm and of equal quality against their thresholds, bounds, pairs, sample ratio, and what happened.',
    variables: ['rollout'],
    rows: [
      [
        table({
          title: 'Where they stand',
          description:
            'The last look at every rollout in the time shown: its stage, what was decided, and why. All else is of the chosen one.',
          sql: `
SELECT
    rollout AS "Rollout",
    argMax(if(stage = '', 'not live', stage), decision.at) AS "Stage",
    argMax(action, decision.at) AS "Decision",
    argMax(rule, decision.at) AS "Rule",
    argMax(arrayStringConcat(because, '; '), decision.at) AS "Why",
    argMax(if(is_alert, 'yes', ''), decision.at) AS "Needs a look",
    max(decision.at) AS "Looked at"
FROM rollout_decisions AS decision
WHERE $__timeFilter(decision.at)
GROUP BY rollout
ORDER BY "Looked at" DESC, rollout
LIMIT 50`,
          units: { 'Looked at': 'dateTimeFromNow' },
          widths: { Rollout: 170, Stage: 90, Decision: 90, Rule: 120, 'Needs a look': 110, 'Looked at': 150 },
          width: 24,
          height: 6,
        }),
      ],
      [
        series({
          title: 'Percentage',
          description: 'Percentage of the units that the candidate answers, as requests were dealt; 0 while in shadow.',
          sql: `
SELECT $__timeInterval(received_at) AS time, rollout AS series, max(rollout_step) AS value ${TRACES}
GROUP BY time, series`,
          unit: 'percent',
          draw: 'lines',
          isStepped: true,
          max: 100,
          width: 12,
        }),
        series({
          title: 'Requests by arm',
          description:
            'Requests of routes with a rollout, as assigned, without questions of audits. Stable: neither candidate nor control, so not compared.',
          sql: `
SELECT
    $__timeInterval(received_at) AS time,
    countIf(arm = 'candidate') AS "candidate",
    countIf(arm = 'control') AS "control",
    countIf(arm = 'stable') AS "stable" ${TRACES}
GROUP BY time
ORDER BY time`,
          unit: 'short',
          draw: 'bars',
          colours: { candidate: 'blue', control: 'orange', stable: 'grey' },
          width: 12,
        }),
      ],
      [
        claims(
          {
            title: 'Evidence of harm',
            description:
              'ln E of harm as a share of its threshold: at 100 % harm is shown, and the rollout is rolled back.',
            unit: 'percentunit',
            lines: [[1, 'vermilion']],
          },
          'checked.harm_log_e / checked.harm_threshold',
        ),
        claims(
          {
            title: 'Evidence of equal quality',
            description:
              'ln E of non-inferiority as a share of its threshold: when every guardrail is at 100 %, the next step may be taken.',
            unit: 'percentunit',
            lines: [[1, 'vermilion']],
          },
          'checked.non_inferior_log_e / checked.non_inferior_threshold',
        ),
        claims(
          {
            title: 'Pairs and exposures',
            description: 'What the evidence of each guardrail rests on. It begins anew at every stage.',
            unit: 'short',
            min: 0,
          },
          'checked.count',
          '1',
        ),
      ],
      [
        series({
          title: 'Quality difference and its bounds',
          description:
            'Mean difference of the guardrail quality, candidate less control, with bounds that hold however often one looks.',
          sql: `
SELECT
    $__timeInterval(decision.at) AS time,
    concat(bound.1, ${OF_CHECK}) AS series,
    argMax(toFloat64(bound.2), decision.at) AS value
FROM rollout_decisions AS decision
ARRAY JOIN checks AS checked
ARRAY JOIN [('lower', checked.lower), ('mean', checked.mean), ('upper', checked.upper)] AS bound
WHERE $__timeFilter(decision.at) AND ${OF_ROLLOUT} AND checked.guardrail = 'quality' AND isNotNull(bound.2)
GROUP BY time, series`,
          unit: 'none',
          draw: 'lines',
          min: 'auto',
          width: 12,
        }),
        table({
          title: 'Sample ratio',
          description:
            'Units of both arms by stage; they should be equal. P-value below 0.001: the arms were not dealt as they should be, and nothing is promoted.',
          sql: `
SELECT
    rollout AS "Rollout",
    rollout_stage AS "Stage",
    min(received_at) AS "First",
    uniqExactIf(unit, arm = 'candidate') AS "Candidate",
    uniqExactIf(unit, arm = 'control') AS "Control",
    if("Candidate" + "Control" = 0, NULL, erfc(abs(toFloat64("Candidate") - toFloat64("Control")) / sqrt(2 * ("Candidate" + "Control")))) AS "P-value" ${TRACES} AND is_compared
GROUP BY rollout, rollout_epoch, rollout_stage
ORDER BY "First" DESC, rollout
LIMIT 50`,
          units: { First: 'dateTimeFromNow', Candidate: 'short', Control: 'short', 'P-value': 'none' },
          widths: { Stage: 90, First: 130, Candidate: 100, Control: 90, 'P-value': 90 },
          width: 12,
        }),
      ],
      [
        table({
          title: 'Guardrails',
          description:
            'Each guardrail as of the last look: pairs or exposures, mean with its bounds or both rates, and ln E with its thresholds.',
          sql: `
SELECT
    rollout AS "Rollout",
    checked.guardrail AS "Guardrail",
    checked.task AS "Task",
    checked.count AS "Count",
    checked.mean AS "Mean",
    checked.lower AS "Lower",
    checked.upper AS "Upper",
    checked.margin AS "Margin",
    checked.candidate_rate AS "Candidate",
    checked.control_rate AS "Control",
    checked.harm_log_e AS "Harm, ln E",
    checked.harm_threshold AS "Harm shown at",
    checked.non_inferior_log_e AS "Equal, ln E",
    checked.non_inferior_threshold AS "Equal shown at"
FROM (
    SELECT rollout, argMax(checks, decision.at) AS last_checks ${DECISIONS} AND notEmpty(checks)
    GROUP BY rollout
)
ARRAY JOIN last_checks AS checked
ORDER BY rollout, checked.guardrail, checked.task
LIMIT 100`,
          units: {
            Count: 'short',
            Mean: 'none',
            Lower: 'none',
            Upper: 'none',
            Margin: 'none',
            Candidate: 'percentunit',
            Control: 'percentunit',
            'Harm, ln E': 'none',
            'Harm shown at': 'none',
            'Equal, ln E': 'none',
            'Equal shown at': 'none',
          },
          width: 24,
          height: 7,
        }),
      ],
      [
        table({
          title: 'Events',
          description: 'What happened to rollouts in the time shown, newest first: by whom, and why.',
          sql: `
SELECT event.at AS "When", subject AS "Rollout", kind AS "What", actor AS "By", reason AS "Why"
FROM rollout_events AS event
WHERE $__timeFilter(event.at) AND ${OF_ROLLOUT_EVENT}
ORDER BY event.at DESC
LIMIT 100`,
          units: { When: 'dateTimeFromNow' },
          widths: { When: 150, Rollout: 170, What: 130, By: 130 },
          width: 24,
        }),
      ],
    ],
  })
