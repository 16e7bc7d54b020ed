-- Journals: what was decided, row by row, never changed. A row's revision counts up by 1 within its name, and is taken by
-- an insert with the token <name>/<revision>: of several that want it, one row stays, and reading back says whose.
-- Unpartitioned, because a deduplication token holds within a partition only. Never deleted: traces are replayed by them.

-- statement: changes of the policy that were made while the proxies ran, on top of the file
CREATE TABLE IF NOT EXISTS {database}.config_changes {on_cluster}
(
    name LowCardinality(String) COMMENT 'Whose revisions these are: policy.' CODEC(ZSTD(1)),
    revision UInt64 COMMENT 'Counts up by 1; traces name the last one that counted (overlay_revision).' CODEC(ZSTD(1)),
    event_id UUID COMMENT 'UUIDv7 given when it was made, before it had a revision.' CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'When it was made, by the clock of the proxy that took it.' CODEC(ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it came here; much later than at where ClickHouse was away.' CODEC(ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that took it.' CODEC(ZSTD(1)),
    actor String COMMENT 'Who.' CODEC(ZSTD(3)),
    reason String COMMENT 'Why, in words of the actor; empty = not said.' CODEC(ZSTD(3)),
    policy_version LowCardinality(String) COMMENT 'Policy of the file under which it was made, as in traces.' CODEC(ZSTD(1)),
    kind LowCardinality(String) COMMENT 'weights_set, weights_reset (back to the file), weights_superseded (the file was edited after).' CODEC(ZSTD(1)),
    subject LowCardinality(String) COMMENT 'What was changed: the name of the route.' CODEC(ZSTD(1)),
    before String COMMENT 'What was in force, as JSON.' CODEC(ZSTD(3)),
    after String COMMENT 'What is in force from then on, as JSON.' CODEC(ZSTD(3)),
    details String COMMENT 'Whatever else replaying needs, as JSON.' CODEC(ZSTD(3))
)
ENGINE = {engine:MergeTree}
ORDER BY (name, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Who changed what while the proxies ran, and why.'

-- statement: the history of every rollout
CREATE TABLE IF NOT EXISTS {database}.rollout_events {on_cluster} AS {database}.config_changes
ENGINE = {engine:MergeTree}
ORDER BY (name, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'As config_changes; name and subject are the rollout.'

-- statement: what the feedback loop decided about weights, or would have
CREATE TABLE IF NOT EXISTS {database}.weight_decisions {on_cluster} AS {database}.config_changes
ENGINE = {engine:MergeTree}
ORDER BY (name, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'As config_changes; name and subject are the route.'

-- statement: every policy that was ever in force
CREATE TABLE IF NOT EXISTS {database}.policy_versions {on_cluster}
(
    version LowCardinality(String) COMMENT 'First 16 hex digits of the SHA-256 of the config file, as in traces.' CODEC(ZSTD(1)),
    applied_at DateTime64(3, 'UTC') COMMENT 'When it came into force there.' CODEC(ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process on which it came into force.' CODEC(ZSTD(1)),
    variables Array(String) COMMENT 'Environment variables that the file names and that had a value then; never the values.' CODEC(ZSTD(3)),
    text String COMMENT 'The file, as JSON, without comments; secrets are left out; names of environment variables stand for their values.' CODEC(ZSTD(3))
)
ENGINE = {engine:MergeTree}
ORDER BY (version, applied_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row for each time that a policy came into force on a proxy.'
