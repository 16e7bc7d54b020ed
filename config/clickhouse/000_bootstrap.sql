-- What migrating itself needs. Not recorded and not locked: every statement may run at any time, by any number of
-- instances at once. Never edit a numbered file that has been released: write the next one.

-- statement: which files have been applied
CREATE TABLE IF NOT EXISTS {database}.migrations {on_cluster}
(
    version UInt32 COMMENT 'Number of the file in config/clickhouse.',
    name String COMMENT 'File name.',
    checksum String COMMENT 'SHA-256 of the file as it was when applied, hexadecimal.',
    instance String COMMENT 'Who applied it.',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Server time.'
)
ENGINE = {engine:MergeTree}
ORDER BY version
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per applied migration. The deduplication token migration/<version> makes it one.'

-- statement: who may do what only one may do
CREATE TABLE IF NOT EXISTS {database}.leases {on_cluster}
(
    name LowCardinality(String) COMMENT 'What is leased.',
    revision UInt64 COMMENT 'Counts up; the highest one is in force.',
    holder String COMMENT 'Instance that holds it; empty = given back.',
    lease_ms UInt32 COMMENT 'How long it holds from taken_at, in milliseconds.',
    taken_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Server time, so that the clocks of instances do not matter.'
)
ENGINE = {engine:MergeTree}
ORDER BY (name, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Revisions of leases. Taking one is an insert with the token <name>/<revision>: of several, one row stays.'
