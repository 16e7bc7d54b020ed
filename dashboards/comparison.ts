import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { distribution } from './bar-panels.ts'
import { board } from './board.ts'
import { FOR_CLIENTS, OF_MODEL, OF_ONE_TASK, OF_ROUTE } from './filters.ts'
import { type PlacedLater, series, type SeriesSpec, table, type UnitName } from './panel.ts'
import { BY_ONE, servedScores } from './score-sql.ts'

const CALLS = `
FROM attempts AS call
WHERE $__timeFilter(started_at) AND ${OF_ONE_TASK} AND ${OF_ROUTE} AND ${OF_MODEL} AND ${FOR_CLIENTS}`

const SCORES = `${servedScores(`${OF_ONE_TASK} AND ${OF_ROUTE} AND ${OF_MODEL}`)}${BY_ONE} AND score.value IS NOT NULL`

const MODEL = "if(model = '', '(none named)', model)"

type Spread = {
  readonly title: string
  readonly description: string
  readonly from: string
  readonly value: string
  /** Upper ends of the ranges, each below the next; the last range has none. */
  readonly ends: readonly (readonly [number, string])[]
}

/** Share of each model's calls in each range of a value; the models are numbered, as their bars stand. */
const spread = ({ title, description, from, value, ends }: Spread): PlacedLater => {
  const last = ends.at(-1)?.[1] ?? ''
  const names = [...ends.map(([, name]) => `< ${name}`), `≥ ${last}`]
  return distribution({
    title,
    description,
    sql: `
WITH [${ends.map(([end]) => end).join(', ')}] AS ends
SELECT
    [${names.map((name) => `'${name}'`).join(', ')}][place] AS "Range",
    concat(toString(dense_rank() OVER (ORDER BY model_name)), ' ', model_name) AS "Series",
    countEqual(places, place) / length(places) AS "Share"
FROM (SELECT ${MODEL} AS model_name, groupArray(toUInt8(arrayCount(end -> ${value} >= end, ends) + 1)) AS places ${from} GROUP BY model_name)
ARRAY JOIN arrayMap(each -> toUInt8(each), range(1, ${names.length + 1})) AS place
ORDER BY place, model_name`,
    width: 12,
  })
}

const overTime = (
  title: string,
  description: string,
  value: string,
  from: string,
  time: string,
  unit: UnitName,
  more: Partial<SeriesSpec> = {},
): PlacedLater =>
  series({
    title,
    description,
    sql: `
SELECT $__timeInterval(${time}) AS time, ${MODEL} AS series, ${value} AS value ${from}
GROUP BY time, series`,
    unit,
    draw: 'lines',
    width: 8,
    ...more,
  })

/** What each model costs, takes and is worth at one kind of task. */
export const comparison = (): Dashboard =>
  board({
    uid: 'understudy-comparison',
    title: 'Understudy: model comparison',
    description: 'The models that answered one kind of task, side by side: cost per request, latency, quality.',
    variables: ['one_task', 'evaluator', 'route', 'model'],
    rows: [
      [
        table({
          title: 'Models at this task',
          description:
            'Calls made for clients, busiest model first. Means are of priced calls, times of completed ones; quality by the chosen evaluator. Which requests a model got was decided by routing: shadows compare like with like.',
          sql: `
SELECT called.*, scored.quality AS "Quality", ifNull(scored.scores, 0) AS "Scores"
FROM (
    SELECT
        ${MODEL} AS "Model",
        count() AS "Calls",
        countIf(outcome NOT IN ('completed', 'cancelled')) / count() AS "Failed",
        toFloat64(avg(call.cost_usd)) * 1000 AS "Per 1,000 calls",
        quantileIf(0.5)(duration_ms, outcome = 'completed') AS "50th percentile",
        quantileIf(0.95)(duration_ms, outcome = 'completed') AS "95th percentile",
        quantileIf(0.95)(first_token_ms, outcome = 'completed') AS "First token, 95th",
        avg(text_output_tokens + reasoning_tokens + audio_output_tokens) AS "Output tokens" ${CALLS}
    GROUP BY "Model"
) AS called
LEFT JOIN (SELECT ${MODEL} AS scored_model, toNullable(avg(score.value)) AS quality, count() AS scores ${SCORES} GROUP BY scored_model) AS scored
    ON scored.scored_model = called."Model"
ORDER BY "Calls" DESC, "Model"
LIMIT 50`,
          units: {
            Calls: 'short',
            Failed: 'percentunit',
            'Per 1,000 calls': 'currencyUSD',
            '50th percentile': 'ms',
            '95th percentile': 'ms',
            'First token, 95th': 'ms',
            'Output tokens': 'short',
            Quality: 'percentunit',
            Scores: 'short',
          },
          width: 24,
          height: 7,
        }),
      ],
      [
        spread({
          title: 'Cost per call, US dollars',
          description: 'Share of the priced calls of each model by what one of them cost.',
          from: `${CALLS} AND call.cost_usd IS NOT NULL`,
          value: 'toFloat64(call.cost_usd)',
          ends: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05].map((end) => [end, String(end)] as const),
        }),
        spread({
          title: 'Latency',
          description: 'Share of the completed calls of each model by how long one of them took, start to end.',
          from: `${CALLS} AND outcome = 'completed'`,
          value: 'duration_ms',
          ends: [250, 500, 1000, 2000, 4000, 8000, 16_000].map((end) => [end, `${end / 1000} s`] as const),
        }),
      ],
      [
        spread({
          title: 'Quality',
          description: 'Share of the scored answers of each model by score, from 0 to 100 %.',
          from: SCORES,
          value: 'score.value',
          ends: [0.2, 0.4, 0.6, 0.8, 0.95].map((end) => [end, `${end * 100} %`] as const),
        }),
        spread({
          title: 'First token',
          description: 'Share of the completed calls of each model by the time to their first content.',
          from: `${CALLS} AND outcome = 'completed' AND call.first_token_ms IS NOT NULL`,
          value: 'first_token_ms',
          ends: [100, 200, 400, 800, 1600, 3200].map((end) => [end, `${end / 1000} s`] as const),
        }),
      ],
      [
        overTime(
          'Cost per 1,000 calls',
          'Mean cost of 1,000 priced calls, by model.',
          'toFloat64(avg(call.cost_usd)) * 1000',
          `${CALLS} AND call.cost_usd IS NOT NULL`,
          'started_at',
          'currencyUSD',
        ),
        overTime(
          'Latency, 95th percentile',
          'Time that 95 of 100 completed calls stay below, by model.',
          'quantile(0.95)(duration_ms)',
          `${CALLS} AND outcome = 'completed'`,
          'started_at',
          'ms',
        ),
        overTime(
          'Quality over time',
          'Mean score by the chosen evaluator, by model.',
          'avg(score.value)',
          SCORES,
          'trace_at',
          'percentunit',
          { min: 'auto', max: 1, interval: '15m' },
        ),
      ],
    ],
  })
