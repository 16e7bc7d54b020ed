import type { StoreClient } from '../../src/store/client.ts'

/** Models of the generated traffic; the last one has no known price. */
export const MODELS = ['gpt-large', 'gpt-small', 'haiku', 'of-no-price'] as const

export type Traffic = {
  readonly requests: number
  /** The first so many of MODELS are called, or only the one without a price. */
  readonly models: number | 'unpriced'
  /** The newest request; they are spread evenly over `spanSeconds` before it. */
  readonly until: Date
  readonly spanSeconds: number
}

/**
 * Fills traces and attempts, and through their views the rollups, inside ClickHouse: the same rows each time. Periods have
 * no factor in common with the number of models where what they mark must come with prices and without.
 */
export async function insertTraffic(client: StoreClient, traffic: Traffic): Promise<void> {
  const { requests, models, until, spanSeconds } = traffic
  const names = models === 'unpriced' ? MODELS.slice(-1) : MODELS.slice(0, models)
  const at = `fromUnixTimestamp64Milli(${until.getTime()} - intDiv(number * ${spanSeconds * 1000}, ${requests}), 'UTC')`
  const model = `[${names.map((name) => `'${name}'`).join(', ')}][number % ${names.length} + 1]`
  const facts = `
    number % 50 = 7 AS is_failed,
    number % 21 = 3 AS has_fallback,
    ${model} AS name,
    name = 'of-no-price' AS is_unpriced,
    200 + number % 997 AS latency,
    if(number % 3 = 0, 'chat', 'support') AS route_name,
    ['code', 'summary', 'unknown'][number % 3 + 1] AS task_name,
    ['red', 'blue', ''][number % 3 + 1] AS team_name,
    toDecimal64(1 + number % 9, 12) / 1000 AS dollars`
  await client.command(`
INSERT INTO ${client.address.database}.traces (trace_id, received_at, route, task, team, user, key_subject, tags, target_model, served_provider, rejected,
  outcome, status, error, duration_ms, overhead_ms, first_token_ms, attempts, uncached_input_tokens, cost_usd, unpriced_attempts)
WITH ${facts}
SELECT generateUUIDv7(), ${at}, route_name, task_name, team_name, concat('user-', toString(number % 30)),
  if(number % 4 = 0, '', lower(hex(number % 5))), if(number % 2 = 0, map('feature', toString(number % 7)), map()), name, 'fake',
  if(number % 41 = 1, [('fake/gpt-large', 'broken')], []), if(is_failed, 'unavailable', 'completed'), if(is_failed, 502, 200),
  if(is_failed, 'connect_failed', ''), latency, number % 5, if(is_failed, NULL, latency / 3), 1 + has_fallback, 100,
  if(is_unpriced, NULL, dollars), is_unpriced
FROM numbers(${requests})`)
  await client.command(`
INSERT INTO ${client.address.database}.attempts (attempt_id, trace_id, position, started_at, role, provider, model, route, task, team, outcome, status, error,
  fallback_reason, queue_ms, first_token_ms, duration_ms, uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens,
  cache_write_1h_tokens, audio_input_tokens, text_output_tokens, reasoning_tokens, audio_output_tokens, cost_usd, unpriced_why)
WITH ${facts}
SELECT generateUUIDv7(), generateUUIDv7(), 0, ${at},
  multiIf(has_fallback, 'fallback', number % 25 = 4, 'shadow', number % 25 = 5, 'judge', 'primary'), 'fake', name, route_name,
  task_name, team_name, if(is_failed, 'refused', 'completed'), if(is_failed, 429, 200), if(is_failed, 'rate_limited', ''),
  if(has_fallback, 'rate_limit', ''), number % 11, if(is_failed, NULL, latency / 3), latency, 100, 40, 10, 0, 0, 50, 20, 0,
  if(is_unpriced, NULL, dollars), if(is_unpriced, 'unknown_model', '')
FROM numbers(${requests})`)
}
