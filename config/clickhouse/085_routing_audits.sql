-- Routing audits: a sample of a route's requests, each answered by every target of the route and compared in pairs.

-- statement: which pairs are of an audit
ALTER TABLE {database}.pairs {on_cluster}
    ADD COLUMN IF NOT EXISTS point_usd Nullable(Float64) COMMENT 'Of a routing audit: US dollars that 0.01 of quality was worth; NULL on all other pairs.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS extra_usd Nullable(Float64) COMMENT 'Of a routing audit: US dollars that the candidate cost more than the call that answered the client; NULL = one of them is unknown, and on all other pairs.' CODEC(ZSTD(1)),
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
        comparison AS audit,
        route,
        task,
        version,
        concat(any(stable_provider), '/', any(stable_model)) AS picked,
        any(audit_candidates) AS candidates,
        groupArrayIf((assumeNotNull(round(100 * point_usd * d - extra_usd, 12)), concat(candidate_provider, '/', candidate_model)), d IS NOT NULL AND extra_usd IS NOT NULL) AS each,
        arrayReverseSort(each) AS gains
    FROM {database}.v_pairs
    WHERE audit_candidates > 0 AND evaluator = 'judge'
    GROUP BY trace_id, trace_at, comparison, route, task, version
)
COMMENT 'A row per audited request: the model that answered (picked), the one worth most by quality at point_usd less cost (best), and how much less the picked one was worth, in US dollars (regret_usd; to the pico-dollar). Whole = every candidate has a verdict and a cost; else best is empty, regret_usd and is_right NULL.'
