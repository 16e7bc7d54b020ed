-- Calls that a shadow made, and which call each is held against. Empty on all other calls.

-- statement: whose shadow call it is
ALTER TABLE {database}.attempts {on_cluster}
    ADD COLUMN IF NOT EXISTS shadow LowCardinality(String) COMMENT 'Of role shadow: name of the shadow; empty on all other calls.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS shadow_arm LowCardinality(String) COMMENT 'candidate, or aa: the stable model again; empty on all other calls.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS pair_id UUID COMMENT 'attempt_id of the call that answered the client, which this one is held against; all zeros on all other calls.' CODEC(ZSTD(1))

-- statement: what the stages of a shadow are
ALTER TABLE {database}.shadow_funnel {on_cluster}
    MODIFY COLUMN stage LowCardinality(String) COMMENT 'eligible (matched the filter), skipped, mirrored (sent), compared, or failed. eligible = skipped + mirrored; mirrored = compared + failed.'

-- statement: the same of its reasons
ALTER TABLE {database}.shadow_funnel {on_cluster}
    MODIFY COLUMN reason LowCardinality(String) COMMENT 'Of skipped and failed: why (not_sampled, budget, timeout …); empty otherwise.'
