-- How good the answers of each model to each task of a route were, source by source, never mixed: discounted sums of which
-- each score weighs 2^(-age / {half_life_ms}), as `Tally` of domain/feedback/tally.ts; mean = weighted_sum / mass.
-- Scores ({sources} other than pairs) are of the answer that the client got, or of the call that they name. Of pairs the
-- value is d to the reference model, whichever side it was on. Of audits it is how right a model was that was asked by
-- itself, whatever route leads to it. Of each unit, day and source one score counts, its first.
-- Questions of audits are no traffic (tag audit=golden).
-- {as_of}: milliseconds since 1970; nothing that came later counts, nor any request of the last {watermark_ms} or from
-- before {horizon_ms}. {changed}: when the weights of a task moved last, '' = those of all tasks without an own entry.
-- {quarantined}: since when an arm is out, by 'task\nprovider/model'. Of scores and pairs those of one of {one_of} requests count.
WITH
    fromUnixTimestamp64Milli({as_of:Int64}) AS until,
    fromUnixTimestamp64Milli({as_of:Int64} - {horizon_ms:Int64}) AS since,
    fromUnixTimestamp64Milli({as_of:Int64} - {watermark_ms:Int64}) AS settled,
    toUUID('00000000-0000-0000-0000-000000000000') AS client_answer
SELECT
    task,
    provider,
    model,
    source,
    evaluator,
    version,
    sum(weight) AS mass,
    sum(weight * value) AS weighted_sum,
    sum(weight * value * value) AS weighted_squares,
    count() AS scores,
    countIf(arrived_ms > if(mapContains({changed:Map(String, Int64)}, task), {changed:Map(String, Int64)}[task], {changed:Map(String, Int64)}[''])) AS fresh,
    countIf(arrived_ms > {changed:Map(String, Int64)}['']) AS fresh_for_all,
    countIf(arrived_ms > {quarantined:Map(String, Int64)}[concat(task, '\n', provider, '/', model)]) AS since_quarantine,
    countIf(arrived_ms > {quarantined:Map(String, Int64)}[concat('\n', provider, '/', model)]) AS since_quarantine_for_all,
    max(arrived_ms) AS latest_ms
FROM
(
    SELECT
        task,
        provider,
        model,
        source,
        evaluator,
        version,
        value,
        exp2(-({as_of:Int64} - toUnixTimestamp64Milli(received_at)) / {half_life_ms:Int64}) AS weight,
        toUnixTimestamp64Milli(arrived_at) AS arrived_ms
    FROM
    (
        SELECT
            request.task AS task,
            toLowCardinality(if(score.attempt_id = client_answer, request.served_provider, score.provider)) AS provider,
            toLowCardinality(if(score.attempt_id = client_answer, request.target_model, score.model)) AS model,
            score.source AS source,
            score.evaluator AS evaluator,
            score.version AS version,
            assumeNotNull(score.value) AS value,
            request.trace_id AS trace_id,
            cityHash64(if(request.unit = '', toString(request.trace_id), request.unit)) AS own,
            request.received_at AS received_at,
            score.scored_at AS arrived_at
        FROM {database:Identifier}.traces AS request
        INNER JOIN
        (
            SELECT trace_id, attempt_id, source, evaluator, version, value, provider, model, scored_at
            FROM {database:Identifier}.v_scores
            WHERE trace_at > since - INTERVAL 1 HOUR AND source IN {sources:Array(String)} AND value IS NOT NULL AND scored_at <= until
                AND cityHash64(trace_id) % {one_of:UInt32} = 0
        ) AS score ON score.trace_id = request.trace_id
        WHERE request.route = {route:String} AND request.received_at > since AND request.received_at <= settled
            AND request.tags['audit'] != 'golden'
        UNION ALL
        SELECT
            task,
            toLowCardinality(if(is_stable, candidate_provider, stable_provider)) AS provider,
            toLowCardinality(if(is_stable, candidate_model, stable_model)) AS model,
            toLowCardinality('pairs') AS source,
            evaluator,
            version,
            if(is_stable, 1, -1) * assumeNotNull(d) AS value,
            trace_id,
            cityHash64(if(unit = '', toString(trace_id), unit)) AS own,
            trace_at AS received_at,
            paired_at AS arrived_at
        FROM
        (
            SELECT
                *,
                stable_provider = {reference_provider:String} AND stable_model = {reference_model:String} AS is_stable,
                candidate_provider = {reference_provider:String} AND candidate_model = {reference_model:String} AS is_candidate
            FROM {database:Identifier}.v_pairs
            WHERE trace_at > since AND trace_at <= settled AND paired_at <= until AND route = {route:String}
                AND evaluator = 'judge' AND NOT is_control AND d IS NOT NULL AND cityHash64(trace_id) % {one_of:UInt32} = 0
        )
        WHERE 'pairs' IN {sources:Array(String)} AND is_stable != is_candidate
        UNION ALL
        SELECT
            task,
            toLowCardinality(substring(path, 1, position(path, '/') - 1)) AS provider,
            toLowCardinality(substring(path, position(path, '/') + 1)) AS model,
            toLowCardinality('audit') AS source,
            audit AS evaluator,
            question_set AS version,
            assumeNotNull(answer.value) AS value,
            trace_id,
            cityHash64(question) AS own,
            answered_at AS received_at,
            answered_at AS arrived_at
        FROM {database:Identifier}.audit_answers AS answer FINAL
        WHERE 'audit' IN {sources:Array(String)} AND kind = 'target' AND answer.value IS NOT NULL
            AND answered_at > since AND answered_at <= settled
    )
    -- The first of each, by one number for all that tells them apart: of 540,000 scores and pairs in 1.2 million requests
    -- that takes 160 MB, grouping by the texts themselves 550, more than whoever may only read is given.
    ORDER BY arrived_at, trace_id
    LIMIT 1 BY cityHash64(task, provider, model, source, evaluator, version, toDate(received_at), own)
)
GROUP BY task, provider, model, source, evaluator, version
ORDER BY mass DESC
LIMIT 2000
