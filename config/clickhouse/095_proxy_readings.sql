-- What proxies know of themselves, over time: /metrics has the moment, and needs somebody who asks.

-- statement: gauges and counts of proxy processes
CREATE TABLE IF NOT EXISTS {database}.proxy_readings {on_cluster}
(
    at DateTime64(3, 'UTC') COMMENT 'When it was read; every 30 seconds.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that says so.' CODEC(ZSTD(1)),
    reading LowCardinality(String) COMMENT 'Name of the metric, as in /metrics, which ends with its unit; stopped = the process has ended in good order, its rows stored.' CODEC(ZSTD(1)),
    subject LowCardinality(String) COMMENT 'First label of the metric: provider, or table of rows; empty = none, it is of the process.' CODEC(ZSTD(1)),
    detail LowCardinality(String) COMMENT 'Second label: limit (requests, tokens), reason, kept_in; empty = none.' CODEC(ZSTD(1)),
    value Float64 COMMENT 'In the unit of the metric; counts (…_total) run from the start of the process, and those of 0 are left out.' CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(at)
ORDER BY (reading, at, instance)
TTL toDateTime(at) + INTERVAL {traces_days} DAY
SETTINGS materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per process, reading, subject and half minute. They come through the spool, so those of an outage come after it.'
