-- The requests of one stage of a rollout while its candidate answers some of them, in the form that the other analyses
-- read. Arms are as assigned and compared; what went wrong is told of the model that the arm stands for, whoever answered in
-- the end. Requests for which that model was out and not called are left out: one incident would otherwise count as often as
-- there were requests meanwhile; so are questions of audits (tag audit=golden), which are the same again and again.
-- {slow_ms} 0 = how slow is slow is not known. One of {one_of} units is looked at.
SELECT
    request.trace_id AS trace_id,
    request.received_at AS received_at,
    request.task AS task,
    request.unit AS unit,
    request.arm AS arm,
    request.is_answered AS is_answered,
    call.first_token_ms AS first_token_ms,
    call.output_tokens AS output_tokens,
    call.cost_usd AS cost_usd,
    arrayConcat(
        request.arm_events,
        if(call.is_completed AND {slow_ms:Float64} > 0 AND call.duration_ms > {slow_ms:Float64}, ['slow'], []),
        if(checked.has_wrong_tools, ['tool'], [])) AS bad_events
FROM
(
    SELECT
        trace_id,
        received_at,
        if(has({tasks_apart:Array(String)}, traces.task), traces.task, 'all') AS task,
        if(unit_source = 'none', '', traces.unit) AS unit,
        arm_events,
        outcome = 'completed' AND status < 300 AND api NOT IN ('embeddings', 'embed_content', 'count_tokens') AS is_answered,
        traces.arm AS arm
    FROM {database:Identifier}.traces
    WHERE route = {route:String} AND rollout = {rollout:String} AND rollout_epoch = {epoch:UInt32}
        AND received_at >= fromUnixTimestamp64Milli({since:Int64}) AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
        AND is_compared AND traces.arm IN ('candidate', 'control') AND tags['audit'] != 'golden'
        AND cityHash64(if(unit_source = 'none', toString(trace_id), traces.unit)) % {one_of:UInt32} = 0
) AS request
LEFT JOIN
(
    SELECT
        trace_id,
        multiIf(
            provider = {candidate_provider:String} AND model = {candidate_model:String}, 'candidate',
            provider = {stable_provider:String} AND {stable_model:String} IN ('', model), 'control',
            'neither') AS arm,
        duration_ms,
        first_token_ms,
        output_tokens,
        cost_usd,
        outcome = 'completed' AS is_completed
    FROM {database:Identifier}.attempts
    WHERE route = {route:String} AND role IN ('primary', 'fallback', 'cascade') AND attempts.arm IN ('candidate', 'control')
        AND started_at >= fromUnixTimestamp64Milli({since:Int64})
        AND started_at <= fromUnixTimestamp64Milli({as_of:Int64} + 600000)
        AND trace_id IN
        (
            SELECT trace_id
            FROM {database:Identifier}.traces
            WHERE route = {route:String} AND rollout = {rollout:String} AND rollout_epoch = {epoch:UInt32}
                AND received_at >= fromUnixTimestamp64Milli({since:Int64}) AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
                AND is_compared AND traces.arm IN ('candidate', 'control')
                AND cityHash64(if(unit_source = 'none', toString(trace_id), traces.unit)) % {one_of:UInt32} = 0
        )
    ORDER BY trace_id, arm, position
    LIMIT 1 BY trace_id, arm
) AS call ON call.trace_id = request.trace_id AND call.arm = request.arm
LEFT JOIN
(
    SELECT trace_id, 1 AS has_wrong_tools
    FROM {database:Identifier}.v_scores
    WHERE source = 'evaluator' AND evaluator = 'tool_arguments' AND value = 0
        AND trace_at >= fromUnixTimestamp64Milli({since:Int64}) AND trace_at <= fromUnixTimestamp64Milli({as_of:Int64})
        AND scored_at <= fromUnixTimestamp64Milli({as_of:Int64})
    GROUP BY trace_id
) AS checked ON checked.trace_id = request.trace_id
WHERE (call.trace_id = request.trace_id OR empty(request.arm_events))
