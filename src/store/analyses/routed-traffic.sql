-- Requests of a route per task and model that each was decided for first: how many, how many went on to another model (the
-- same one asked again is no fallback), and what they cost with it, in US dollars. {since}, {as_of}: milliseconds since 1970.
-- What the proxy itself refused, and what the client left, is no traffic, nor are questions of audits (tag audit=golden).
SELECT
    task,
    targets[1].provider AS provider,
    targets[1].model AS model,
    count() AS requests,
    countIf(attempts > 1 AND (served_provider != targets[1].provider OR targets[1].model NOT IN ('', target_model))) AS fallen_back,
    countIf(request.cost_usd IS NOT NULL) AS priced,
    ifNull(sum(toFloat64(request.cost_usd)), 0) AS usd,
    if(priced < 2, NULL, varSampStable(toFloat64(request.cost_usd))) AS usd_variance
FROM {database:Identifier}.traces AS request
WHERE request.route = {route:String}
    AND request.received_at > fromUnixTimestamp64Milli({since:Int64})
    AND request.received_at <= fromUnixTimestamp64Milli({as_of:Int64})
    AND request.outcome NOT IN ('rejected', 'cancelled') AND request.tags['audit'] != 'golden'
GROUP BY task, provider, model
ORDER BY requests DESC, task, provider, model
LIMIT 2000
