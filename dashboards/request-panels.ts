import { FAILED_REQUESTS, OF_ROUTE, OF_TASK, percentile } from './filters.ts'
import { type PlacedLater, series, stat } from './panel.ts'

/** Client requests by the minute, of the chosen routes and tasks; which model answered is not known here. */
export const REQUESTS = `
FROM traces_1m
WHERE $__timeFilter(minute) AND ${OF_ROUTE} AND ${OF_TASK}`

/** Share of requests that failed. */
export const failedRequests = (): PlacedLater =>
  stat({
    title: 'Failed requests',
    description: 'Share of requests that did not complete; left by the client is no failure. Of all models.',
    sql: `SELECT (${FAILED_REQUESTS}) / nullIf(sum(requests), 0) AS failed ${REQUESTS}`,
    unit: 'percentunit',
    decimals: 1,
    warnAbove: 0.05,
    width: 4,
  })

/** How long requests take. */
export const slowRequests = (): PlacedLater =>
  stat({
    title: 'Latency, 95th percentile',
    description: 'Time that 95 of 100 completed requests stay below, first byte in to last byte out. Of all models.',
    sql: `SELECT ${percentile('duration_ms', 2)} AS p95 ${REQUESTS}`,
    unit: 'ms',
    width: 4,
  })

/** Three percentiles over time of a column that the rollup of requests keeps. */
export const percentiles = (title: string, state: string, description: string, width: number): PlacedLater =>
  series({
    title,
    description,
    sql: `
SELECT
    $__timeInterval(minute) AS time,
    ${percentile(state, 1)} AS "50th percentile",
    ${percentile(state, 2)} AS "95th percentile",
    ${percentile(state, 3)} AS "99th percentile" ${REQUESTS}
GROUP BY time
ORDER BY time`,
    unit: 'ms',
    draw: 'lines',
    colours: { '50th percentile': 'blue', '95th percentile': 'orange', '99th percentile': 'vermilion' },
    width,
  })
