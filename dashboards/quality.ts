import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { bars } from './bar-panels.ts'
import { board } from './board.ts'
import { OF_MODEL, OF_ROUTE, OF_TASK } from './filters.ts'
import { matrix } from './matrix-panel.ts'
import { audits, judges, judgesAgainstPeople } from './judge-panels.ts'
import { type PlacedLater, series, stat, table } from './panel.ts'
import { picks } from './picks-panel.ts'
import { MINIMUM, SCORES, SCORES_OF_ONE } from './score-sql.ts'

const CALLS = `
FROM attempts_1m
WHERE $__timeFilter(minute) AND ${OF_ROUTE} AND ${OF_TASK} AND ${OF_MODEL}`

/** A cell of the matrix says something from so many scores on. */
const LEAST_SCORES = 10

/** Mean scores over time, by a column of theirs. */
const scoresBy = (title: string, column: string, description: string): PlacedLater =>
  series({
    title,
    description,
    sql: `
SELECT $__timeInterval(trace_at) AS time, if(${column} = '', '(none named)', ${column}) AS series, avg(score.value) AS value ${SCORES_OF_ONE}
  AND score.value IS NOT NULL
GROUP BY time, series`,
    unit: 'percentunit',
    draw: 'lines',
    min: 'auto',
    max: 1,
    interval: '15m',
    width: 12,
  })

/** How good the answers are, and how far that can be trusted. */
export const quality = (): Dashboard =>
  board({
    uid: 'understudy-quality',
    title: 'Understudy: quality',
    description:
      'What evaluators, judges, applications and people say of served answers, against the minimum acceptable.',
    variables: ['evaluator', 'route', 'task', 'model'],
    rows: [
      [
        stat({
          title: 'Scored answers',
          description: 'Served answers with a score by the chosen evaluator.',
          sql: `SELECT countIf(score.value IS NOT NULL) AS scored ${SCORES_OF_ONE}`,
          unit: 'short',
          width: 4,
        }),
        stat({
          title: 'Mean quality',
          description: 'Mean score by the chosen evaluator. Missing scores are left out, never zero.',
          sql: `SELECT avg(score.value) AS quality ${SCORES_OF_ONE}`,
          unit: 'percentunit',
          decimals: 1,
          width: 4,
        }),
        stat({
          title: 'Below the minimum',
          description: `Pairs of task and model whose mean is below quality.minimum, of those with at least ${LEAST_SCORES} scores.`,
          sql: `
SELECT countIf(quality < minimum) AS below
FROM (SELECT avg(score.value) AS quality, ${MINIMUM}[task] AS minimum ${SCORES_OF_ONE} GROUP BY task, model HAVING count(score.value) >= ${LEAST_SCORES})
WHERE minimum > 0`,
          unit: 'short',
          warnAbove: 1,
          width: 4,
        }),
        stat({
          title: 'Missing verdicts',
          description:
            'Share of the scores by the chosen evaluator that failed: they are missing, neither good nor bad.',
          sql: `SELECT countIf(score.value IS NULL) / nullIf(count(), 0) AS missing ${SCORES_OF_ONE}`,
          unit: 'percentunit',
          decimals: 1,
          warnAbove: 0.05,
          width: 4,
        }),
        stat({
          title: 'Escalations',
          description:
            'Further calls of cascades for every first call: how often the cheaper answer was not good enough.',
          sql: `SELECT sumIf(calls, role = 'cascade') / nullIf(sumIf(calls, role = 'primary'), 0) AS escalations ${CALLS}`,
          unit: 'percentunit',
          decimals: 1,
          warnAbove: 0.1,
          width: 4,
        }),
        stat({
          title: 'Feedback',
          description: 'Mean of what applications and people said, from 0 to 100 %, whoever else scores.',
          sql: `SELECT avg(score.value) AS feedback ${SCORES} AND source IN ('application', 'human')`,
          unit: 'percentunit',
          decimals: 1,
          width: 4,
        }),
      ],
      [
        matrix({
          title: 'Quality by task and model',
          description: `Mean score by the chosen evaluator; empty below ${LEAST_SCORES} scores.`,
          sql: `
SELECT task AS "Task", if(model = '', '(none named)', model) AS "Model", avg(score.value) AS "Quality" ${SCORES_OF_ONE}
GROUP BY "Task", "Model"
HAVING count(score.value) >= ${LEAST_SCORES}
ORDER BY "Task", "Model"
LIMIT 500`,
          rows: 'Task',
          columns: 'Model',
          cells: 'Quality',
          unit: 'percentunit',
          decimals: 1,
          below: 'vermilion',
          steps: [
            [0.6, 'orange'],
            [0.75, 'sky'],
            [0.9, 'blue'],
          ],
          width: 12,
        }),
        matrix({
          title: 'Above or below the minimum',
          description:
            'Mean score less the least acceptable one (quality.minimum) in percentage points; tasks without a minimum are left out.',
          sql: `
SELECT task AS "Task", if(model = '', '(none named)', model) AS "Model", avg(score.value) - any(${MINIMUM}[task]) AS "Difference" ${SCORES_OF_ONE}
  AND ${MINIMUM}[task] > 0
GROUP BY "Task", "Model"
HAVING count(score.value) >= ${LEAST_SCORES}
ORDER BY "Task", "Model"
LIMIT 500`,
          rows: 'Task',
          columns: 'Model',
          cells: 'Difference',
          unit: 'percentunit',
          decimals: 1,
          below: 'vermilion',
          steps: [[0, 'blue']],
          width: 12,
        }),
      ],
      [
        scoresBy('Quality by task', 'task', 'Mean score by the chosen evaluator, by task.'),
        scoresBy('Quality by model', 'model', 'Mean score by the chosen evaluator, by the model asked for.'),
      ],
      [
        series({
          title: 'Scores by source',
          description: 'Mean score by where it comes from: evaluators, judges, applications, people, audits.',
          sql: `
SELECT $__timeInterval(trace_at) AS time, source AS series, avg(score.value) AS value ${SCORES}
  AND score.value IS NOT NULL
GROUP BY time, series`,
          unit: 'percentunit',
          draw: 'lines',
          min: 'auto',
          max: 1,
          interval: '15m',
          width: 12,
        }),
        series({
          title: 'Escalations over time',
          description: 'Further calls of cascades for every first call, by route.',
          sql: `
SELECT $__timeInterval(minute) AS time, route AS series, sumIf(calls, role = 'cascade') / sumIf(calls, role = 'primary') AS value ${CALLS}
GROUP BY time, series
HAVING sumIf(calls, role = 'primary') > 0`,
          unit: 'percentunit',
          draw: 'lines',
          width: 12,
        }),
      ],
      [
        judges(),
        bars({
          title: 'Why scores are missing',
          description: 'Scores that failed, by evaluator and reason, whichever evaluator is chosen.',
          sql: `
SELECT concat(evaluator, ': ', failure) AS "Reason", count() AS "Scores" ${SCORES} AND score.value IS NULL
GROUP BY "Reason"
ORDER BY "Scores" DESC, "Reason"
LIMIT 10`,
          unit: 'short',
          width: 12,
          height: 6,
        }),
      ],
      [judgesAgainstPeople()],
      [audits()],
      [picks()],
      [
        table({
          title: 'Lowest scores',
          description:
            'Served answers with the lowest score by the chosen evaluator, newest first; the id leads to the trace.',
          sql: `
SELECT
    trace_at AS "When",
    route AS "Route",
    task AS "Task",
    model AS "Model",
    toString(trace_id) AS "Trace",
    score.value AS "Score" ${SCORES_OF_ONE} AND score.value IS NOT NULL
ORDER BY score.value, trace_at DESC
LIMIT 50`,
          units: { When: 'dateTimeFromNow', Score: 'percentunit' },
          widths: { When: 150, Score: 90, Trace: 320 },
          traces: ['Trace'],
          width: 24,
        }),
      ],
    ],
  })
