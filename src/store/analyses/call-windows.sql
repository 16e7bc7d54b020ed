-- How the models of a route fared on each task in the last {window_ms}: success and rate limits as shares of the calls,
-- times of completed calls in milliseconds, US dollars per priced call. Calls for clients alone; a call that the client
-- left is neither good nor bad. Those that audits made are in: how a model answers is no matter of who asks.
SELECT
    task,
    provider,
    model,
    count() AS calls,
    countIf(call.outcome = 'completed') / nullIf(countIf(call.outcome != 'cancelled'), 0) AS success_rate,
    countIf(call.status = 429) / calls AS rate_limited_share,
    quantileExactIf(0.5)(call.duration_ms, call.outcome = 'completed') AS duration_ms_p50,
    quantileExactIf(0.95)(call.duration_ms, call.outcome = 'completed') AS duration_ms_p95,
    quantileExactIf(0.99)(call.duration_ms, call.outcome = 'completed') AS duration_ms_p99,
    quantileExactIf(0.5)(call.first_token_ms, call.outcome = 'completed') AS first_token_ms_p50,
    quantileExactIf(0.95)(call.first_token_ms, call.outcome = 'completed') AS first_token_ms_p95,
    countIf(call.cost_usd IS NOT NULL) AS priced_calls,
    avg(toFloat64(call.cost_usd)) AS cost_usd_per_call
FROM {database:Identifier}.attempts AS call
WHERE call.route = {route:String} AND call.role IN ('primary', 'fallback', 'cascade')
    AND call.started_at > fromUnixTimestamp64Milli({as_of:Int64} - {window_ms:Int64})
    AND call.started_at <= fromUnixTimestamp64Milli({as_of:Int64})
GROUP BY task, provider, model
ORDER BY task, provider, model
LIMIT 2000
