-- Of a route's requests that a routing audit put to all of its models, by task: for how many the model that answered was
-- worth the most, or as much (right), and how much more the best would have been worth in all, in US dollars (regret_usd).
-- Only whole ones tell: with a verdict and a cost of every model. backed: for which share of the route's traffic they speak,
-- as evaluate/report/backed-share.ts has it, with the reasons given, and no more than was looked at. {since}, {as_of}:
-- milliseconds since 1970.
SELECT
    route,
    task,
    countIf(is_whole) AS requests,
    countIf(NOT is_whole) AS partial,
    countIf(is_right) AS right_picks,
    ifNull(sum(regret_usd), 0) AS regret_usd,
    any(looked_at.share) * least(1, sum(requests) OVER (PARTITION BY route) / greatest(1, any(looked_at.mirrored))) AS backed
FROM
(
    SELECT route, task, is_whole, is_right, regret_usd
    FROM {database:Identifier}.v_routing_audits
    WHERE route = {route:String}
        AND trace_at > fromUnixTimestamp64Milli({since:Int64}) AND trace_at <= fromUnixTimestamp64Milli({as_of:Int64})
) AS audited
LEFT JOIN
(
    SELECT
        route,
        sumIf(requests, stage = 'mirrored') AS mirrored,
        sumIf(requests, stage = 'eligible') AS eligible,
        sumIf(requests, stage = 'skipped' AND reason IN {left_out_before:Array(String)}) AS before,
        sumIf(requests, stage = 'skipped' AND reason IN {left_out_after:Array(String)}) AS after,
        eligible - before - sumIf(requests, stage = 'skipped' AND reason IN {not_drawn:Array(String)}) AS drawn,
        sumIf(requests, stage = 'traffic') AS traffic,
        if(drawn = 0, 0, (1 - before / eligible) * (1 - after / drawn) * least(1, eligible / greatest(1, traffic))) AS share
    FROM
    (
        SELECT splitByChar(':', shadow)[3] AS route, stage, reason, requests
        FROM {database:Identifier}.shadow_funnel
        WHERE startsWith(shadow, 'audit:') AND minute <= fromUnixTimestamp64Milli({as_of:Int64})
            AND minute >= toStartOfMinute(fromUnixTimestamp64Milli({since:Int64}))
        UNION ALL
        SELECT route, 'traffic' AS stage, '' AS reason, toUInt64(1) AS requests
        FROM {database:Identifier}.traces
        WHERE received_at > fromUnixTimestamp64Milli({since:Int64}) AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
            AND outcome NOT IN ('rejected', 'cancelled') AND NOT is_audit_question
    )
    WHERE route = {route:String}
    GROUP BY route
) AS looked_at ON looked_at.route = audited.route
GROUP BY route, task
ORDER BY route, requests DESC, task
LIMIT 2000
