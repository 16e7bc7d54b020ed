-- Routing audits: a sample of a route's requests, each answered by every target of the route and compared in pairs.

-- statement: which pairs are of an audit
ALTER TABLE {database}.pairs {on_cluster}
    ADD COLUMN IF NOT EXISTS point_usd Nullable(Float64) COMMENT 'Of a routing audit: US dollars that 0.01 of quality was worth; NULL on all other pairs.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS audit_candidates UInt16 DEFAULT 0 COMMENT 'Of a routing audit: models that were to answer the request besides the one that did; 0 on all other pairs.' CODEC(ZSTD(1))

-- statement: the pairs that count, with these columns
CREATE OR REPLACE VIEW {database}.v_pairs {on_cluster} AS
SELECT * FROM {database}.pairs FINAL
COMMENT 'Of each pair and evaluator the comparison with the highest revision. Filter on trace_at.'

-- statement: what routing picked, and what would have been best
CREATE OR REPLACE VIEW {database}.v_routing_audits {on_cluster} AS
SELECT
    trace_id,
    trace_at,
    audit,
    route,
    task,
    version,
    picked,
    candidates,
    length(gains) = candidates AS is_whole,
    if(is_whole, if(gains[1].1 > 0, gains[1].2, picked), '') AS best,
    if(is_whole, greatest(gains[1].1, 0), NULL) AS regret_usd,
    if(is_whole, gains[1].1 <= 0, NULL) AS is_right
FROM
(
    SELECT
        trace_id,
        trace_at,
        audit,
        route,
        task,
        version,
        any(stable) AS picked,
        any(audit_candidates) AS candidates,
        arrayReverseSort(groupArrayIf((assumeNotNull(gain), candidate), gain IS NOT NULL)) AS gains
    FROM
    (
        SELECT
            pair.trace_id AS trace_id,
            pair.trace_at AS trace_at,
            pair.comparison AS audit,
            pair.route AS route,
            pair.task AS task,
            pair.version AS version,
            pair.audit_candidates AS audit_candidates,
            concat(pair.stable_provider, '/', pair.stable_model) AS stable,
            concat(pair.candidate_provider, '/', pair.candidate_model) AS candidate,
            round(100 * pair.point_usd * pair.d - toFloat64(other_call.cost_usd - own_call.cost_usd), 12) AS gain
        FROM {database}.v_pairs AS pair
        LEFT JOIN {database}.attempts AS own_call ON own_call.attempt_id = pair.stable_attempt_id
        LEFT JOIN {database}.attempts AS other_call ON other_call.attempt_id = pair.candidate_attempt_id
        WHERE pair.audit_candidates > 0 AND pair.evaluator = 'judge'
    )
    GROUP BY trace_id, trace_at, audit, route, task, version
)
COMMENT 'A row per audited request: the model that answered (picked), the one worth most by quality at point_usd less cost (best), and how much less the picked one was worth, in US dollars (regret_usd; to the pico-dollar). Whole = every candidate has a verdict and a cost; else best is empty, regret_usd and is_right NULL.'
