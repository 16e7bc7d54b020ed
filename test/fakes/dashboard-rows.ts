import type { StoreClient } from '../../src/store/client.ts'

/** Models of the generated traffic, dearest first; the last one has no known price. */
export const MODELS = ['gpt-large', 'gpt-small', 'haiku', 'of-no-price'] as const

export type Traffic = {
  readonly requests: number
  /** The first so many of MODELS are called, or only the one without a price. */
  readonly models: number | 'unpriced'
  /** The newest request; they are spread over `spanSeconds` before it, in waves of a day. */
  readonly until: Date
  readonly spanSeconds: number
}

const DAY_SECONDS = 86_400
const LIST = `[${MODELS.map((model) => `'${model}'`).join(', ')}]`

/** A number in [0, 1) by row and purpose, the same each time. */
const draw = (purpose: string): string => `(cityHash64(number, '${purpose}') % 1000003 / 1000003)`
/** About normal, mean 0 and deviation 1. */
const noise = (purpose: string): string =>
  `((${draw(`${purpose}1`)} + ${draw(`${purpose}2`)} + ${draw(`${purpose}3`)} - 1.5) * 2)`
/** A UUIDv7 of this row: its time, then what it is of, then its number. */
export const rowId = (kind: number): string =>
  `toUUID(concat(leftPad(lower(hex(toUInt64(toUnixTimestamp64Milli(at)))), 12, '0'), '7000', '8${kind}00', leftPad(lower(hex(number)), 12, '0')))`

/** A text of `options` by row. */
const oneOf = (options: readonly string[], place: string): string =>
  `[${options.map((option) => `'${option}'`).join(', ')}][${place} + 1]`

/**
 * What is true of row `number`, for a WITH before a SELECT from `numbers(…)`. Periods have no factor in common with the
 * number of models where what they mark must come with prices and without.
 */
export function rowFacts({ requests, models, until, spanSeconds }: Traffic): string {
  const names = models === 'unpriced' ? MODELS.slice(-1) : MODELS.slice(0, models)
  const days = spanSeconds / DAY_SECONDS
  return `
    number / ${requests} AS place,
    place + (sin(6.2832 * ${days} * place + 2) - sin(2)) * 0.5 / (6.2832 * ${days}) AS age,
    -- Turned back at both ends, where there would be a heap and a hole otherwise.
    1 - abs(1 - abs(age + (${draw('jitter')} - 0.5) * 0.01)) AS shifted,
    fromUnixTimestamp64Milli(toInt64(${until.getTime()} - shifted * ${spanSeconds * 1000}), 'UTC') AS at,
    number % 50 = 7 AS is_failed,
    number % 21 = 3 AS has_fallback,
    ${oneOf(names, `number % ${names.length}`)} AS name,
    name = 'of-no-price' AS is_unpriced,
    ${LIST} AS MODELS,
    indexOf(MODELS, name) AS rank,
    round([2100, 900, 650, 1200][rank] * exp(${noise('time')} * 0.4), 1) AS latency,
    round(latency * (0.15 + 0.2 * ${draw('first')}), 1) AS first_token,
    toUInt64(80 + 900 * exp(${noise('input')} * 0.8)) AS input_count,
    toUInt64(40 + 250 * exp(${noise('output')} * 0.7)) AS output_count,
    if(number % 3 = 0, 'chat', 'support') AS route_name,
    ${oneOf(['coding', 'summary', 'billing', 'extraction', 'unknown'], 'cityHash64(number, 7) % 5')} AS task_name,
    ${oneOf(['red', 'blue', ''], 'number % 3')} AS team_name,
    toDecimal64(round([5e-6, 6e-7, 4e-7, 0][rank] * input_count + [2e-5, 2.4e-6, 1.6e-6, 0][rank] * output_count, 9), 12) AS dollars`
}

/**
 * Fills traces and attempts, and through their views the rollups, inside ClickHouse: the same rows each time. Every
 * request has one call, and some a fallback after it; beside them are calls of a shadow, and of the judge of its pairs.
 */
export async function insertTraffic(client: StoreClient, traffic: Traffic): Promise<void> {
  const { requests } = traffic
  const { database } = client.address
  const facts = rowFacts(traffic)
  await client.command(`
INSERT INTO ${database}.traces (trace_id, received_at, instance, route, task, complexity, team, user, key_subject, tags, requested_model,
  target_model, served_provider, rejected, outcome, status, error, duration_ms, overhead_ms, first_token_ms, attempts, policy_version,
  uncached_input_tokens, text_output_tokens, cost_usd, unpriced_attempts, rollout, rollout_epoch, rollout_stage, rollout_step, arm, is_compared, unit, reasons)
WITH ${facts}, route_name = 'chat' AS is_dealt, (reinterpretAsUInt32(substring(SHA256(toString(number % 997)), 1, 4)) / 4294967296) AS deal,
  ${rolloutStep('age')} AS step, multiIf(NOT is_dealt, 'none', deal < step / 100, 'candidate', deal >= 1 - step / 100, 'control', 'stable') AS dealt
SELECT ${rowId(0)}, at, 'proxy-1', route_name, task_name, ${oneOf(['simple', 'moderate', 'complex'], 'cityHash64(number, 8) % 3')},
  team_name, concat('user-', toString(cityHash64(number, 3) % 30)), if(cityHash64(number, 5) % 4 = 0, '', lower(hex(cityHash64(number % 5)))),
  multiIf(cityHash64(number, 6) % 2 = 0, map('feature', ${oneOf(['search', 'inbox', 'export', 'help'], 'cityHash64(number, 4) % 4')}), number % 47 = 5, map('audit', 'golden'), map()), name, name, 'fake',
  if(number % 41 = 1, [('fake/gpt-large', if(number % 2 = 0, 'open', 'throttled'))], []),
  if(is_failed, 'unavailable', 'completed'), if(is_failed, 502, 200), if(is_failed, 'connect_failed', ''),
  latency * (1 + 0.3 * has_fallback), 0.4 + 2 * ${draw('overhead')}, if(is_failed, NULL, first_token), 1 + has_fallback, 'cafe0123cafe0123',
  if(is_failed, NULL, input_count), if(is_failed, NULL, output_count), if(is_failed OR is_unpriced, NULL, dollars), is_unpriced AND NOT is_failed,
  if(is_dealt, 'cheaper-chat', ''), is_dealt, if(is_dealt, concat(toString(step), '%'), ''), if(is_dealt, step, 0), dealt, is_dealt AND dealt != 'stable', if(is_dealt, lower(hex(number % 997)), ''),
  [if(is_dealt, concat('arm:', dealt), 'weighted')]
FROM numbers(${requests})`)
  const calls = `INSERT INTO ${database}.attempts (attempt_id, trace_id, position, started_at, instance, role, shadow, shadow_arm, pair_id,
  provider, model, route, task, team, outcome, status, error, fallback_reason, queue_ms, first_token_ms, duration_ms,
  uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, audio_input_tokens, text_output_tokens,
  reasoning_tokens, audio_output_tokens, cost_usd, unpriced_why, rates_pico_usd, policy_version)`
  await client.command(`${calls}
WITH ${facts},
  has_fallback AND turn = 0 AS is_left,
  is_left OR is_failed AS is_lost
SELECT if(is_left, ${rowId(2)}, ${rowId(1)}), ${rowId(0)}, turn, at, 'proxy-1', if(turn = 1, if(number % 4 = 3, 'cascade', 'fallback'), 'primary'), '', '', ${NO_ID}, 'fake', name,
  route_name, task_name, team_name, multiIf(is_left, 'refused', is_failed, 'unavailable', 'completed'),
  multiIf(is_left, 429, is_failed, 0, 200), multiIf(is_left, 'upstream_error', is_failed, 'connect_failed', ''),
  if(turn = 1 AND number % 4 != 3, ${oneOf(['rate_limit', 'error', 'slow_first_token'], 'cityHash64(number, 9) % 3')}, ''), 3 * ${draw('queue')},
  if(is_lost, NULL, first_token), if(is_left, latency * 0.3, latency), ${usage('NOT is_lost')},
  if(is_lost OR is_unpriced, NULL, dollars), multiIf(is_lost, 'no_usage', is_unpriced, 'unknown_model', ''), ${rates('rank')}, 'cafe0123cafe0123'
FROM numbers(${requests})
ARRAY JOIN range(1 + has_fallback) AS turn`)
  await client.command(`${calls}
WITH ${facts},
  ${isControl} AS is_control,
  if(is_control, name, 'haiku') AS candidate,
  if(is_control, dollars, toDecimal64(round(4e-7 * input_count + 1.6e-6 * output_count, 9), 12)) AS candidate_dollars,
  kind = 'shadow' AS is_shadow
SELECT if(is_shadow, ${rowId(3)}, ${rowId(4)}), ${rowId(0)}, 0, at + INTERVAL 3 SECOND, 'proxy-1', kind, if(is_shadow, 'cheaper', ''),
  multiIf(NOT is_shadow, '', is_control, 'aa', 'candidate'), if(is_shadow, ${rowId(1)}, ${NO_ID}), 'fake', if(is_shadow, candidate, 'gpt-judge'),
  route_name, task_name, team_name, 'completed', 200, '', '', 0, first_token, if(is_control, latency, latency * [0.4, 0.8, 1, 1][rank]),
  ${usage('1')}, if(is_shadow AND candidate = 'of-no-price', NULL, if(is_shadow, candidate_dollars, toDecimal64(0.0004, 12))),
  if(is_shadow AND candidate = 'of-no-price', 'unknown_model', ''), ${rates('indexOf(MODELS, candidate)')}, 'cafe0123cafe0123'
FROM numbers(${requests})
ARRAY JOIN ['shadow', 'judge'] AS kind
WHERE ${isShadowed}`)
}

/** Percentage of the rollout, by how far back it is: 1 is the beginning. */
export const rolloutStep = (age: string): string => `multiIf(${age} < 0.3, 50, ${age} < 0.7, 25, 5)`

/** Rows that a shadow has looked at, and of these the ones that the stable model answered again. */
export const isShadowed = 'number % 9 = 4 AND number % 50 != 7'
export const isControl = 'number % 90 = 4'
const NO_ID = "toUUID('00000000-0000-0000-0000-000000000000')"

/** What the model at place `rank` of MODELS costs by the token. */
const rates = (rank: string): string =>
  `mapFilter((bucket, rate) -> rate > 0, map('uncached_input_tokens', [5000000, 600000, 400000, 0][${rank}], 'text_output_tokens', [20000000, 2400000, 1600000, 0][${rank}]))`

/** The buckets of a call's usage in the order of the columns; NULL where `isKnown` does not hold. */
function usage(isKnown: string): string {
  const shares = [
    ['input_count', 0.6],
    ['input_count', 0.3],
    ['input_count', 0.1],
    ['input_count', 0],
    ['input_count', 0],
    ['output_count', 0.8],
    ['output_count', 0.2],
    ['output_count', 0],
  ] as const
  return shares.map(([count, share]) => `if(${isKnown}, toUInt64(${count} * ${share}), NULL)`).join(', ')
}
