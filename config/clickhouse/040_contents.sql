-- statement: what was said, where the policy asks for it
CREATE TABLE IF NOT EXISTS {database}.contents {on_cluster}
(
    trace_id UUID COMMENT 'Request, as in traces.' CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'Arrival of the request, as in traces.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that served it.' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider that the client addressed.' CODEC(ZSTD(1)),
    api LowCardinality(String) COMMENT 'Operation, as in traces.' CODEC(ZSTD(1)),
    route LowCardinality(String) COMMENT 'Route that decided.' CODEC(ZSTD(1)),
    user String COMMENT 'x-understudy-user, as in traces: by it a person is forgotten.' CODEC(ZSTD(3)),
    end_user String COMMENT 'End-user id of the dialect itself, as in traces, likewise.' CODEC(ZSTD(3)),
    policy_version LowCardinality(String) COMMENT 'Policy that said what is kept, as in traces.' CODEC(ZSTD(1)),

    mode LowCardinality(String) COMMENT 'hash, truncated or full.' CODEC(ZSTD(1)),
    request String COMMENT 'Body of the request, redacted; empty = see request_kept.' CODEC(ZSTD(3)),
    request_kept LowCardinality(String) COMMENT 'full, truncated, none (mode hash), too_large or unreadable.' CODEC(ZSTD(1)),
    request_hash String COMMENT 'HMAC-SHA-256, hexadecimal, of system prompt, turns and tools with runs of white space made one blank; of the bytes where these are not read. The key is of the data directory. Empty = no body.' CODEC(ZSTD(1)),
    answer String COMMENT 'What was answered, redacted, as one JSON object whether it was streamed or not; empty = see answer_kept.' CODEC(ZSTD(3)),
    answer_kept LowCardinality(String) COMMENT 'full, truncated, none (mode hash, or no answer), too_large or unreadable.' CODEC(ZSTD(1)),
    answer_hash String COMMENT 'As request_hash, of text and tool calls. Empty = no answer.' CODEC(ZSTD(1)),
    redactions Map(LowCardinality(String), UInt32) COMMENT 'How often something was taken out of both, by kind.' CODEC(ZSTD(1)),

    INDEX by_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(received_at)
ORDER BY (received_at, trace_id)
TTL toDateTime(received_at) + INTERVAL {contents_days} DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Prompts and answers of requests whose route or provider has them kept, redacted before they are written.'
