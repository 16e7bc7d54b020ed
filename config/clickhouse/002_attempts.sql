-- statement: one row per upstream call
CREATE TABLE IF NOT EXISTS {database}.attempts {on_cluster}
(
    attempt_id UUID COMMENT 'UUIDv7 of the call.' CODEC(ZSTD(1)),
    trace_id UUID COMMENT 'Request that it was made for.' CODEC(ZSTD(1)),
    position UInt16 COMMENT 'Order within the request, from 0.' CODEC(ZSTD(1)),
    started_at DateTime64(3, 'UTC') COMMENT 'Start of the attempt.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that made it.' CODEC(ZSTD(1)),

    role LowCardinality(String) COMMENT 'primary, fallback, cascade, shadow, judge or classifier.' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider called.' CODEC(ZSTD(1)),
    model LowCardinality(String) COMMENT 'Model asked for; empty = none named.' CODEC(ZSTD(1)),
    api LowCardinality(String) COMMENT 'Operation, as in traces.' CODEC(ZSTD(1)),
    is_stream Bool COMMENT 'A stream was asked for.' CODEC(ZSTD(1)),
    route LowCardinality(String) COMMENT 'Route, as in traces.' CODEC(ZSTD(1)),
    arm LowCardinality(String) COMMENT 'Arm, as in traces.' CODEC(ZSTD(1)),
    task LowCardinality(String) DEFAULT 'unknown' COMMENT 'Kind of task, as in traces.' CODEC(ZSTD(1)),
    team LowCardinality(String) COMMENT 'Team, as in traces.' CODEC(ZSTD(1)),
    policy_version LowCardinality(String) COMMENT 'Policy version, as in traces.' CODEC(ZSTD(1)),

    outcome LowCardinality(String) COMMENT 'completed, refused (status 400 or above), unavailable (no answer), interrupted (cut after its headers), cancelled (the client went away).' CODEC(ZSTD(1)),
    status UInt16 COMMENT 'HTTP status of the upstream; 0 = none came.' CODEC(ZSTD(1)),
    error LowCardinality(String) COMMENT 'Error code of the proxy (ARCHITECTURE.md); empty = none.' CODEC(ZSTD(1)),
    error_type LowCardinality(String) COMMENT 'error.type of the answer of the provider; empty = none.' CODEC(ZSTD(1)),
    may_have_run Bool COMMENT 'No answer came, but the request had been sent: the provider may have done and billed the work.' CODEC(ZSTD(1)),
    fallback_reason LowCardinality(String) COMMENT 'For a fallback: error code of the attempt before; empty = none.' CODEC(ZSTD(1)),

    queue_ms Float64 COMMENT 'Waiting for a free slot of the provider.' CODEC(ZSTD(1)),
    first_byte_ms Nullable(Float64) COMMENT 'Start to first header byte; NULL = none came.' CODEC(ZSTD(1)),
    first_token_ms Nullable(Float64) COMMENT 'Start to first content; NULL = none came.' CODEC(ZSTD(1)),
    duration_ms Float64 COMMENT 'Start to end.' CODEC(ZSTD(1)),
    response_bytes UInt64 COMMENT 'Size of the response body as received.' CODEC(ZSTD(1)),
    stream_events Nullable(UInt64) COMMENT 'Events of a streamed answer; NULL = a plain one.' CODEC(ZSTD(1)),

    served_model LowCardinality(String) COMMENT 'Model named in the answer; empty = none.' CODEC(ZSTD(1)),
    provider_request_id String COMMENT 'Request id of the provider, for its support; empty = none.' CODEC(ZSTD(3)),
    response_id String COMMENT 'Id of the answer (chatcmpl-…, msg_…); empty = none.' CODEC(ZSTD(3)),
    finish_reason LowCardinality(String) COMMENT 'Word of the provider: stop, length, tool_calls, end_turn, STOP …; empty = none.' CODEC(ZSTD(1)),
    service_tier LowCardinality(String) COMMENT 'Tier that the provider says it served; empty = not said.' CODEC(ZSTD(1)),

    uncached_input_tokens Nullable(UInt64) COMMENT 'Neither read from nor written to a cache, text and images. The buckets are disjoint; NULL = unknown. Likewise all *_tokens.' CODEC(ZSTD(1)),
    cache_read_tokens Nullable(UInt64) COMMENT 'Read from a prompt cache.' CODEC(ZSTD(1)),
    cache_write_5m_tokens Nullable(UInt64) COMMENT 'Written to a prompt cache that lives 5 minutes.' CODEC(ZSTD(1)),
    cache_write_1h_tokens Nullable(UInt64) COMMENT 'Written to a prompt cache that lives 1 hour.' CODEC(ZSTD(1)),
    audio_input_tokens Nullable(UInt64) COMMENT 'Uncached audio input.' CODEC(ZSTD(1)),
    text_output_tokens Nullable(UInt64) COMMENT 'Visible output.' CODEC(ZSTD(1)),
    reasoning_tokens Nullable(UInt64) COMMENT 'Reasoning output.' CODEC(ZSTD(1)),
    audio_output_tokens Nullable(UInt64) COMMENT 'Audio output.' CODEC(ZSTD(1)),
    web_search_requests Nullable(UInt64) COMMENT 'Web searches billed by the piece.' CODEC(ZSTD(1)),
    input_tokens Nullable(UInt64) ALIAS uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + audio_input_tokens COMMENT 'Sum of the input buckets.',
    output_tokens Nullable(UInt64) ALIAS text_output_tokens + reasoning_tokens + audio_output_tokens COMMENT 'Sum of the output buckets.',
    provider_input_tokens Nullable(UInt64) COMMENT 'Input total as the provider states it, for auditing; NULL = not stated.' CODEC(ZSTD(1)),
    provider_output_tokens Nullable(UInt64) COMMENT 'Output total as the provider states it, for auditing; NULL = not stated.' CODEC(ZSTD(1)),
    usage_is_partial Bool COMMENT 'The stream was cut before the provider said the last word: at least this much was used.' CODEC(ZSTD(1)),
    usage_parts Array(Tuple(model LowCardinality(String), tokens Map(LowCardinality(String), UInt64))) COMMENT 'Shares of a call that have prices of their own: of single models, or of images, videos and cached audio after the rest; buckets by column name, zeros left out.' CODEC(ZSTD(3)),

    cost_usd Nullable(Decimal(18, 12)) COMMENT 'US dollars, exact; NULL = unknown (unpriced_why says why).' CODEC(ZSTD(1)),
    price_source LowCardinality(String) COMMENT 'config, or genai-prices@<version>; empty = unpriced.' CODEC(ZSTD(1)),
    unpriced_why LowCardinality(String) COMMENT 'no_usage, unknown_model, missing_rate or service_tier; not_billed = no model was asked; empty = priced.' CODEC(ZSTD(1)),
    rates_pico_usd Map(LowCardinality(String), UInt64) COMMENT 'Rates in force, in 10⁻¹² US dollars per token (web_search_requests: per search), by usage column; a bucket without a known rate is left out.' CODEC(ZSTD(3)),

    INDEX by_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(started_at)
ORDER BY (provider, model, started_at)
TTL toDateTime(started_at) + INTERVAL {attempts_days} DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One immutable row per upstream call: target, outcome, timing, usage, cost and the rates it was priced by.'
