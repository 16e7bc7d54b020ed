-- Per task: how often each difference d, to thousandths, was seen between the candidate's answer and stable's to one
-- prompt. Of each unit the first counts, in the order in which pairs were made; the pairs of {as_of} are the same whenever
-- one asks. {is_control} true: stable with itself, by whichever shadow of the route.
SELECT task, d, count() AS pairs
FROM
(
    SELECT task, argMin(difference, (known_at, trace_id)) AS d
    FROM
    (
        SELECT
            if(has({tasks_apart:Array(String)}, pair.task), pair.task, 'all') AS task,
            any(pair.unit) AS unit,
            trace_id,
            max(pair.paired_at) AS known_at,
            round(avg(pair.d), 3) AS difference
        FROM {database:Identifier}.v_pairs AS pair
        WHERE route = {route:String} AND is_control = {is_control:Bool} AND isNotNull(pair.d)
            AND evaluator = {metric:String}
            AND ({is_control:Bool} OR (comparison = {shadow:String} AND candidate_provider = {candidate_provider:String}
                AND candidate_model = {candidate_model:String}))
            AND trace_at >= fromUnixTimestamp64Milli({since:Int64})
            AND pair.paired_at <= fromUnixTimestamp64Milli({as_of:Int64})
        GROUP BY task, trace_id, candidate_attempt_id
    )
    GROUP BY task, if(unit = '', toString(trace_id), unit)
)
GROUP BY task, d
ORDER BY task, d
