import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board } from './board.ts'
import { FOR_CLIENTS, OF_MODEL, OF_ROUTE, OF_TASK, percentile } from './filters.ts'
import { type PlacedLater, series, stat, table } from './panel.ts'
import { readingPanels } from './reading-panels.ts'
import { failedRequests, percentiles, REQUESTS, slowRequests } from './request-panels.ts'

const CALLS = `
FROM attempts_1m
WHERE $__timeFilter(minute) AND ${OF_ROUTE} AND ${OF_TASK} AND ${OF_MODEL} AND ${FOR_CLIENTS}`

const CALL_ROWS = `
FROM attempts AS call
WHERE $__timeFilter(started_at) AND ${OF_ROUTE} AND ${OF_TASK} AND ${OF_MODEL} AND ${FOR_CLIENTS}`

/** Upstream calls over time, by something about them. */
const counted = (title: string, name: string, condition: string, description: string): PlacedLater =>
  series({
    title,
    description,
    sql: `
SELECT $__timeInterval(started_at) AS time, ${name} AS series, count() AS value ${CALL_ROWS} AND ${condition}
GROUP BY time, series`,
    unit: 'short',
    draw: 'bars',
    width: 12,
  })

/** What fails, what is tried instead, and how long it takes. */
export const reliability = (): Dashboard =>
  board({
    uid: 'understudy-reliability',
    title: 'Understudy: reliability and latency',
    description:
      'Failures by kind, fallbacks by reason, latency from the client and from the provider, what the proxy adds, and what it has not yet stored.',
    variables: ['route', 'task', 'model'],
    rows: [
      [
        failedRequests(),
        stat({
          title: 'Failed calls',
          description: 'Share of upstream calls that did not complete; left by the client is no failure.',
          sql: `SELECT (sum(calls) - sum(completed) - sum(cancelled)) / nullIf(sum(calls), 0) AS failed ${CALLS}`,
          unit: 'percentunit',
          decimals: 1,
          warnAbove: 0.05,
          width: 4,
        }),
        slowRequests(),
        stat({
          title: 'First token, 95th percentile',
          description: 'Arrival to first content that 95 of 100 completed requests stay below. Of all models.',
          sql: `SELECT ${percentile('first_token_ms', 2)} AS p95 ${REQUESTS}`,
          unit: 'ms',
          width: 4,
        }),
        stat({
          title: 'Proxy overhead, 95th percentile',
          description: 'What the proxy itself added to 95 of 100 requests, at most. Of all models.',
          sql: `SELECT ${percentile('overhead_ms', 2)} AS p95 ${REQUESTS}`,
          unit: 'ms',
          decimals: 2,
          warnAbove: 20,
          width: 4,
        }),
        stat({
          title: 'Newest stored request',
          description:
            'Age of the newest request in ClickHouse. It grows while nobody asks, and while the spool does not drain.',
          sql: `
SELECT if(count() = 0, NULL, dateDiff('second', max(received_at), now64(3))) AS age
FROM traces
WHERE $__timeFilter(received_at)`,
          unit: 's',
          width: 4,
        }),
      ],
      [
        percentiles('Latency', 'duration_ms', 'Completed requests, first byte in to last byte out. Of all models.', 8),
        percentiles('First token', 'first_token_ms', 'Completed requests, arrival to first content. Of all models.', 8),
        percentiles(
          'Proxy overhead',
          'overhead_ms',
          'Part of each request that the proxy itself took. Of all models.',
          8,
        ),
      ],
      [
        series({
          title: 'Calls by outcome',
          description: 'Upstream calls made for clients, as they ended.',
          sql: `
SELECT
    $__timeInterval(minute) AS time,
    sum(completed) AS "completed calls",
    sum(refused) AS "refused calls",
    sum(unavailable) AS "without an answer",
    sum(interrupted) AS "cut short",
    sum(cancelled) AS "left by the client" ${CALLS}
GROUP BY time
ORDER BY time`,
          unit: 'short',
          draw: 'bars',
          colours: {
            'completed calls': 'blue',
            'refused calls': 'vermilion',
            'without an answer': 'purple',
            'cut short': 'orange',
            'left by the client': 'grey',
          },
          width: 12,
        }),
        counted(
          'Errors by kind',
          "multiIf(error != '', error, error_type != '', error_type, concat('status ', toString(status)))",
          "outcome NOT IN ('completed', 'cancelled')",
          'Failed upstream calls by error code of the proxy, else by what the provider calls it, else by status.',
        ),
      ],
      [
        counted(
          'Fallbacks by reason',
          "if(fallback_reason = '', '(not said)', fallback_reason)",
          "role = 'fallback'",
          'Calls to another target by why the one before was left.',
        ),
        series({
          title: 'Targets passed over',
          description:
            'Targets that a route left out before calling anyone, by target and why: broken, resting, unfit. Of all models.',
          sql: `
SELECT $__timeInterval(received_at) AS time, concat(passed.target, ': ', passed.why) AS series, count() AS value
FROM traces
ARRAY JOIN rejected AS passed
WHERE $__timeFilter(received_at) AND ${OF_ROUTE} AND ${OF_TASK}
GROUP BY time, series`,
          unit: 'short',
          draw: 'bars',
          width: 12,
        }),
      ],
      [
        counted(
          'Rate limits',
          'provider',
          'status = 429',
          'Upstream calls that a provider refused with status 429, by provider.',
        ),
        series({
          title: 'Waiting for a slot',
          description:
            '95th percentile of the wait for a free slot of a provider, by provider. All calls made for clients.',
          sql: `
SELECT $__timeInterval(minute) AS time, provider AS series, ${percentile('queue_ms', 2)} AS value ${CALLS}
GROUP BY time, series`,
          unit: 'ms',
          draw: 'lines',
          width: 12,
        }),
      ],
      readingPanels(),
      [
        table({
          title: 'Models',
          description:
            'Upstream calls made for clients by model, busiest first. Times are of completed calls, from start to end.',
          sql: `
SELECT
    provider AS "Provider",
    if(model = '', '(none named)', model) AS "Model",
    sum(calls) AS "Calls",
    (sum(calls) - sum(completed) - sum(cancelled)) / nullIf(sum(calls), 0) AS "Failed",
    ${percentile('duration_ms', 1)} AS "50th percentile",
    ${percentile('duration_ms', 2)} AS "95th percentile",
    ${percentile('duration_ms', 3)} AS "99th percentile",
    ${percentile('first_token_ms', 2)} AS "First token, 95th" ${CALLS}
GROUP BY "Provider", "Model"
ORDER BY "Calls" DESC, "Provider", "Model"
LIMIT 100`,
          units: {
            Calls: 'short',
            Failed: 'percentunit',
            '50th percentile': 'ms',
            '95th percentile': 'ms',
            '99th percentile': 'ms',
            'First token, 95th': 'ms',
          },
          width: 24,
          height: 7,
        }),
      ],
    ],
  })
