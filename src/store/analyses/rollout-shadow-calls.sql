-- The calls of the shadow stage of a rollout, in the form of rollout-calls: of each mirrored request the candidate's call
-- and, as the control's, the call that answered the client: both models on one prompt. How slow they are is not told: a
-- shadow runs on a cold cache.
SELECT
    trace_id,
    received_at,
    task,
    unit,
    side.1 AS arm,
    side.2 = 'completed' AS is_answered,
    side.3 AS first_token_ms,
    side.4 AS output_tokens,
    side.5 AS cost_usd,
    multiIf(
        side.6 IN ('connect_timeout', 'first_byte_timeout', 'slow_answer', 'slow_first_token', 'idle_timeout'), ['timeout'],
        side.2 NOT IN ('completed', 'cancelled'), ['error'],
        lower(side.7) IN ('refusal', 'content_filter', 'safety', 'prohibited_content', 'blocklist'), ['refusal'],
        emptyArrayString()) AS bad_events
FROM
(
    SELECT
        mirrored.trace_id AS trace_id,
        mirrored.started_at AS received_at,
        if(has({tasks_apart:Array(String)}, mirrored.task), mirrored.task, 'all') AS task,
        request.unit AS unit,
        [
            ('candidate', toString(mirrored.outcome), mirrored.first_token_ms, mirrored.output_tokens,
                mirrored.cost_usd, toString(mirrored.error), toString(mirrored.finish_reason)),
            ('control', toString(answered.outcome), answered.first_token_ms, answered.output_tokens,
                answered.cost_usd, toString(answered.error), toString(answered.finish_reason))
        ] AS sides
    FROM
    (
        SELECT trace_id, pair_id, started_at, attempts.task AS task, outcome, first_token_ms, output_tokens, cost_usd, error,
            finish_reason
        FROM {database:Identifier}.attempts
        WHERE route = {route:String} AND role = 'shadow' AND shadow = {shadow:String} AND shadow_arm = 'candidate'
            AND provider = {candidate_provider:String} AND model = {candidate_model:String} AND outcome != 'cancelled'
            AND started_at >= fromUnixTimestamp64Milli({since:Int64}) AND started_at <= fromUnixTimestamp64Milli({as_of:Int64})
    ) AS mirrored
    INNER JOIN
    (
        SELECT attempt_id, outcome, first_token_ms, output_tokens, cost_usd, error, finish_reason
        FROM {database:Identifier}.attempts
        WHERE route = {route:String} AND role IN ('primary', 'fallback', 'cascade')
            AND started_at >= fromUnixTimestamp64Milli({since:Int64} - 3600000)
            AND started_at <= fromUnixTimestamp64Milli({as_of:Int64})
            AND attempt_id IN
            (
                SELECT pair_id FROM {database:Identifier}.attempts
                WHERE route = {route:String} AND role = 'shadow' AND shadow = {shadow:String} AND shadow_arm = 'candidate'
                    AND started_at >= fromUnixTimestamp64Milli({since:Int64}) AND started_at <= fromUnixTimestamp64Milli({as_of:Int64})
            )
    ) AS answered ON answered.attempt_id = mirrored.pair_id
    LEFT JOIN
    (
        SELECT trace_id, if(unit_source = 'none', '', traces.unit) AS unit
        FROM {database:Identifier}.traces
        WHERE route = {route:String} AND received_at >= fromUnixTimestamp64Milli({since:Int64} - 3600000)
            AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
            AND trace_id IN
            (
                SELECT trace_id FROM {database:Identifier}.attempts
                WHERE route = {route:String} AND role = 'shadow' AND shadow = {shadow:String} AND shadow_arm = 'candidate'
                    AND started_at >= fromUnixTimestamp64Milli({since:Int64}) AND started_at <= fromUnixTimestamp64Milli({as_of:Int64})
            )
    ) AS request ON request.trace_id = mirrored.trace_id
)
ARRAY JOIN sides AS side
