import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { pairedCalls } from '../src/evaluate/report/report-queries.ts'
import { bars } from './bar-panels.ts'
import { board } from './board.ts'
import { dollars, OF_COMPARISON, OF_SHADOW, OF_TASK } from './filters.ts'
import { type PlacedLater, series, stat, table } from './panel.ts'

const FUNNEL = `
FROM shadow_funnel
WHERE $__timeFilter(minute) AND ${OF_SHADOW}`

/** Every verdict; of one pair each evaluator has its own. */
const PAIRS = `
FROM v_pairs AS pair
WHERE $__timeFilter(trace_at) AND ${OF_COMPARISON} AND ${OF_TASK}`

/** What says which answer is better: the judge, in its newest version, as verdicts of two are never mixed. */
const JUDGED = `${PAIRS} AND evaluator = 'judge' AND version = (
    SELECT argMax(version, paired_at) FROM pairs WHERE $__timeFilter(trace_at) AND ${OF_COMPARISON} AND evaluator = 'judge'
  )`
const VERDICTS = `${JUDGED} AND d IS NOT NULL`

const SPENT = `
FROM attempts AS call
WHERE $__timeFilter(started_at) AND role = 'shadow' AND ${OF_SHADOW} AND ${OF_TASK}`

/** Both calls of each pair, each beside what it would have cost without a cache; as `understudy shadow report` has them. */
const SIDES = `
FROM (${pairedCalls(`v_pairs WHERE $__timeFilter(trace_at) AND ${OF_COMPARISON} AND ${OF_TASK}`, '$__timeFilter(started_at)')}) AS call`

/** Share of the rows; NULL where there are none. */
const share = (condition: string): string => `countIf(${condition}) / nullIf(count(), 0)`

const counted = (title: string, stage: string, description: string): PlacedLater =>
  stat({
    title,
    description,
    sql: `SELECT sumIf(requests, stage = '${stage}') AS counted ${FUNNEL}`,
    unit: 'short',
    width: 4,
  })

/** What candidates have shown, unseen by any client. */
export const shadow = (): Dashboard =>
  board({
    uid: 'understudy-shadow',
    title: 'Understudy: shadows',
    description:
      'Live requests that other models answered as well: how many, which answer was better, what it cost. `understudy shadow report NAME` draws the conclusion.',
    variables: ['shadow', 'task'],
    rows: [
      [
        counted(
          'Eligible',
          'eligible',
          'Requests that matched a shadow. Counted before tasks are known: of all tasks.',
        ),
        counted('Mirrored', 'mirrored', 'Of them, sent to a candidate, or to the stable model again. Of all tasks.'),
        stat({
          title: 'Candidate better',
          description: 'Share of judged pairs in which the candidate won. A/A pairs are left out.',
          sql: `SELECT ${share('d > 0')} AS won ${VERDICTS} AND NOT is_control`,
          unit: 'percentunit',
          decimals: 1,
          width: 4,
        }),
        stat({
          title: 'Candidate worse',
          description: 'Share of judged pairs in which the candidate lost. A/A pairs are left out.',
          sql: `SELECT ${share('d < 0')} AS lost ${VERDICTS} AND NOT is_control`,
          unit: 'percentunit',
          decimals: 1,
          width: 4,
        }),
        stat({
          title: 'Losses beyond A/A',
          description:
            'Share of pairs that the candidate lost, less the share that the stable model lost against itself: what is not noise.',
          sql: `SELECT countIf(d < 0 AND NOT is_control) / nullIf(countIf(NOT is_control), 0) - countIf(d < 0 AND is_control) / nullIf(countIf(is_control), 0) AS beyond ${VERDICTS}`,
          unit: 'percentunit',
          decimals: 1,
          warnAbove: 0.05,
          width: 4,
        }),
        stat({
          title: 'Spend of shadows',
          description: 'US dollars of priced calls to candidates and A/A calls; judges are on the cost dashboard.',
          sql: `SELECT ${dollars('sum(call.cost_usd)', 'count(call.cost_usd)')} AS spend ${SPENT}`,
          unit: 'currencyUSD',
          width: 4,
        }),
      ],
      [
        bars({
          title: 'Funnel',
          description:
            'Requests by how far they came: eligible = skipped + mirrored, mirrored = compared + failed. Of all tasks.',
          sql: `
SELECT stage AS "Stage", sum(requests) AS "Requests" ${FUNNEL}
GROUP BY stage
ORDER BY indexOf(['eligible', 'skipped', 'mirrored', 'compared', 'failed'], stage)
LIMIT 10`,
          unit: 'short',
          width: 8,
        }),
        bars({
          title: 'Why skipped or failed',
          description:
            'Requests that were not mirrored, and mirrored ones that came to nothing, by reason. Of all tasks.',
          sql: `
SELECT concat(stage, ': ', reason) AS "Reason", sum(requests) AS "Requests" ${FUNNEL} AND stage IN ('skipped', 'failed')
GROUP BY "Reason"
ORDER BY "Requests" DESC, "Reason"
LIMIT 8`,
          unit: 'short',
          width: 8,
        }),
        series({
          title: 'Mirrored over time',
          description: 'Requests by what became of them after they were sent. Of all tasks.',
          sql: `
SELECT
    $__timeInterval(minute) AS time,
    sumIf(requests, stage = 'compared') AS "compared",
    sumIf(requests, stage = 'failed') AS "failed" ${FUNNEL}
GROUP BY time
ORDER BY time`,
          unit: 'short',
          draw: 'bars',
          colours: { compared: 'blue', failed: 'vermilion' },
          width: 8,
        }),
      ],
      [
        series({
          title: 'Verdicts',
          description: 'Judged pairs by who had the better answer. A/A pairs are left out.',
          sql: `
SELECT
    $__timeInterval(trace_at) AS time,
    countIf(d > 0) AS "candidate better",
    countIf(d = 0) AS "tie",
    countIf(d < 0) AS "candidate worse" ${VERDICTS} AND NOT is_control
GROUP BY time
ORDER BY time`,
          unit: 'short',
          draw: 'bars',
          interval: '15m',
          colours: { 'candidate better': 'blue', tie: 'grey', 'candidate worse': 'vermilion' },
          width: 12,
        }),
        series({
          title: 'Mean difference',
          description:
            'Mean verdict, from −1 (candidate worse) to 1 (better), beside the stable model against itself (A/A), which should be 0.',
          sql: `
SELECT
    $__timeInterval(trace_at) AS time,
    avgOrNullIf(assumeNotNull(d), NOT is_control) AS "candidate",
    avgOrNullIf(assumeNotNull(d), is_control) AS "A/A" ${VERDICTS}
GROUP BY time
ORDER BY time`,
          unit: 'none',
          draw: 'lines',
          interval: '15m',
          min: -1,
          max: 1,
          colours: { candidate: 'blue', 'A/A': 'grey' },
          width: 12,
        }),
      ],
      [
        table({
          title: 'Verdicts by task',
          description:
            'Judged pairs by task, and the same of the stable model against itself (A/A), which shows the noise.',
          sql: `
SELECT
    task AS "Task",
    if(is_control, 'A/A', candidate_model) AS "Candidate",
    countIf(d IS NOT NULL) AS "Pairs",
    countIf(d > 0) / nullIf("Pairs", 0) AS "Better",
    countIf(d = 0) / nullIf("Pairs", 0) AS "Tie",
    countIf(d < 0) / nullIf("Pairs", 0) AS "Worse",
    avg(d) AS "Mean",
    countIf(d IS NULL) / count() AS "Missing" ${JUDGED}
GROUP BY task, "Candidate", is_control
ORDER BY task, is_control, "Pairs" DESC
LIMIT 100`,
          units: {
            Pairs: 'short',
            Better: 'percentunit',
            Tie: 'percentunit',
            Worse: 'percentunit',
            Mean: 'none',
            Missing: 'percentunit',
          },
          width: 12,
        }),
        table({
          title: 'Cost and latency of both sides',
          description:
            'Calls of pairs, means of priced ones. Uncached: what a call would have cost without any prompt cache, since shadows meet a cold one. Shadow latency is a signal, no proof.',
          sql: `
SELECT
    side AS "Side",
    model AS "Model",
    count() AS "Calls",
    toFloat64(avg(call.cost_usd)) * 1000 AS "Per 1,000",
    avg(list_usd) * 1000 AS "Uncached",
    quantileIf(0.5)(duration_ms, outcome = 'completed') AS "50th",
    quantileIf(0.95)(duration_ms, outcome = 'completed') AS "95th",
    quantileIf(0.95)(first_token_ms, outcome = 'completed') AS "First token" ${SIDES}
GROUP BY side, model
ORDER BY side DESC, "Calls" DESC, model
LIMIT 50`,
          units: {
            Calls: 'short',
            'Per 1,000': 'currencyUSD',
            Uncached: 'currencyUSD',
            '50th': 'ms',
            '95th': 'ms',
            'First token': 'ms',
          },
          width: 12,
        }),
      ],
      [
        series({
          title: 'Cost per 1,000 calls',
          description: 'Mean cost of 1,000 priced calls of pairs, stable and candidate.',
          sql: `
SELECT
    $__timeInterval(started_at) AS time,
    toFloat64(avgIf(call.cost_usd, side = 'stable')) * 1000 AS "stable",
    toFloat64(avgIf(call.cost_usd, side = 'candidate')) * 1000 AS "candidate" ${SIDES}
GROUP BY time
ORDER BY time`,
          unit: 'currencyUSD',
          draw: 'lines',
          interval: '15m',
          colours: { stable: 'orange', candidate: 'blue' },
          width: 12,
        }),
        series({
          title: 'Latency, 95th percentile',
          description:
            'Completed calls of pairs, stable and candidate. Shadows run beside live traffic and with cold caches.',
          sql: `
SELECT
    $__timeInterval(started_at) AS time,
    quantileOrNullIf(0.95)(duration_ms, side = 'stable') AS "stable",
    quantileOrNullIf(0.95)(duration_ms, side = 'candidate') AS "candidate" ${SIDES}
WHERE outcome = 'completed'
GROUP BY time
ORDER BY time`,
          unit: 'ms',
          draw: 'lines',
          interval: '15m',
          colours: { stable: 'orange', candidate: 'blue' },
          width: 12,
        }),
      ],
      [
        table({
          title: 'Worst pairs',
          description: 'Pairs that the candidate lost most clearly, newest first; the id leads to the trace.',
          sql: `
SELECT
    trace_at AS "When",
    comparison AS "Shadow",
    task AS "Task",
    stable_model AS "Stable",
    candidate_model AS "Candidate",
    multiIf(is_consistent IS NULL, '', is_consistent, 'yes', 'no') AS "Both orders",
    toString(trace_id) AS "Trace",
    d AS "Difference" ${VERDICTS} AND NOT is_control AND d < 0
ORDER BY d, is_consistent DESC, trace_at DESC
LIMIT 50`,
          units: { When: 'dateTimeFromNow', Difference: 'none' },
          widths: { When: 150, Difference: 100, 'Both orders': 100, Trace: 320 },
          traces: ['Trace'],
          width: 24,
        }),
      ],
    ],
  })
