-- Of requests that a shadow put to another model as well, by task: for how many the model that answered was the cheapest
-- that was good enough, going by the judge. Not so where the other was cheaper and at most {delta} worse, or where it cost
-- more and was better by more than that. Without the pairs of routing audits: several of one request, they have an analysis
-- of their own (routing-audits). {since}, {as_of}: milliseconds since 1970.
SELECT
    task,
    count() AS pairs,
    countIf(candidate_cost_usd < stable_cost_usd AND d >= -{delta:Float64}) AS cheaper_would_do,
    countIf(candidate_cost_usd > stable_cost_usd AND d > {delta:Float64}) AS dearer_was_needed,
    pairs - cheaper_would_do - dearer_was_needed AS right_choices
FROM {database:Identifier}.v_pair_calls
WHERE route = {route:String} AND evaluator = 'judge' AND NOT is_control AND d IS NOT NULL AND NOT startsWith(comparison, 'audit:')
    AND trace_at > fromUnixTimestamp64Milli({since:Int64}) AND trace_at <= fromUnixTimestamp64Milli({as_of:Int64})
    AND stable_cost_usd IS NOT NULL AND candidate_cost_usd IS NOT NULL
GROUP BY task
ORDER BY pairs DESC, task
LIMIT 2000
