-- statement: what a call was changed in
ALTER TABLE {database}.attempts {on_cluster}
    ADD COLUMN IF NOT EXISTS adaptations Array(LowCardinality(String)) COMMENT 'What was changed in the body to please the model: max_tokens_clamped:16384, renamed:max_tokens, dropped:temperature …; empty = nothing but its name.' CODEC(ZSTD(1))

-- statement: why a call was made
ALTER TABLE {database}.attempts {on_cluster}
    MODIFY COLUMN fallback_reason LowCardinality(String) COMMENT 'Why the call before it was left: error, rate_limit, slow_answer, slow_first_token, context_window, refusal or invalid_json; empty = the first call of its request, or none of its chain.'
