-- statement: the rows that are being erased
CREATE TABLE IF NOT EXISTS {database}.erasures {on_cluster}
(
    erasure String COMMENT 'Which erasure: made up for each, says nothing of the person.' CODEC(ZSTD(1)),
    trace_id UUID COMMENT 'A request of the person; all zeros for a row that names none.' CODEC(ZSTD(1)),
    row_hash UInt64 COMMENT 'cityHash64 of a row of quarantine that names the person; 0 for all others.' CODEC(ZSTD(1)),
    found_at DateTime('UTC') DEFAULT now() COMMENT 'When it was found.' CODEC(Delta(4), ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY erasure
ORDER BY trace_id
TTL found_at + INTERVAL 7 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What an erasure has found, while it runs: ClickHouse keeps the text of every mutation, so that must not name the person.'
