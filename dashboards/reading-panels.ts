import { type PlacedLater, series } from './panel.ts'

const readings = (reading: string): string => `
FROM proxy_readings
WHERE $__timeFilter(at) AND reading = '${reading}'
GROUP BY time, series`

/** What proxies say of themselves: how near the limits of providers are, and what waits for ClickHouse. */
export const readingPanels = (): readonly PlacedLater[] => [
  series({
    title: 'Rate-limit headroom',
    description:
      'Least share of its requests or tokens that a provider said to be left, of all models and keys. Below 20 %, the upper line, shadows rest unless told otherwise.',
    sql: `
SELECT $__timeInterval(at) AS time, subject AS series, min(value) AS value ${readings('understudy_provider_headroom_ratio')}`,
    unit: 'percentunit',
    max: 1,
    draw: 'lines',
    lines: [
      [0.05, 'vermilion'],
      [0.2, 'grey'],
    ],
    width: 8,
  }),
  series({
    title: 'Rows waiting in the spool',
    description:
      'Most rows that a process had not yet stored in ClickHouse, by process. Those of an outage are seen when it is over.',
    sql: `
SELECT $__timeInterval(at) AS time, instance AS series, max(value) AS value ${readings('understudy_spool_rows')}`,
    unit: 'short',
    draw: 'lines',
    width: 8,
  }),
  series({
    title: 'Age of the oldest unsent row',
    description:
      'How long the oldest row of a process had waited for ClickHouse, by process. Above 5 minutes there is an alert.',
    sql: `
SELECT $__timeInterval(at) AS time, instance AS series, max(value) AS value ${readings('understudy_spool_oldest_unsent_seconds')}`,
    unit: 's',
    draw: 'lines',
    lines: [[300, 'vermilion']],
    width: 8,
  }),
]
