-- Questions of audits go the way of traffic and are no traffic: whoever counts it should not read all tags for that.

-- statement: which requests an audit made
ALTER TABLE {database}.traces {on_cluster}
    ADD COLUMN IF NOT EXISTS is_audit_question Bool MATERIALIZED tags['audit'] = 'golden' COMMENT 'A known question of an audit (tag audit=golden). Stored with requests from the upgrade on, worked out of their tags for those before.' CODEC(ZSTD(1))
