-- Whose the audited requests are: those of one conversation or user are no independent witnesses.

-- statement: what routing picked, and what would have been best
CREATE OR REPLACE VIEW {database}.v_routing_audits {on_cluster} AS
SELECT
    trace_id,
    trace_at,
    audit,
    route,
    task,
    unit,
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
        any(pairs.unit) AS unit,
        concat(any(stable_provider), '/', any(stable_model)) AS picked,
        any(audit_candidates) AS candidates,
        groupArrayIf((assumeNotNull(round(100 * point_usd * d - extra_usd, 12)), concat(candidate_provider, '/', candidate_model)), d IS NOT NULL AND extra_usd IS NOT NULL) AS each,
        arrayReverseSort(each) AS gains
    FROM {database}.v_pairs AS pairs
    WHERE audit_candidates > 0 AND evaluator = 'judge'
    GROUP BY trace_id, trace_at, comparison, route, task, version
)
COMMENT 'A row per audited request of a unit (empty = it stands for itself): the model that answered (picked), the one worth most by quality at point_usd less cost (best), and how much less the picked one was worth, in US dollars (regret_usd; to the pico-dollar). Whole = every candidate has a verdict and a cost; else best is empty, regret_usd and is_right NULL.'
