/**
 * What each panel must come to, said once more by hand over the tables of facts, without rollups, views or anything that
 * the dashboards are made of. `{received}`, `{started}`, `{scored}` … stand for the time shown; see `referenceSql`.
 */
export type Reference = {
  /** How the panel's answer becomes one number: a column's sum, its only value, the sum of all columns but the first, or how many rows. */
  readonly of: `sum of ${string}` | 'value' | 'sum of all' | 'rows'
  readonly sql: string
  /** Of digests: how far off they may be, as a share. Otherwise it is exact, to a hundredth of a cent. */
  readonly within?: number
  /** How far off it may be in any case. */
  readonly orBy?: number
}

const NO_AUDIT = "NOT (mapContains(tags, 'audit') AND tags['audit'] = 'golden')"
const CLIENTS = "role IN ('primary', 'fallback', 'cascade')"
const FAILED = "outcome NOT IN ('completed', 'cancelled')"
const SERVED = "attempt_id = toUUID('00000000-0000-0000-0000-000000000000')"
const traces = (what: string): string => `SELECT ${what} FROM traces WHERE {received}`
const calls = (what: string, which = CLIENTS): string => `SELECT ${what} FROM attempts WHERE {started} AND ${which}`
const scores = (what: string, which: string): string =>
  `SELECT ${what} FROM scores FINAL WHERE {scored} AND ${SERVED} AND ${which}`
const BY_JUDGE = "evaluator = 'judge'"
/** Of the generated judge; of a store without verdicts there is nothing to leave out. */
const BY_NEWEST = `${BY_JUDGE} AND version = 'gpt-judge/1' AND comparison NOT LIKE 'audit:%'`
const pairs = (what: string, which = "evaluator = 'judge'"): string =>
  `SELECT ${what} FROM pairs FINAL WHERE {scored} AND ${which}`
const funnel = (what: string): string =>
  `SELECT ${what} FROM shadow_funnel WHERE {minute} AND shadow NOT LIKE 'audit:%'`
const usd = (which: string): string => calls('toFloat64(sum(cost_usd))', which)
const slots = (time: string, ...by: readonly string[]): string =>
  `uniqExact((toStartOfInterval(toDateTime(${time}), INTERVAL {interval} second)${by.map((each) => `, ${each}`).join('')}))`
const value = (sql: string): Reference => ({ of: 'value', sql })
const about = (sql: string): Reference => ({ of: 'value', sql, within: 0.05 })
const sum = (column: string, sql: string): Reference => ({ of: `sum of ${column}`, sql })
/** What each process or provider said at its worst in each interval, added up. */
const readings = (worst: string, by: string, reading: string): Reference =>
  sum(
    'value',
    `SELECT sum(worst) FROM (SELECT ${worst}(value) AS worst FROM proxy_readings WHERE {decided} AND reading = '${reading}' GROUP BY ${by}, toStartOfInterval(toDateTime(at), INTERVAL {interval} second))`,
  )
const total = (sql: string): Reference => ({ of: 'sum of all', sql })
const rows = (sql: string): Reference => ({ of: 'rows', sql })
const MINIMUM = "JSONExtractFloat((SELECT argMax(text, applied_at) FROM policy_versions), 'quality', 'minimum', task)"
const MINIMA = "(SELECT JSONExtractKeys(argMax(text, applied_at), 'quality', 'minimum') FROM policy_versions)"
/** Calls of pairs: the candidates', and those that they are held against. */
const PAIRED = "(role = 'shadow' AND shadow_arm = 'candidate')"
const bothSides = (what: string): string =>
  `SELECT ${what} FROM attempts WHERE {started} AND (${PAIRED} OR attempt_id IN (SELECT pair_id FROM attempts WHERE ${PAIRED}))`
const AT_TASK = `task = {task} AND ${CLIENTS}`

/** By dashboard and title; of every panel there is. */
export const PANEL_REFERENCES: Readonly<Record<string, Reference>> = {
  'overview: Requests': value(traces('count()')),
  'overview: Spend for clients': value(traces('toFloat64(sum(cost_usd))')),
  'overview: Unpriced calls for clients': value(traces('sum(unpriced_attempts) / nullIf(sum(attempts), 0)')),
  'overview: Failed requests': value(traces(`countIf(${FAILED}) / nullIf(count(), 0)`)),
  'overview: Fallbacks': value(calls("countIf(role = 'fallback') / nullIf(countIf(role = 'primary'), 0)")),
  'overview: Latency, 95th percentile': about(traces("quantileExactIf(0.95)(duration_ms, outcome = 'completed')")),
  'overview: Saved against the baseline': sum('Spend', usd(`${CLIENTS} AND outcome = 'completed'`)),
  'overview: Requests by outcome': total(traces('count()')),
  'overview: Spend by model': sum('value', usd(CLIENTS)),
  'overview: Latency': rows(traces(slots('received_at'))),
  'overview: Quality': rows(scores(slots('trace_at', 'source'), 'value IS NOT NULL')),
  'overview: Routes': sum('Spend', traces('toFloat64(sum(cost_usd))')),
  'overview: Latest failures': rows(
    `SELECT least(count(), 50) FROM traces WHERE received_at > now() - INTERVAL 24 HOUR AND ${FAILED}`,
  ),

  'cost: For clients': value(usd(CLIENTS)),
  'cost: Shadows': value(usd("role = 'shadow'")),
  'cost: Judges and classifiers': value(usd("role IN ('judge', 'classifier')")),
  'cost: Forecast for 30 days': value(calls('toFloat64(sum(cost_usd)) * 30 * 86400 / {seconds}', '1')),
  'cost: Per 1,000 calls': value(calls('toFloat64(sum(cost_usd)) / nullIf(count(cost_usd), 0) * 1000')),
  'cost: Unpriced calls': value(
    calls(
      'countIf(cost_usd IS NULL) / nullIf(count(), 0)',
      "unpriced_why != 'not_billed' AND (may_have_run OR (outcome NOT IN ('refused', 'unavailable') AND status < 400))",
    ),
  ),
  'cost: Spend by model': sum('value', usd(CLIENTS)),
  'cost: Spend by purpose': total(usd('1')),
  'cost: Input tokens': total(calls('sum(input_tokens)')),
  'cost: Output tokens': total(calls('sum(output_tokens)')),
  'cost: By model': sum('Spend', usd(CLIENTS)),
  'cost: By route': sum('Spend', usd(CLIENTS)),
  'cost: By task': sum('Spend', usd(CLIENTS)),
  'cost: By team': sum('Spend', usd(CLIENTS)),
  'cost: By key': sum('Spend', traces('toFloat64(sum(cost_usd))')),
  'cost: By user': sum('Spend', traces('toFloat64(sum(cost_usd))')),
  // At most 100 tags are listed, and the demo numbers its calls by one.
  'cost: By tag': rows(
    'SELECT least(uniqExact(tag), 100) FROM traces ARRAY JOIN tags::Array(Tuple(String, String)) AS tag WHERE {received}',
  ),
  'cost: Budgets': rows(
    "SELECT length(JSONExtractKeys(argMax(text, applied_at), 'shadows')) + JSONHas(argMax(text, applied_at), 'judge') FROM policy_versions",
  ),
  'cost: Models without a known price': rows(
    calls(
      "uniqExact((provider, if(served_model = '', model, served_model), unpriced_why))",
      "unpriced_why IN ('unknown_model', 'missing_rate')",
    ),
  ),

  'reliability: Failed requests': value(traces(`countIf(${FAILED}) / nullIf(count(), 0)`)),
  'reliability: Failed calls': value(calls(`countIf(${FAILED}) / nullIf(count(), 0)`)),
  'reliability: Latency, 95th percentile': about(traces("quantileExactIf(0.95)(duration_ms, outcome = 'completed')")),
  'reliability: First token, 95th percentile': about(
    traces(
      "quantileExactIf(0.95)(assumeNotNull(first_token_ms), outcome = 'completed' AND first_token_ms IS NOT NULL)",
    ),
  ),
  'reliability: Proxy overhead, 95th percentile': about(traces('quantileExact(0.95)(overhead_ms)')),
  'reliability: Newest stored request': {
    ...value(traces("if(count() = 0, NULL, dateDiff('second', max(received_at), now64(3)))")),
    // Between the two questions time goes on.
    orBy: 2,
  },
  'reliability: Latency': rows(traces(slots('received_at'))),
  'reliability: First token': rows(traces(slots('received_at'))),
  'reliability: Proxy overhead': rows(traces(slots('received_at'))),
  'reliability: Calls by outcome': total(calls('count()')),
  'reliability: Errors by kind': sum('value', calls('count()', `${CLIENTS} AND ${FAILED}`)),
  'reliability: Fallbacks by reason': sum('value', calls('count()', "role = 'fallback'")),
  'reliability: Targets passed over': sum('value', traces('sum(length(rejected))')),
  'reliability: Rate limits': sum('value', calls('count()', `${CLIENTS} AND status = 429`)),
  'reliability: Waiting for a slot': rows(calls(slots('started_at', 'provider'))),
  'reliability: Rate-limit headroom': readings('min', 'subject', 'understudy_provider_headroom_ratio'),
  'reliability: Rows waiting in the spool': readings('max', 'instance', 'understudy_spool_rows'),
  'reliability: Age of the oldest unsent row': readings('max', 'instance', 'understudy_spool_oldest_unsent_seconds'),
  'reliability: Models': sum('Calls', calls('count()')),

  'quality: Scored answers': value(scores('count(value)', BY_JUDGE)),
  'quality: Mean quality': value(scores('avg(value)', BY_JUDGE)),
  'quality: Below the minimum': value(
    `SELECT count() FROM (${scores(`avg(value) < any(${MINIMUM}) AS is_below`, `${BY_JUDGE} AND has(${MINIMA}, task)`)} GROUP BY task, model HAVING count(value) >= 10) WHERE is_below`,
  ),
  'quality: Missing verdicts': value(scores('countIf(value IS NULL) / nullIf(count(), 0)', BY_JUDGE)),
  'quality: Escalations': value(calls("countIf(role = 'cascade') / nullIf(countIf(role = 'primary'), 0)")),
  'quality: Feedback': value(scores('avg(value)', "source IN ('application', 'human')")),
  'quality: Quality by task and model': sum(
    'Quality',
    `SELECT sum(quality) FROM (${scores('avg(value) AS quality', BY_JUDGE)} GROUP BY task, model HAVING count(value) >= 10)`,
  ),
  'quality: Above or below the minimum': sum(
    'Difference',
    `SELECT sum(difference) FROM (${scores(`avg(value) - any(${MINIMUM}) AS difference`, `${BY_JUDGE} AND has(${MINIMA}, task)`)} GROUP BY task, model HAVING count(value) >= 10)`,
  ),
  'quality: Quality by task': rows(scores(slots('trace_at', 'task'), `${BY_JUDGE} AND value IS NOT NULL`)),
  'quality: Quality by model': rows(scores(slots('trace_at', 'model'), `${BY_JUDGE} AND value IS NOT NULL`)),
  'quality: Scores by source': rows(scores(slots('trace_at', 'source'), 'value IS NOT NULL')),
  'quality: Escalations over time': rows(calls(slots('started_at', 'route'), "role = 'primary'")),
  'quality: Judges': sum('Pairs', pairs('count()')),
  'quality: Why scores are missing': sum('Scores', scores('count()', 'value IS NULL')),
  'quality: Judges against people': rows('SELECT uniqExact((judge_version, task)) FROM calibrations'),
  'quality: Audits': sum(
    'Right',
    'SELECT sum(mean) FROM audits FINAL WHERE run = (SELECT argMax(run, ended_at) FROM audits)',
  ),
  'quality: Routing picks': sum(
    'Audited',
    `SELECT count() FROM (${pairs('trace_id', `${BY_JUDGE} AND audit_candidates > 0 AND d IS NOT NULL AND extra_usd IS NOT NULL`)} GROUP BY trace_id, comparison HAVING count() = any(audit_candidates))`,
  ),
  'quality: Lowest scores': rows(scores('least(count(value), 50)', BY_JUDGE)),

  'rollouts: Where they stand': rows('SELECT uniqExact(rollout) FROM rollout_decisions WHERE {decided}'),
  'rollouts: Percentage': rows(
    `SELECT ${slots('received_at', 'rollout')} FROM traces WHERE {received} AND rollout = {rollout} AND ${NO_AUDIT}`,
  ),
  'rollouts: Requests by arm': total(
    `SELECT count() FROM traces WHERE {received} AND rollout = {rollout} AND ${NO_AUDIT} AND arm IN ('candidate', 'control', 'stable')`,
  ),
  'rollouts: Evidence of harm': rows(
    `SELECT ${slots('at', 'rollout', 'checked.1', 'checked.2')} FROM rollout_decisions ARRAY JOIN checks AS checked WHERE {decided} AND rollout = {rollout} AND checked.harm_log_e IS NOT NULL`,
  ),
  'rollouts: Evidence of equal quality': rows(
    `SELECT ${slots('at', 'rollout', 'checked.1', 'checked.2')} FROM rollout_decisions ARRAY JOIN checks AS checked WHERE {decided} AND rollout = {rollout} AND checked.non_inferior_log_e IS NOT NULL`,
  ),
  'rollouts: Pairs and exposures': rows(
    `SELECT ${slots('at', 'rollout', 'checked.1', 'checked.2')} FROM rollout_decisions ARRAY JOIN checks AS checked WHERE {decided} AND rollout = {rollout}`,
  ),
  'rollouts: Quality difference and its bounds': rows(
    `SELECT 3 * ${slots('at', 'rollout', 'checked.2')} FROM rollout_decisions ARRAY JOIN checks AS checked WHERE {decided} AND rollout = {rollout} AND checked.guardrail = 'quality' AND checked.mean IS NOT NULL`,
  ),
  'rollouts: Sample ratio': sum(
    'Candidate',
    `SELECT uniqExact((rollout, rollout_epoch, rollout_stage, unit)) FROM traces WHERE {received} AND rollout = {rollout} AND ${NO_AUDIT} AND is_compared AND arm = 'candidate'`,
  ),
  'rollouts: Guardrails': sum(
    'Count',
    'SELECT sum(arraySum(last.count)) FROM (SELECT argMax(checks, at) AS last FROM rollout_decisions WHERE {decided} AND rollout = {rollout} AND notEmpty(checks) GROUP BY rollout)',
  ),
  'rollouts: Events': rows('SELECT least(count(), 100) FROM rollout_events WHERE {decided} AND name = {rollout}'),

  'shadow: Eligible': value(funnel("sumIf(requests, stage = 'eligible')")),
  'shadow: Mirrored': value(funnel("sumIf(requests, stage IN ('compared', 'failed'))")),
  'shadow: Candidate better': value(pairs('countIf(d > 0) / nullIf(count(d), 0)', `${BY_NEWEST} AND NOT is_control`)),
  'shadow: Candidate worse': value(pairs('countIf(d < 0) / nullIf(count(d), 0)', `${BY_NEWEST} AND NOT is_control`)),
  'shadow: Losses beyond A/A': value(
    pairs(
      'countIf(d < 0 AND NOT is_control) / nullIf(countIf(d IS NOT NULL AND NOT is_control), 0) - countIf(d < 0 AND is_control) / nullIf(countIf(d IS NOT NULL AND is_control), 0)',
      BY_NEWEST,
    ),
  ),
  'shadow: Spend of shadows': value(usd("role = 'shadow'")),
  'shadow: Funnel': sum('Requests', funnel('sum(requests)')),
  'shadow: Why skipped or failed': sum('Requests', funnel("sumIf(requests, stage IN ('skipped', 'failed'))")),
  'shadow: Mirrored over time': total(funnel("sumIf(requests, stage = 'mirrored')")),
  'shadow: Verdicts': total(pairs('count(d)', `${BY_NEWEST} AND NOT is_control`)),
  'shadow: Mean difference': rows(pairs(slots('trace_at'), `${BY_NEWEST} AND d IS NOT NULL`)),
  'shadow: Verdicts by task': sum('Pairs', pairs('count(d)', BY_NEWEST)),
  'shadow: Cost and latency of both sides': sum('Calls', bothSides('count()')),
  'shadow: Cost per 1,000 calls': rows(bothSides(slots('started_at'))),
  'shadow: Latency, 95th percentile': rows(bothSides(`${slots('started_at')}`).concat(" AND outcome = 'completed'")),
  'shadow: Worst pairs': rows(pairs('least(count(), 50)', `${BY_NEWEST} AND NOT is_control AND d < 0`)),

  'comparison: Models at this task': sum(
    'Per 1,000 calls',
    `SELECT toFloat64(sum(mean)) * 1000 FROM (${calls('avg(cost_usd) AS mean', AT_TASK)} GROUP BY model)`,
  ),
  'comparison: Cost per call, US dollars': sum(
    'Share',
    calls('uniqExact(model)', `${AT_TASK} AND cost_usd IS NOT NULL`),
  ),
  'comparison: Latency': sum('Share', calls('uniqExact(model)', `${AT_TASK} AND outcome = 'completed'`)),
  'comparison: Quality': sum(
    'Share',
    scores('uniqExact(model)', `${BY_JUDGE} AND task = {task} AND value IS NOT NULL`),
  ),
  'comparison: First token': sum(
    'Share',
    calls('uniqExact(model)', `${AT_TASK} AND outcome = 'completed' AND first_token_ms IS NOT NULL`),
  ),
  'comparison: Cost per 1,000 calls': rows(calls(slots('started_at', 'model'), `${AT_TASK} AND cost_usd IS NOT NULL`)),
  'comparison: Latency, 95th percentile': rows(
    calls(slots('started_at', 'model'), `${AT_TASK} AND outcome = 'completed'`),
  ),
  'comparison: Quality over time': rows(
    scores(slots('trace_at', 'model'), `${BY_JUDGE} AND task = {task} AND value IS NOT NULL`),
  ),

  'trace: Request': rows('SELECT count() FROM traces WHERE {trace}'),
  'trace: Calls': rows('SELECT count() FROM attempts WHERE {trace}'),
  'trace: Scores': rows('SELECT count() FROM scores FINAL WHERE {trace}'),
  'trace: Comparisons': rows('SELECT count() FROM pairs FINAL WHERE {trace}'),
}

export type ReferenceTime = {
  readonly from: Date
  readonly to: Date
  readonly intervalMs: number
  readonly trace: string
  /** The one kind of task that is shown. */
  readonly task: string
  /** The one rollout, likewise. */
  readonly rollout: string
}

/** The statement of a reference, over the time and the trace that are shown. */
export function referenceSql(sql: string, { from, to, intervalMs, trace, task, rollout }: ReferenceTime): string {
  const [first, last] = [from, to].map((at) => `fromUnixTimestamp64Milli(${at.getTime()}, 'UTC')`)
  const columns = {
    received: 'received_at',
    started: 'started_at',
    scored: 'trace_at',
    minute: 'minute',
    decided: 'at',
  }
  return sql.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    if (name === 'seconds') return String((to.getTime() - from.getTime()) / 1000)
    if (name === 'interval') return String(intervalMs / 1000)
    if (name === 'task') return `'${task}'`
    if (name === 'rollout') return `'${rollout}'`
    if (name === 'trace') return `trace_id = toUUID('${trace}')`
    const column = Object.entries(columns).find(([word]) => word === name)?.[1]
    if (column === undefined) throw new Error(`no time is called ${name}`)
    return `${column} BETWEEN ${first} AND ${last}`
  })
}
