import type { StoreClient } from '../../src/store/client.ts'
import { isControl, isShadowed, rolloutStep, rowFacts, rowId, type Traffic } from './dashboard-rows.ts'

const POLICY = {
  quality: { evaluate: '20%', minimum: { coding: 0.82, billing: 0.7, extraction: 0.88 } },
  judge: { target: 'fake/gpt-judge', budget: { per_hour: 0.1, per_day: 2 } },
  shadows: { cheaper: { sample: '12.5%', candidates: ['fake/haiku'], budget: { per_hour: 0.5, per_day: 8 } } },
}

const ZERO = "toUUID('00000000-0000-0000-0000-000000000000')"

/**
 * What was said of the traffic that `insertTraffic` makes of the same arguments: scores, pairs of a shadow, its funnel,
 * the policy, and what people changed. The same rows each time.
 */
export async function insertEvidence(client: StoreClient, traffic: Traffic): Promise<void> {
  const { requests, until } = traffic
  const { database } = client.address
  const facts = rowFacts(traffic)
  const numbers = `FROM numbers(${requests})`
  // Better models do better, and some tasks are harder than others.
  const quality = `least(1, greatest(0, [0.93, 0.88, 0.8, 0.7][rank] + [0.02, 0.04, -0.06, 0.01, 0][cityHash64(number, 7) % 5 + 1]
    + (cityHash64(number, 'quality') % 1001 / 1000 - 0.5) * 0.3))`
  const score = `INSERT INTO ${database}.scores (trace_id, attempt_id, trace_at, scored_at, instance, source, evaluator, version, revision,
  value, failure, explanation, cost_usd, route, task, provider, model)`
  await client.command(`${score}
WITH ${facts}
SELECT ${rowId(0)}, ${ZERO}, at, at + INTERVAL 5 SECOND, 'proxy-1', said.1, said.2, said.3, 1, said.4, said.5, '', said.6,
  route_name, task_name, 'fake', name
${numbers}
ARRAY JOIN [
  ('evaluator', 'valid_json', '1', if(number % 29 = 4, 0., 1.)::Nullable(Float64), '', 0::Nullable(Decimal(18, 12))),
  ('judge', 'judge', 'gpt-judge/1', if(number % 31 = 3, NULL, round(${quality} * 4) / 4), if(number % 31 = 3, ['not_json', 'timeout', 'timeout'][cityHash64(number) % 3 + 1], ''), toDecimal64(0.0004, 12)),
  ('application', 'thumb', '', if(cityHash64(number, 'thumb') % 100 < 86, 1., 0.), '', 0)
] AS said
WHERE NOT is_failed AND ((said.1 = 'evaluator' AND number % 5 = 0) OR (said.1 = 'judge' AND number % 3 = 1) OR (said.1 = 'application' AND number % 17 = 2))`)
  await client.command(`
INSERT INTO ${database}.pairs (trace_id, stable_attempt_id, candidate_attempt_id, trace_at, paired_at, instance, comparison, is_control, evaluator,
  version, revision, d, is_consistent, failure, explanation, cost_usd, route, task, stable_provider, stable_model, candidate_provider, candidate_model)
WITH ${facts}, cityHash64(number, 'pair') % 100 AS luck, ${isControl} AS control
SELECT ${rowId(0)}, ${rowId(1)}, ${rowId(3)}, at, at + INTERVAL 9 SECOND, 'proxy-1', 'cheaper', control, evaluator,
  multiIf(evaluator != 'judge', '1', place > 0.9, 'gpt-judge/0', 'gpt-judge/1'), 1,
  multiIf(evaluator = 'answered', 0, number % 31 = 3, NULL, control, multiIf(luck < 6, -1, luck < 13, -0.5, luck < 86, 0, luck < 94, 0.5, 1),
    multiIf(luck < 9, -1, luck < 19, -0.5, luck < 76, 0, luck < 88, 0.5, 1)),
  if(evaluator = 'judge', luck % 7 != 0, NULL), if(evaluator = 'judge' AND number % 31 = 3, 'timeout', ''), '', if(evaluator = 'judge', toDecimal64(0.0004, 12), 0), route_name, task_name,
  'fake', name, 'fake', if(control, name, 'haiku')
${numbers} ARRAY JOIN ['answered', 'judge'] AS evaluator
WHERE ${isShadowed}`)
  await client.command(`
INSERT INTO ${database}.shadow_funnel (minute, instance, shadow, provider, model, is_control, stage, reason, requests)
WITH ${facts},
  ${isShadowed} AS is_mirrored,
  multiIf(number % 9 != 4, 'not_sampled', number % 50 = 7, 'files', '') AS skipped,
  number % 37 = 0 AS is_lost
SELECT toStartOfMinute(at) AS minute, 'proxy-1', 'cheaper', '', '', is_mirrored AND ${isControl} AS control, counted.1 AS stage, counted.2 AS reason, count()
${numbers}
ARRAY JOIN if(is_mirrored, [('eligible', ''), ('mirrored', ''), if(is_lost, ('failed', 'timeout'), ('compared', ''))], [('eligible', ''), ('skipped', skipped)]) AS counted
GROUP BY minute, control, stage, reason`)
  // An audit of routing, of the requests that the shadow has as well.
  await client.command(`
INSERT INTO ${database}.pairs (trace_id, stable_attempt_id, candidate_attempt_id, trace_at, paired_at, instance, comparison, is_control, evaluator,
  version, revision, d, failure, cost_usd, route, task, stable_provider, stable_model, candidate_provider, candidate_model, point_usd, extra_usd, audit_candidates)
WITH ${facts}
SELECT ${rowId(0)}, ${rowId(1)}, ${rowId(3)}, at, at + INTERVAL 9 SECOND, 'proxy-1', concat('audit:picks:', route_name), 0, 'judge', 'gpt-judge/1', 1,
  if(number % 31 = 3, NULL, [-1, 0, 0, 0, 1][cityHash64(number, 'audit') % 5 + 1]), if(number % 31 = 3, 'timeout', ''), toDecimal64(0.0004, 12), route_name, task_name,
  'fake', name, 'fake', 'haiku', 0.00002, if(number % 41 = 5, NULL, (rank - 3) * 0.0004), 1
${numbers} WHERE ${isShadowed} AND NOT (${isControl})`)
  await client.command(`
INSERT INTO ${database}.shadow_funnel (minute, instance, shadow, provider, model, is_control, stage, reason, requests)
WITH ${facts}, ${isShadowed} AND NOT (${isControl}) AS is_mirrored
SELECT toStartOfMinute(at) AS minute, 'proxy-1', concat('audit:picks:', route_name) AS shadow, '', '', 0, counted.1 AS stage, counted.2 AS reason, count()
${numbers}
ARRAY JOIN if(is_mirrored, [('eligible', ''), ('mirrored', ''), ('compared', '')], [('eligible', ''), ('skipped', 'not_sampled')]) AS counted
GROUP BY minute, shadow, stage, reason`)
  const hours = (count: number): string => `fromUnixTimestamp64Milli(${until.getTime() - count * 3_600_000}, 'UTC')`
  await client.command(
    `INSERT INTO ${database}.policy_versions (version, applied_at, instance, text) SELECT 'cafe0123cafe0123', ${hours(20)}, 'proxy-1', {text:String}`,
    undefined,
    { text: JSON.stringify(POLICY) },
  )
  await client.command(`
INSERT INTO ${database}.config_changes (name, revision, event_id, at, instance, actor, reason, policy_version, kind, subject, before, after, details)
SELECT 'policy', change.1, generateUUIDv7(change.1), change.2, 'proxy-1', 'ada', 'cheaper', 'cafe0123cafe0123', change.3, 'chat', '{}', '{}', '{}'
FROM (SELECT arrayJoin([(1, ${hours(13)}, 'weights_set'), (2, ${hours(6)}, 'weights_reset')]) AS change)`)
  await client.command(`
INSERT INTO ${database}.rollout_events (name, revision, event_id, at, instance, actor, reason, policy_version, kind, subject, before, after, details)
SELECT 'cheaper-chat', change.1, generateUUIDv7(change.1), change.2, 'proxy-1', change.3, change.4, 'cafe0123cafe0123', change.5, 'cheaper-chat', '{}', '{}', '{}'
FROM (SELECT arrayJoin([
  (1, ${hours(23.5)}, 'ada', 'half the price', 'created'),
  (2, ${hours(23)}, 'ada', 'half the price', 'started'),
  (3, ${hours(16.8)}, 'understudy', 'every guardrail is within its margin at 5%', 'stepped'),
  (4, ${hours(7.2)}, 'understudy', 'every guardrail is within its margin at 25%', 'stepped')
]) AS change)`)
  // A look every five minutes; evidence grows with the time in the stage, and begins anew with the next.
  await client.command(`
INSERT INTO ${database}.rollout_decisions (rollout, decision_id, at, instance, policy_version, revision, epoch, stage, rule, action, because, is_alert, checks, inputs, result)
WITH number / 288 AS place, ${rolloutStep('place')} AS step, multiIf(step = 50, 0.3 - place, step = 25, 0.7 - place, 1 - place) / multiIf(step = 50, 0.3, step = 25, 0.4, 0.3) AS grown,
  toUInt64(200 + 900 * grown) AS pairs, 0.11 - 0.07 * grown AS wide, sin(number) * 0.003 AS wobble
SELECT 'cheaper-chat', generateUUIDv7(number), fromUnixTimestamp64Milli(${until.getTime()} - number * 300000, 'UTC'), 'proxy-1', 'cafe0123cafe0123', 4, 1,
  concat(toString(step), '%'), 'inconclusive', 'hold', ['quality (all): not shown to be within the margin yet'], 0, [
    ('quality', 'all', pairs, -0.004 + wobble, -0.004 + wobble - wide, -0.004 + wobble + wide, NULL, NULL, 0.2 + wobble * 100, 3.7, 0.05, grown * 3.2 + wobble * 60, 3.0),
    ('success', 'all', pairs, 0.001 + wobble, 0.001 + wobble - wide / 3, 0.001 + wobble + wide / 3, NULL, NULL, 0.1, 3.7, 0.03, grown * 2.9, 3.0),
    ('error', 'all', pairs * 4, NULL, NULL, NULL, 0.019, 0.02, 0.4 + grown * 0.5 + wobble * 80, 4.4, NULL, NULL, NULL)
  ], '{}', ''
FROM numbers(288)`)
  await insertReadings(client, traffic)
  await client.command(`
INSERT INTO ${database}.calibrations (calibration_id, calibrated_at, judge_version, task, label_set, pairs, failed, kappa, kappa_low, kappa_high,
  weighted_kappa, agreement, swap_consistency, position_bias, length_bias, is_length_moved)
SELECT ${ZERO}, ${hours(22)}, 'gpt-judge/1', of.1, 'cafe', of.2, 3, of.3, of.3 - 0.08, of.3 + 0.07, of.3 + 0.05, 0.86, 0.9, 0.02, 0.01, 0
FROM (SELECT arrayJoin([('', 412, 0.71), ('coding', 170, 0.74), ('billing', 120, 0.66)]) AS of)`)
  await client.command(`
INSERT INTO ${database}.audits (audit, run, question_set, ended_at, instance, ending, kind, path, task, answered, failed, mean, mean_low, mean_high, minimum, is_passed)
SELECT 'nightly', '${until.toISOString()}', 'cafe', ${hours(8)}, 'proxy-1', 'complete', 'route', of.1, of.2, 48, 2, of.3, of.3 - 0.09, of.3 + 0.05, of.4, of.3 >= of.4
FROM (SELECT arrayJoin([('chat', 'coding', 0.9, 0.82), ('chat', 'billing', 0.94, 0.7), ('support', 'coding', 0.78, 0.82), ('support', 'billing', 0.92, 0.7)]) AS of)`)
}

/** A reading a minute of two processes: limits that are used up by and by, and a backlog of twenty minutes. */
async function insertReadings(client: StoreClient, { until, spanSeconds }: Traffic): Promise<void> {
  await client.command(`
INSERT INTO ${client.address.database}.proxy_readings (at, instance, reading, subject, detail, value)
WITH number * 60 / ${spanSeconds} AS age, (number % 600) - 200 AS outage,
  toFloat64(if(instance = 'proxy-2' AND outage BETWEEN 0 AND 20, 20 - outage, 0)) AS late
SELECT fromUnixTimestamp64Milli(toInt64(${until.getTime()}) - number * 60000, 'UTC'), instance, said.1, said.2, said.3, said.4
FROM numbers(${Math.floor(spanSeconds / 60)})
ARRAY JOIN ['proxy-1', 'proxy-2'] AS instance
ARRAY JOIN [
  ('understudy_spool_rows', '', '', late * 41 + cityHash64(number, instance) % 30),
  ('understudy_spool_bytes', '', '', late * 41 * 600),
  ('understudy_spool_oldest_unsent_seconds', '', '', late * 60 + (cityHash64(number, instance, 1) % 900) / 1000),
  ('understudy_provider_headroom_ratio', 'openai', 'requests', 0.9 + 0.05 * sin(number / 90)),
  ('understudy_provider_headroom_ratio', 'openai', 'tokens', 0.55 + 0.4 * sin(6.2832 * age + 1) + (cityHash64(number) % 100) / 2000),
  ('understudy_provider_headroom_ratio', 'anthropic', 'requests', 0.8 - 0.1 * sin(number / 70))
] AS said`)
}
