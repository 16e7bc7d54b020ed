-- Views bound nothing by themselves unless they say so: filter on their time column.

-- statement: what each model costs
CREATE OR REPLACE VIEW {database}.v_cost_per_model_hour {on_cluster} AS
SELECT
    toStartOfHour(started_at) AS hour,
    provider,
    model,
    role,
    count() AS calls,
    countIf(call.outcome = 'completed') AS completed_calls,
    countIf(call.cost_usd IS NOT NULL) AS priced_calls,
    sum(call.cost_usd) AS cost_usd,
    sum(call.input_tokens) AS input_tokens,
    sum(call.output_tokens) AS output_tokens
FROM {database}.attempts AS call
GROUP BY hour, provider, model, role
COMMENT 'Calls, tokens and US dollars per model and hour. cost_usd is the sum of priced_calls, a lower bound where priced_calls < calls.'

-- statement: what failed in the last 24 hours
CREATE OR REPLACE VIEW {database}.v_recent_errors {on_cluster} AS
SELECT
    received_at,
    trace_id,
    route,
    provider,
    requested_model,
    outcome,
    status,
    error,
    error_type,
    attempts,
    duration_ms,
    path
FROM {database}.traces
WHERE received_at > now() - INTERVAL 24 HOUR AND outcome NOT IN ('completed', 'cancelled')
ORDER BY received_at DESC
COMMENT 'Requests of the last 24 hours that did not complete, newest first; cancelled by the client is no failure.'

-- statement: what was used without a known price in the last 7 days
CREATE OR REPLACE VIEW {database}.v_unpriced_models {on_cluster} AS
SELECT
    provider,
    if(served_model = '', model, served_model) AS model_name,
    unpriced_why,
    count() AS calls,
    sum(call.input_tokens) AS input_tokens,
    sum(call.output_tokens) AS output_tokens,
    max(started_at) AS last_seen
FROM {database}.attempts AS call
WHERE call.started_at > now() - INTERVAL 7 DAY AND unpriced_why IN ('unknown_model', 'missing_rate')
GROUP BY provider, model_name, unpriced_why
COMMENT 'Models used in the last 7 days whose price is not known: add it to prices in the config file.'

-- statement: where a request spends its time
CREATE OR REPLACE VIEW {database}.v_latency_per_model_minute {on_cluster} AS
SELECT
    toStartOfMinute(started_at) AS minute,
    provider,
    model,
    count() AS calls,
    quantilesTDigest(0.5, 0.95, 0.99)(call.duration_ms) AS duration_ms_p50_p95_p99,
    quantilesTDigest(0.5, 0.95, 0.99)(call.first_token_ms) AS first_token_ms_p50_p95_p99,
    avg(call.queue_ms) AS queue_ms
FROM {database}.attempts AS call
WHERE call.outcome = 'completed'
GROUP BY minute, provider, model
COMMENT 'Latency of completed calls per model and minute, in milliseconds: 50th, 95th and 99th percentile.'
