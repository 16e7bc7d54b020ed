import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board } from './board.ts'
import {
  dollars,
  FOR_CLIENTS,
  MAY_BE_BILLED,
  OF_MODEL,
  OF_ROUTE,
  OF_TARGET_MODEL,
  OF_TASK,
  OF_TEAM,
} from './filters.ts'
import { BUDGETS_SPENT } from './budget-sql.ts'
import { type PlacedLater, series, stat, table } from './panel.ts'

const CALLS = `
FROM attempts AS call
WHERE $__timeFilter(started_at) AND ${OF_ROUTE} AND ${OF_TASK} AND ${OF_MODEL} AND ${OF_TEAM}`

const REQUESTS = `
FROM traces AS request
WHERE $__timeFilter(received_at) AND ${OF_ROUTE} AND ${OF_TASK} AND ${OF_TARGET_MODEL} AND ${OF_TEAM}`

const SPEND = dollars('sum(call.cost_usd)', 'count(call.cost_usd)')

/** US dollars of the calls that match `condition`. */
const spent = (condition: string): string => `SELECT ${SPEND} AS spend ${CALLS} AND ${condition}`

/** Calls made for clients by one of their columns. */
const byColumn = (heading: string, column: string): PlacedLater =>
  table({
    title: `By ${heading.toLowerCase()}`,
    description: `Priced calls made for clients by ${heading.toLowerCase()}, dearest first. Priced: share of those that may have been billed with a known price.`,
    sql: `
SELECT
    if(${column} = '', '(none)', ${column}) AS "${heading}",
    count() AS "Calls",
    ${SPEND} AS "Spend",
    "Spend" / nullIf(count(call.cost_usd), 0) * 1000 AS "Per 1,000 calls",
    countIf(call.cost_usd IS NOT NULL AND ${MAY_BE_BILLED}) / nullIf(countIf(${MAY_BE_BILLED}), 0) AS "Priced" ${CALLS} AND ${FOR_CLIENTS}
GROUP BY "${heading}"
ORDER BY ifNull("Spend", 0) DESC, "Calls" DESC, "${heading}"
LIMIT 100`,
    units: { Calls: 'short', Spend: 'currencyUSD', 'Per 1,000 calls': 'currencyUSD', Priced: 'percentunit' },
    widths: { Calls: 90, Spend: 100, 'Per 1,000 calls': 130, Priced: 80 },
    width: 12,
    height: 7,
  })

/** Requests by something that only the request knows. */
const byRequester = (heading: string, expression: string, join = ''): PlacedLater =>
  table({
    title: `By ${heading.toLowerCase()}`,
    description: `Spend of priced requests by ${heading.toLowerCase()}, dearest first; at most 100.`,
    sql: `
SELECT
    ${expression} AS "${heading}",
    count() AS "Requests",
    ${dollars('sum(request.cost_usd)', 'count(request.cost_usd)')} AS "Spend" ${REQUESTS.replace('\nWHERE', `${join}\nWHERE`)}
GROUP BY "${heading}"
ORDER BY ifNull("Spend", 0) DESC, "Requests" DESC, "${heading}"
LIMIT 100`,
    units: { Requests: 'short', Spend: 'currencyUSD' },
    widths: { Requests: 100, Spend: 100 },
    width: 8,
    height: 8,
  })

/** Who and what the money goes to. */
export const cost = (): Dashboard =>
  board({
    uid: 'understudy-cost',
    title: 'Understudy: cost',
    description:
      'What the upstream calls cost, for whom and for what. Sums are of priced calls; the unpriced share is beside them.',
    variables: ['route', 'task', 'model', 'team'],
    rows: [
      [
        stat({
          title: 'For clients',
          description:
            'US dollars of priced calls that were made to answer clients, fallbacks and cascades among them.',
          sql: spent(FOR_CLIENTS),
          unit: 'currencyUSD',
          width: 4,
        }),
        stat({
          title: 'Shadows',
          description: 'US dollars of priced calls to candidates whose answers no client saw.',
          sql: spent("role = 'shadow'"),
          unit: 'currencyUSD',
          width: 4,
        }),
        stat({
          title: 'Judges and classifiers',
          description: 'US dollars of priced calls that scored answers or sorted requests.',
          sql: spent("role IN ('judge', 'classifier')"),
          unit: 'currencyUSD',
          width: 4,
        }),
        stat({
          title: 'Forecast for 30 days',
          description: 'All roles together, if the next 30 days go as the time shown did. No trend, no weekday.',
          sql: `
SELECT ${SPEND} * 2592000 / nullIf(toUnixTimestamp($__toTime) - toUnixTimestamp($__fromTime), 0) AS forecast ${CALLS}`,
          unit: 'currencyUSD',
          width: 4,
        }),
        stat({
          title: 'Per 1,000 calls',
          description: 'Mean cost of 1,000 priced calls made for clients.',
          sql: `SELECT ${SPEND} / nullIf(count(call.cost_usd), 0) * 1000 AS mean ${CALLS} AND ${FOR_CLIENTS}`,
          unit: 'currencyUSD',
          width: 4,
        }),
        stat({
          title: 'Unpriced calls',
          description: 'Share of the calls that may have been billed whose cost is not known.',
          sql: `SELECT countIf(call.cost_usd IS NULL) / nullIf(count(), 0) AS unpriced ${CALLS} AND ${MAY_BE_BILLED} AND unpriced_why != 'not_billed'`,
          unit: 'percentunit',
          decimals: 1,
          warnAbove: 0.01,
          width: 4,
        }),
      ],
      [
        series({
          title: 'Spend by model',
          description: 'US dollars of priced calls made for clients, by the model asked for.',
          sql: `
SELECT $__timeInterval(started_at) AS time, if(model = '', '(none named)', model) AS series, toFloat64(sum(call.cost_usd)) AS value ${CALLS}
  AND ${FOR_CLIENTS} AND call.cost_usd IS NOT NULL
GROUP BY time, series`,
          unit: 'currencyUSD',
          draw: 'bars',
          width: 12,
        }),
        series({
          title: 'Spend by purpose',
          description: 'US dollars of priced calls by what they were made for.',
          sql: `
SELECT
    $__timeInterval(started_at) AS time,
    toFloat64(sumIf(call.cost_usd, ${FOR_CLIENTS})) AS "clients",
    toFloat64(sumIf(call.cost_usd, role = 'shadow')) AS "shadows",
    toFloat64(sumIf(call.cost_usd, role IN ('judge', 'classifier'))) AS "judges and classifiers" ${CALLS}
GROUP BY time
ORDER BY time`,
          unit: 'currencyUSD',
          draw: 'bars',
          colours: { clients: 'blue', shadows: 'orange', 'judges and classifiers': 'green' },
          width: 12,
        }),
      ],
      [
        series({
          title: 'Input tokens',
          description: 'Input tokens of calls made for clients whose usage is known. The kinds are disjoint.',
          sql: `
SELECT
    $__timeInterval(started_at) AS time,
    sum(uncached_input_tokens) AS "uncached",
    sum(cache_read_tokens) AS "read from cache",
    sum(cache_write_5m_tokens + cache_write_1h_tokens) AS "written to cache",
    sum(audio_input_tokens) AS "audio" ${CALLS} AND ${FOR_CLIENTS}
GROUP BY time
ORDER BY time`,
          unit: 'short',
          draw: 'bars',
          colours: { uncached: 'blue', 'read from cache': 'green', 'written to cache': 'orange', audio: 'purple' },
          width: 12,
        }),
        series({
          title: 'Output tokens',
          description: 'Output tokens of calls made for clients whose usage is known. The kinds are disjoint.',
          sql: `
SELECT
    $__timeInterval(started_at) AS time,
    sum(text_output_tokens) AS "text",
    sum(reasoning_tokens) AS "reasoning",
    sum(audio_output_tokens) AS "audio" ${CALLS} AND ${FOR_CLIENTS}
GROUP BY time
ORDER BY time`,
          unit: 'short',
          draw: 'bars',
          colours: { text: 'blue', reasoning: 'orange', audio: 'purple' },
          width: 12,
        }),
      ],
      [byColumn('Model', 'model'), byColumn('Route', 'route')],
      [byColumn('Task', 'task'), byColumn('Team', 'team')],
      [
        byRequester('Key', "if(key_subject = '', '(no key)', key_subject)"),
        byRequester('User', "if(request.user = '', '(none)', request.user)"),
        byRequester(
          'Tag',
          "concat(tag_name, '=', tag_value)",
          '\nARRAY JOIN mapKeys(tags) AS tag_name, mapValues(tags) AS tag_value',
        ),
      ],
      [
        table({
          title: 'Budgets',
          description:
            'What shadows and the judge have spent in this clock hour and this day of UTC, whatever time and variables are chosen, against the budgets of the newest policy.',
          sql: `
SELECT
    name AS "Of",
    hour_usd AS "This hour",
    if(budget.per_hour_usd > 0, budget.per_hour_usd, NULL) AS "Per hour",
    "This hour" / "Per hour" AS "Of the hour's",
    day_usd AS "Today",
    if(budget.per_day_usd > 0, budget.per_day_usd, NULL) AS "Per day",
    "Today" / "Per day" AS "Of the day's"
FROM (${BUDGETS_SPENT})
ORDER BY greatest(ifNull("Of the hour's", 0), ifNull("Of the day's", 0)) DESC, name
LIMIT 50`,
          units: {
            'This hour': 'currencyUSD',
            'Per hour': 'currencyUSD',
            "Of the hour's": 'percentunit',
            Today: 'currencyUSD',
            'Per day': 'currencyUSD',
            "Of the day's": 'percentunit',
          },
          widths: { 'Per hour': 90, 'Per day': 90 },
          width: 14,
          height: 6,
        }),
        table({
          title: 'Models without a known price',
          description:
            'Used in the last 7 days, whatever time and variables are chosen. Add them to prices in the config file.',
          sql: `
SELECT provider AS "Provider", model_name AS "Model", unpriced_why AS "Why", last_seen AS "Last seen", calls AS "Calls"
FROM v_unpriced_models
ORDER BY calls DESC
LIMIT 50`,
          units: { Calls: 'short', 'Last seen': 'dateTimeFromNow' },
          widths: { Provider: 110, 'Last seen': 130, Calls: 80 },
          width: 10,
          height: 6,
        }),
      ],
    ],
  })
