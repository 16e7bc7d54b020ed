import { STOPPED } from '../src/domain/kept-reading.ts'
import { BUDGETS_SPENT, HOURS_SPENT } from './budget-sql.ts'
import { FAILED_REQUESTS } from './filters.ts'
import { clickHouseQuery, PLUGIN_ID } from './query.ts'
import { MINIMUM, SERVED } from './score-sql.ts'

/** Uid of the provisioned data source: alert rules run without a dashboard, so without its variable. */
export const PROVISIONED_UID = 'understudy-clickhouse'

type Alert = {
  readonly uid: string
  readonly title: string
  readonly summary: string
  /** One number, or one number beside columns of text: then an alert for each row. */
  readonly sql: string
  readonly windowSeconds: number
  readonly above: number
  readonly forMinutes: number
}

/** An alert needs some traffic: one failure of two requests at night wakes nobody. */
const LEAST_REQUESTS = 20

const HOUR_SECONDS = 3600
const SILENCE = 'understudy-silence'

/** How long rows may wait: a ClickHouse that is started again takes a minute or two. */
const LONGEST_WAIT_SECONDS = 300

export const ALERTS: readonly Alert[] = [
  {
    uid: 'understudy-failed-requests',
    title: 'Requests fail',
    summary: 'More than 5 % of the requests of route {{ $labels.route }} did not complete in 10 minutes.',
    sql: `
SELECT route, (${FAILED_REQUESTS}) / sum(requests) AS failed
FROM traces_1m
WHERE $__timeFilter(minute)
GROUP BY route
HAVING sum(requests) >= ${LEAST_REQUESTS}`,
    windowSeconds: 600,
    above: 0.05,
    forMinutes: 5,
  },
  {
    uid: 'understudy-fallbacks',
    title: 'Fallbacks are frequent',
    summary: 'Route {{ $labels.route }} needed another target for more than 10 % of its requests in 10 minutes.',
    sql: `
SELECT route, sumIf(calls, role = 'fallback') / sumIf(calls, role = 'primary') AS fallbacks
FROM attempts_1m
WHERE $__timeFilter(minute)
GROUP BY route
HAVING sumIf(calls, role = 'primary') >= ${LEAST_REQUESTS}`,
    windowSeconds: 600,
    above: 0.1,
    forMinutes: 5,
  },
  {
    uid: 'understudy-unpriced',
    title: 'Traffic without a known price',
    summary:
      'Calls to {{ $labels.model }} of {{ $labels.provider }} have no known price: add it to prices in the config file.',
    sql: `
SELECT provider, if(model = '', '(none named)', model) AS model, sum(usage_known) - sum(priced_calls) AS unpriced
FROM attempts_1m
WHERE $__timeFilter(minute)
GROUP BY provider, model
HAVING sum(usage_known) > 0`,
    windowSeconds: HOUR_SECONDS,
    above: 0,
    forMinutes: 0,
  },
  {
    uid: 'understudy-cost-anomaly',
    title: 'Spend is far above its usual',
    summary: 'The last hour cost more than three times the mean hour of the 7 days before, and more than a dollar.',
    sql: `
SELECT if(sumIf(cost_usd, minute >= $__toTime - INTERVAL 1 HOUR) > 1,
    toFloat64(sumIf(cost_usd, minute >= $__toTime - INTERVAL 1 HOUR))
        / greatest(toFloat64(sumIf(cost_usd, minute < $__toTime - INTERVAL 1 HOUR)) / 168, 0.01),
    0) AS ratio
FROM attempts_1m
WHERE $__timeFilter(minute)`,
    windowSeconds: 169 * HOUR_SECONDS,
    above: 3,
    forMinutes: 0,
  },
  {
    uid: 'understudy-quality',
    title: 'Quality is below its minimum',
    summary:
      'Answers to task {{ $labels.task }} scored less in the last day than quality.minimum asks for, by the judge.',
    sql: `
SELECT task, any(${MINIMUM}[task]) - avg(score.value) AS below
FROM v_scores AS score
WHERE $__timeFilter(trace_at) AND source = 'judge' AND ${SERVED} AND ${MINIMUM}[task] > 0
  AND version = (SELECT argMax(version, scored_at) FROM scores WHERE $__timeFilter(trace_at) AND source = 'judge')
GROUP BY task
HAVING count(score.value) >= ${LEAST_REQUESTS}`,
    windowSeconds: 24 * HOUR_SECONDS,
    above: 0,
    forMinutes: 0,
  },
  {
    uid: 'understudy-escalations',
    title: 'Cascades escalate often',
    summary: 'Route {{ $labels.route }} asked a dearer model for more than 10 % of its requests in an hour.',
    sql: `
SELECT route, sumIf(calls, role = 'cascade') / sumIf(calls, role = 'primary') AS escalations
FROM attempts_1m
WHERE $__timeFilter(minute)
GROUP BY route
HAVING sumIf(calls, role = 'primary') >= ${LEAST_REQUESTS}`,
    windowSeconds: HOUR_SECONDS,
    above: 0.1,
    forMinutes: 5,
  },
  {
    uid: SILENCE,
    title: 'No new requests are stored',
    summary:
      'Nothing was stored in ten minutes that had traffic a week ago. Either nobody asks, or no request reaches a proxy, or no proxy ClickHouse.',
    // Where nothing is a week old, the day before tells what to expect.
    sql: `
SELECT multiIf(
    sumIf(requests, minute > $__toTime - INTERVAL 10 MINUTE) > 0, 0,
    min(minute) < $__toTime - INTERVAL 7 DAY, sumIf(requests, minute <= $__toTime - INTERVAL 7 DAY),
    sumIf(requests, minute > $__toTime - INTERVAL 1450 MINUTE AND minute <= $__toTime - INTERVAL 1 DAY)) AS expected
FROM traces_1m
WHERE $__timeFilter(minute)`,
    windowSeconds: 7 * 24 * HOUR_SECONDS + 600,
    above: LEAST_REQUESTS,
    forMinutes: 0,
  },
  {
    uid: 'understudy-spool',
    title: 'A spool does not drain',
    summary:
      'Rows of {{ $labels.instance }} have waited for more than 5 minutes: it cannot reach ClickHouse, is slower than its traffic, or was killed with rows on its disk.',
    // Its readings wait among its rows: the last one that came is as old as what waits now, unless it was the farewell.
    sql: `
SELECT instance,
    greatest(toFloat64(dateDiff('second', max(at), $__toTime)), argMaxIf(value, at, reading != '${STOPPED}')) AS waiting
FROM proxy_readings
WHERE $__timeFilter(at) AND reading IN ('understudy_spool_oldest_unsent_seconds', '${STOPPED}')
GROUP BY instance
HAVING argMax(reading, (at, reading = '${STOPPED}')) != '${STOPPED}'`,
    // One that is gone for good is told of until then.
    windowSeconds: 6 * HOUR_SECONDS,
    above: LONGEST_WAIT_SECONDS,
    // A laptop that wakes up has said nothing for a while either.
    forMinutes: 2,
  },
  {
    uid: 'understudy-rollout',
    title: 'A rollout holds or was rolled back',
    summary: 'Rollout {{ $labels.rollout }} needs a look: `understudy rollout show {{ $labels.rollout }}` says why.',
    sql: `
SELECT rollout, count() AS looks
FROM rollout_decisions AS decision
WHERE $__timeFilter(decision.at) AND is_alert
GROUP BY rollout`,
    windowSeconds: 900,
    above: 0,
    forMinutes: 0,
  },
  {
    uid: 'understudy-budget',
    title: 'A budget is near its end',
    summary: 'More than 90 % of the budget of {{ $labels.name }} for this day is spent; at its end it rests.',
    sql: `
SELECT name, day_usd / budget.per_day_usd AS spent
FROM (${BUDGETS_SPENT})
WHERE budget.per_day_usd > 0`,
    windowSeconds: 60,
    above: 0.9,
    forMinutes: 0,
  },
  {
    // One hour's end comes by itself an hour later; hour after hour it is the sample that is too large.
    uid: 'understudy-budget-hours',
    title: 'A budget is spent every hour',
    summary:
      'The budget of {{ $labels.name }} for an hour was spent in each of the last three: what is measured is the beginning of every hour. Sample less, or raise per_hour.',
    sql: HOURS_SPENT,
    windowSeconds: 60,
    above: 2,
    forMinutes: 0,
  },
]

/** The alert rules as Grafana's file provisioning takes them. No rows, no alarm: an idle proxy is a healthy one. */
export function alertRules(): unknown {
  return {
    apiVersion: 1,
    groups: [{ orgId: 1, name: 'understudy', folder: 'Understudy', interval: '1m', rules: ALERTS.map(rule) }],
  }
}

function rule(alert: Alert): unknown {
  const { windowSeconds: from } = alert
  const datasource = { type: PLUGIN_ID, uid: PROVISIONED_UID }
  return {
    uid: alert.uid,
    title: alert.title,
    condition: 'B',
    for: `${alert.forMinutes}m`,
    // A value that goes to and fro over its threshold is one alarm.
    keepFiringFor: '10m',
    noDataState: 'OK',
    // A ClickHouse that does not answer is one alarm as well, that of silence; the others stay as they were.
    execErrState: alert.uid === SILENCE ? 'Error' : 'KeepLast',
    annotations: { summary: alert.summary },
    labels: { service: 'understudy' },
    isPaused: false,
    data: [
      {
        refId: 'A',
        relativeTimeRange: { from, to: 0 },
        datasourceUid: PROVISIONED_UID,
        model: clickHouseQuery(alert.sql, 'table', { datasource }).build(),
      },
      {
        refId: 'B',
        relativeTimeRange: { from, to: 0 },
        datasourceUid: '__expr__',
        model: {
          refId: 'B',
          type: 'threshold',
          datasource: { type: '__expr__', uid: '__expr__' },
          expression: 'A',
          conditions: [{ evaluator: { type: 'gt', params: [alert.above] } }],
        },
      },
    ],
  }
}
