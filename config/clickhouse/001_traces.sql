-- statement: one row per client request
CREATE TABLE IF NOT EXISTS {database}.traces {on_cluster}
(
    trace_id UUID COMMENT 'UUIDv7 of the request; its first 48 bits are the time of arrival in milliseconds.' CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'Arrival of the first header byte.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that served it.' CODEC(ZSTD(1)),

    provider LowCardinality(String) COMMENT 'Provider that the client addressed.' CODEC(ZSTD(1)),
    dialect LowCardinality(String) COMMENT 'Wire format: openai, anthropic or gemini.' CODEC(ZSTD(1)),
    api LowCardinality(String) COMMENT 'Operation: chat_completions, responses, completions, embeddings, messages, count_tokens, generate_content, embed_content, or passthrough (not read).' CODEC(ZSTD(1)),
    method LowCardinality(String) COMMENT 'HTTP method.' CODEC(ZSTD(1)),
    path String COMMENT 'Path as the client wrote it, without the query; at most 256 characters.' CODEC(ZSTD(3)),
    requested_model LowCardinality(String) COMMENT 'Model that the client named; empty = none.' CODEC(ZSTD(1)),
    is_stream Bool COMMENT 'The client asked for a stream.' CODEC(ZSTD(1)),
    request_bytes UInt64 COMMENT 'Size of the request body.' CODEC(ZSTD(1)),
    has_tools Bool COMMENT 'The body offers tools.' CODEC(ZSTD(1)),
    has_schema Bool COMMENT 'The body asks for output of a given JSON schema.' CODEC(ZSTD(1)),
    injects_usage Bool COMMENT 'The proxy asked for usage on behalf of the client.' CODEC(ZSTD(1)),
    unreadable LowCardinality(String) COMMENT 'Why the body could not be read: not_json, encoding, too_large_to_read; empty = it could, or was not tried.' CODEC(ZSTD(1)),

    team LowCardinality(String) COMMENT 'x-understudy-team; empty = none.' CODEC(ZSTD(1)),
    user String COMMENT 'x-understudy-user; empty = none.' CODEC(ZSTD(3)),
    session String COMMENT 'x-understudy-session; empty = none.' CODEC(ZSTD(3)),
    route_asked LowCardinality(String) COMMENT 'x-understudy-route; empty = none.' CODEC(ZSTD(1)),
    tags Map(LowCardinality(String), String) COMMENT 'x-understudy-tags; at most 32.' CODEC(ZSTD(3)),
    end_user String COMMENT 'End-user id of the dialect itself (user, safety_identifier, metadata.user_id); empty = none.' CODEC(ZSTD(3)),
    conversation String COMMENT 'Conversation key of the dialect itself (conversation, previous_response_id, prompt_cache_key); empty = none.' CODEC(ZSTD(3)),
    key_subject String COMMENT 'First 16 hex digits of a SHA-256 over the client key: tells keys apart, reveals none; empty = no key.' CODEC(ZSTD(1)),
    user_agent String COMMENT 'User-Agent, at most 256 characters.' CODEC(ZSTD(3)),
    sdk_retry Nullable(UInt16) COMMENT 'Which retry of its SDK this request is; NULL = not said.' CODEC(ZSTD(1)),
    sdk_timeout_s Nullable(Float64) COMMENT 'Time-out of the SDK in seconds; NULL = not said.' CODEC(ZSTD(1)),
    parent_trace_id String COMMENT 'W3C trace id of the traceparent header; empty = none.' CODEC(ZSTD(3)),

    task LowCardinality(String) DEFAULT 'unknown' COMMENT 'Kind of task, from header, rule or classifier.' CODEC(ZSTD(1)),
    complexity LowCardinality(String) DEFAULT 'unknown' COMMENT 'simple, moderate, complex or unknown.' CODEC(ZSTD(1)),

    route LowCardinality(String) COMMENT 'Route that decided.' CODEC(ZSTD(1)),
    arm LowCardinality(String) COMMENT 'stable, candidate, control, or none outside rollouts.' CODEC(ZSTD(1)),
    targets Array(Tuple(provider LowCardinality(String), model LowCardinality(String))) COMMENT 'Decided order of targets; model empty = none named.' CODEC(ZSTD(1)),
    reasons Array(LowCardinality(String)) COMMENT 'Why.' CODEC(ZSTD(1)),
    policy_version LowCardinality(String) COMMENT 'First 16 hex digits of the SHA-256 of the config file that decided.' CODEC(ZSTD(1)),
    draws Map(LowCardinality(String), Float64) COMMENT 'Random draws in [0, 1) that the decision used, by purpose; empty = none.' CODEC(ZSTD(1)),

    outcome LowCardinality(String) COMMENT 'As the client saw it: completed, refused, unavailable, interrupted, cancelled, or rejected (the proxy answered, no upstream was called).' CODEC(ZSTD(1)),
    status UInt16 COMMENT 'HTTP status that the client got; 0 = none was sent.' CODEC(ZSTD(1)),
    error LowCardinality(String) COMMENT 'Error code of the proxy (ARCHITECTURE.md); empty = none.' CODEC(ZSTD(1)),
    response_bytes UInt64 COMMENT 'Size of the response body as sent to the client.' CODEC(ZSTD(1)),
    duration_ms Float64 COMMENT 'First header byte in to last byte out.' CODEC(ZSTD(1)),
    overhead_ms Float64 COMMENT 'Of duration_ms, what the proxy itself added.' CODEC(ZSTD(1)),
    first_token_ms Nullable(Float64) COMMENT 'Arrival to first content byte from the answering upstream; NULL = none came.' CODEC(ZSTD(1)),

    attempts UInt16 COMMENT 'Upstream calls made for the client (shadow and judge calls not counted); rows of table attempts.' CODEC(ZSTD(1)),
    served_provider LowCardinality(String) COMMENT 'Provider of the last such attempt; empty = no attempt.' CODEC(ZSTD(1)),
    target_model LowCardinality(String) COMMENT 'Model that the last attempt asked for; empty = none.' CODEC(ZSTD(1)),
    served_model LowCardinality(String) COMMENT 'Model named in the answer; empty = none.' CODEC(ZSTD(1)),
    finish_reason LowCardinality(String) COMMENT 'Word of the provider: stop, length, tool_calls, end_turn, STOP …; empty = none.' CODEC(ZSTD(1)),
    error_type LowCardinality(String) COMMENT 'error.type of the answer of the provider; empty = none.' CODEC(ZSTD(1)),

    uncached_input_tokens Nullable(UInt64) COMMENT 'Sum over the attempts whose usage is known; disjoint from the other buckets; NULL = unknown. Likewise all *_tokens.' CODEC(ZSTD(1)),
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
    usage_is_partial Bool COMMENT 'A stream was cut before the provider said the last word: at least this much was used.' CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 12)) COMMENT 'US dollars, exact, summed over the priced attempts; NULL = unknown: an attempt that answered has no price, or none was priced.' CODEC(ZSTD(1)),
    unpriced_attempts UInt16 COMMENT 'Attempts that may have been billed and whose cost is unknown.' CODEC(ZSTD(1)),

    INDEX by_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(received_at)
ORDER BY (route, received_at)
TTL toDateTime(received_at) + INTERVAL {traces_days} DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One immutable row per client request: what was asked, decided and answered, with totals over its attempts.'
