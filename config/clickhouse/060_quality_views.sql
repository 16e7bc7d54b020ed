-- What was said of answers beside the calls that gave them. Latest revisions alone; filter on trace_at (or scored_at).

-- statement: scores with the request they are about
CREATE OR REPLACE VIEW {database}.v_answer_scores {on_cluster} AS
SELECT
    score.trace_id AS trace_id,
    score.trace_at AS trace_at,
    score.scored_at AS scored_at,
    score.source AS source,
    score.evaluator AS evaluator,
    score.version AS version,
    score.value AS value,
    score.failure AS failure,
    score.explanation AS explanation,
    score.cost_usd AS score_cost_usd,
    request.trace_id = score.trace_id AS is_known,
    if(is_known, request.route, score.route) AS route,
    if(is_known AND request.task != 'unknown', request.task, score.task) AS task,
    if(is_known, request.arm, score.arm) AS arm,
    if(is_known, request.served_provider, score.provider) AS provider,
    if(is_known, request.target_model, score.model) AS model,
    if(is_known, request.team, '') AS team,
    if(is_known, request.key_subject, '') AS key_subject,
    if(is_known, request.cost_usd, NULL) AS cost_usd,
    if(is_known, request.duration_ms, NULL) AS duration_ms,
    if(is_known, request.first_token_ms, NULL) AS first_token_ms,
    if(is_known, request.outcome, '') AS outcome
FROM {database}.v_scores AS score
LEFT JOIN {database}.traces AS request ON request.trace_id = score.trace_id
COMMENT 'Scores beside their requests. is_known = 0: no request of that id is stored (yet), and what its score says of it stands.'

-- statement: quality of each model per task and day
CREATE OR REPLACE VIEW {database}.v_quality_per_task_day {on_cluster} AS
SELECT
    toDate(trace_at) AS day,
    task,
    provider,
    model,
    source,
    evaluator,
    version,
    countIf(value IS NOT NULL) AS scores,
    countIf(value IS NULL) AS missing,
    avg(value) AS mean_value
FROM {database}.v_answer_scores
GROUP BY day, task, provider, model, source, evaluator, version
COMMENT 'Mean score in [0, 1] per task, model, evaluator and day. Missing scores are counted, never averaged.'

-- statement: pairs with both calls
CREATE OR REPLACE VIEW {database}.v_pair_calls {on_cluster} AS
SELECT
    pair.trace_id AS trace_id,
    pair.trace_at AS trace_at,
    pair.comparison AS comparison,
    pair.is_control AS is_control,
    pair.evaluator AS evaluator,
    pair.version AS version,
    pair.d AS d,
    pair.failure AS failure,
    pair.route AS route,
    pair.task AS task,
    pair.stable_model AS stable_model,
    pair.candidate_model AS candidate_model,
    pair.stable_chars AS stable_chars,
    pair.candidate_chars AS candidate_chars,
    stable.cost_usd AS stable_cost_usd,
    candidate.cost_usd AS candidate_cost_usd,
    stable.duration_ms AS stable_duration_ms,
    candidate.duration_ms AS candidate_duration_ms,
    stable.first_token_ms AS stable_first_token_ms,
    candidate.first_token_ms AS candidate_first_token_ms,
    stable.outcome AS stable_outcome,
    candidate.outcome AS candidate_outcome
FROM {database}.v_pairs AS pair
LEFT JOIN {database}.attempts AS stable ON stable.attempt_id = pair.stable_attempt_id
LEFT JOIN {database}.attempts AS candidate ON candidate.attempt_id = pair.candidate_attempt_id
COMMENT 'Pairs beside both calls, a row per evaluator. A call whose row is not stored has costs and times of NULL and an empty outcome.'

-- statement: scores of traces nobody has seen
CREATE OR REPLACE VIEW {database}.v_scores_of_no_trace {on_cluster} AS
SELECT trace_id, source, evaluator, value, scored_at, instance
FROM {database}.v_scores
WHERE source IN ('application', 'human') AND scored_at < now() - INTERVAL 1 HOUR
  AND trace_id NOT IN (SELECT trace_id FROM {database}.traces)
COMMENT 'Feedback whose request is not stored an hour later: ids that were mistyped, of another proxy, or older than traces are kept.'
