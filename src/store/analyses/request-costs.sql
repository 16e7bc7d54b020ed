-- What requests of a route cost that were decided for each model first, fallbacks included, per task; and what calls of
-- shadows to it did (kind = shadow). Discounted sums, as in quality-windows.sql; US dollars. `requests` counts those without
-- a known cost as well, discounted likewise. Questions of audits are no traffic (tag audit=golden).
WITH
    fromUnixTimestamp64Milli({as_of:Int64}) AS until,
    fromUnixTimestamp64Milli({as_of:Int64} - {horizon_ms:Int64}) AS since
SELECT
    task,
    provider,
    model,
    kind,
    sum(weight) AS requests,
    sumIf(weight, isNotNull(usd)) AS mass,
    sum(weight * ifNull(usd, 0)) AS weighted_sum,
    sum(weight * ifNull(usd * usd, 0)) AS weighted_squares
FROM
(
    SELECT
        task,
        targets[1].provider AS provider,
        targets[1].model AS model,
        'live' AS kind,
        toFloat64(cost_usd) AS usd,
        exp2(-({as_of:Int64} - toUnixTimestamp64Milli(received_at)) / {half_life_ms:Int64}) AS weight
    FROM {database:Identifier}.traces
    WHERE route = {route:String} AND received_at > since AND received_at <= until AND outcome = 'completed'
        AND tags['audit'] != 'golden'
    UNION ALL
    SELECT
        task,
        provider,
        model,
        'shadow' AS kind,
        toFloat64(cost_usd) AS usd,
        exp2(-({as_of:Int64} - toUnixTimestamp64Milli(started_at)) / {half_life_ms:Int64}) AS weight
    FROM {database:Identifier}.attempts
    WHERE route = {route:String} AND started_at > since AND started_at <= until AND role = 'shadow' AND outcome = 'completed'
)
GROUP BY task, provider, model, kind
ORDER BY requests DESC
LIMIT 2000
