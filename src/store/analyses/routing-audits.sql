-- Of a route's requests that a routing audit put to all of its models, by task: for how many the model that answered was
-- worth the most, or as much (right), and how much more the best would have been worth in all, in US dollars (regret_usd).
-- Only whole ones tell: with a verdict and a cost of every model. units, and the sums of squares and products (n: whole
-- requests of a unit, r: right ones, g: regret): what the intervals of domain/feedback/audited-picks.ts need, since those of
-- one unit are no independent witnesses. backed: for which share of the route's traffic they speak, as
-- evaluate/report/backed-share.ts has it, with the reasons given, and no more than was looked at: of several audits what the
-- one says that looked at most, since they may have looked at the same. {audit}: of one audit alone, by its name; '' = of
-- all of the route, each request once. {since}, {as_of}: milliseconds since 1970.
SELECT
    route,
    task,
    sum(n) AS requests,
    sum(partial_requests) AS partial,
    sum(r) AS right_picks,
    sum(g) AS regret_usd,
    countIf(n > 0) AS units,
    sum(n * n) AS nn,
    sum(r * n) AS rn,
    sum(r * r) AS rr,
    sum(g * n) AS gn,
    sum(g * g) AS gg,
    any(looked_at.share) * least(1, sum(requests) OVER (PARTITION BY route) / greatest(1, any(looked_at.mirrored))) AS backed
FROM
(
    SELECT
        route,
        task,
        countIf(is_whole) AS n,
        countIf(NOT is_whole) AS partial_requests,
        countIf(is_right) AS r,
        ifNull(sum(request_regret_usd), 0) AS g
    FROM
    (
        SELECT route, task, trace_id, unit, is_whole, is_right, regret_usd AS request_regret_usd
        FROM {database:Identifier}.v_routing_audits
        WHERE route = {route:String} AND ({audit:String} = '' OR splitByChar(':', audit)[2] = {audit:String})
            AND trace_at > fromUnixTimestamp64Milli({since:Int64}) AND trace_at <= fromUnixTimestamp64Milli({as_of:Int64})
        ORDER BY is_whole DESC, trace_id, audit
        LIMIT 1 BY trace_id
    )
    GROUP BY route, task, if(unit = '', toString(trace_id), unit)
) AS audited
LEFT JOIN
(
    SELECT route, sum(mirrored) AS mirrored, max(of_one) AS share
    FROM
    (
        SELECT
            route,
            sumIf(requests, stage = 'mirrored') AS mirrored,
            sumIf(requests, stage = 'eligible') AS eligible,
            sumIf(requests, stage = 'skipped' AND reason IN {left_out_before:Array(String)}) AS before,
            sumIf(requests, stage = 'skipped' AND reason IN {left_out_after:Array(String)}) AS after,
            eligible - before - sumIf(requests, stage = 'skipped' AND reason IN {not_drawn:Array(String)}) AS drawn,
            max(sumIf(requests, stage = 'traffic')) OVER (PARTITION BY route) AS traffic,
            if(drawn = 0, 0, (1 - before / eligible) * (1 - after / drawn) * least(1, eligible / greatest(1, traffic))) AS of_one
        FROM
        (
            SELECT splitByChar(':', shadow)[3] AS route, shadow, stage, reason, requests
            FROM {database:Identifier}.shadow_funnel
            WHERE startsWith(shadow, 'audit:') AND ({audit:String} = '' OR splitByChar(':', shadow)[2] = {audit:String})
                AND minute <= fromUnixTimestamp64Milli({as_of:Int64}) AND minute >= toStartOfMinute(fromUnixTimestamp64Milli({since:Int64}))
            UNION ALL
            SELECT route, '' AS shadow, 'traffic' AS stage, '' AS reason, toUInt64(1) AS requests
            FROM {database:Identifier}.traces
            WHERE received_at > fromUnixTimestamp64Milli({since:Int64}) AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
                AND outcome NOT IN ('rejected', 'cancelled') AND NOT is_audit_question
        )
        WHERE route = {route:String}
        GROUP BY route, shadow
    )
    GROUP BY route
) AS looked_at ON looked_at.route = audited.route
GROUP BY route, task
ORDER BY route, requests DESC, task
LIMIT 2000
