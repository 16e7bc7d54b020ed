import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board } from './board.ts'
import { dollars, FAILED_REQUESTS, FOR_CLIENTS, OF_ROUTE, OF_TASK, percentile } from './filters.ts'
import { series, stat, table } from './panel.ts'
import { savings } from './savings.ts'
import { failedRequests, percentiles, REQUESTS, slowRequests } from './request-panels.ts'

const CALLS = `
FROM attempts_1m
WHERE $__timeFilter(minute) AND ${OF_ROUTE} AND ${OF_TASK} AND ${FOR_CLIENTS}`

/** How it goes, on one screen. */
export const overview = (): Dashboard =>
  board({
    uid: 'understudy-overview',
    title: 'Understudy: overview',
    description: 'Requests, spend, failures, fallbacks, latency and quality of everything that the proxies served.',
    variables: ['route', 'task', 'baseline'],
    rows: [
      [
        stat({
          title: 'Requests',
          description: 'Client requests received in the time shown, whatever came of them.',
          sql: `SELECT sum(requests) AS all_requests ${REQUESTS}`,
          unit: 'short',
          width: 4,
        }),
        stat({
          title: 'Spend for clients',
          description: 'US dollars of requests whose cost is known: a lower bound where some calls are unpriced.',
          sql: `SELECT ${dollars('sum(cost_usd)', 'sum(priced_requests)')} AS spend ${REQUESTS}`,
          unit: 'currencyUSD',
          width: 4,
        }),
        stat({
          title: 'Unpriced calls for clients',
          description: 'Share of upstream calls made for clients that may have been billed and have no known price.',
          sql: `SELECT sum(unpriced_attempts) / nullIf(sum(attempts), 0) AS unpriced ${REQUESTS}`,
          unit: 'percentunit',
          decimals: 1,
          warnAbove: 0.01,
          width: 4,
        }),
        failedRequests(),
        stat({
          title: 'Fallbacks',
          description: 'Fallback calls for every first call: how often another target had to be tried.',
          sql: `SELECT sumIf(calls, role = 'fallback') / nullIf(sumIf(calls, role = 'primary'), 0) AS fallbacks ${CALLS}`,
          unit: 'percentunit',
          decimals: 1,
          warnAbove: 0.1,
          width: 4,
        }),
        slowRequests(),
      ],
      [savings()],
      [
        series({
          title: 'Requests by outcome',
          description: 'Client requests as their clients saw them end. Rejected: answered by the proxy itself.',
          sql: `
SELECT
    $__timeInterval(minute) AS time,
    sum(completed) AS "completed requests",
    sum(refused) AS "refused requests",
    sum(unavailable) AS "without an answer",
    sum(interrupted) AS "cut short",
    sum(rejected) AS "rejected requests",
    sum(cancelled) AS "left by the client" ${REQUESTS}
GROUP BY time
ORDER BY time`,
          unit: 'short',
          draw: 'bars',
          colours: {
            'completed requests': 'blue',
            'refused requests': 'vermilion',
            'without an answer': 'purple',
            'cut short': 'orange',
            'rejected requests': 'sky',
            'left by the client': 'grey',
          },
          width: 12,
        }),
        series({
          title: 'Spend by model',
          description:
            'US dollars of priced calls made for clients, by the model asked for. Shadows and judges are left out.',
          sql: `
SELECT $__timeInterval(minute) AS time, if(model = '', '(none named)', model) AS series, toFloat64(sum(cost_usd)) AS value ${CALLS}
GROUP BY time, series
HAVING sum(priced_calls) > 0`,
          unit: 'currencyUSD',
          draw: 'bars',
          width: 12,
        }),
      ],
      [
        percentiles('Latency', 'duration_ms', 'Completed requests, first byte in to last byte out.', 12),
        series({
          title: 'Quality',
          description:
            'Mean score of served answers by where the scores come from, from 0 to 1. Missing scores are left out, never zero.',
          sql: `
SELECT $__timeInterval(trace_at) AS time, source AS series, avg(score.value) AS value
FROM v_scores AS score
WHERE $__timeFilter(trace_at) AND ${OF_ROUTE} AND ${OF_TASK} AND score.value IS NOT NULL
  AND attempt_id = toUUID('00000000-0000-0000-0000-000000000000')
GROUP BY time, series`,
          unit: 'percentunit',
          draw: 'lines',
          min: 'auto',
          max: 1,
          interval: '15m',
          width: 12,
        }),
      ],
      [
        table({
          title: 'Routes',
          description: 'Each route in the time shown, busiest first. Spend counts priced requests only.',
          sql: `
SELECT
    route AS "Route",
    sum(requests) AS "Requests",
    (${FAILED_REQUESTS}) / nullIf(sum(requests), 0) AS "Failed",
    ${dollars('sum(cost_usd)', 'sum(priced_requests)')} AS "Spend",
    "Spend" / nullIf(sum(priced_requests), 0) * 1000 AS "Per 1,000 requests",
    ${percentile('duration_ms', 2)} AS "95th percentile" ${REQUESTS}
GROUP BY route
ORDER BY "Requests" DESC, route
LIMIT 100`,
          units: {
            Requests: 'short',
            Failed: 'percentunit',
            Spend: 'currencyUSD',
            'Per 1,000 requests': 'currencyUSD',
            '95th percentile': 'ms',
          },
          widths: { Requests: 90, Failed: 80, Spend: 80, 'Per 1,000 requests': 140, '95th percentile': 120 },
          width: 11,
        }),
        table({
          title: 'Latest failures',
          description:
            'Requests of the last 24 hours that did not complete, newest first, of all tasks and whatever time is shown.',
          sql: `
SELECT
    received_at AS "When",
    route AS "Route",
    requested_model AS "Model",
    outcome AS "Outcome",
    toString(status) AS "Status",
    if(error != '', error, error_type) AS "Error",
    toString(trace_id) AS "Trace"
FROM v_recent_errors
WHERE ${OF_ROUTE}
ORDER BY received_at DESC
LIMIT 50`,
          units: { When: 'dateTimeFromNow' },
          widths: { When: 130, Route: 110, Outcome: 100, Status: 60, Trace: 110 },
          traces: ['Trace'],
          width: 13,
        }),
      ],
    ],
  })
