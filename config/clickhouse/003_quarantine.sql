-- statement: rows that a table refused
CREATE TABLE IF NOT EXISTS {database}.quarantine {on_cluster}
(
    ts DateTime64(3, 'UTC') COMMENT 'When it was set aside.' CODEC(Delta(8), ZSTD(1)),
    table_name LowCardinality(String) COMMENT 'Table that refused it.' CODEC(ZSTD(1)),
    reason String COMMENT 'Error of the server.' CODEC(ZSTD(3)),
    row String COMMENT 'The row as one JSON object by column name, or as it was spooled where it does not fit its columns.' CODEC(ZSTD(3))
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(ts)
ORDER BY (table_name, ts)
TTL toDateTime(ts) + INTERVAL {quarantine_days} DAY
SETTINGS materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Rows that a table refused, kept so that nothing is lost: mend the row, or the table, and insert it again.'
