-- Sums and quantiles of the two fact tables, kept up to date as rows arrive. A batch that is sent again is recognised
-- here as in the fact tables, so it counts once. `npx understudy rollups rebuild` makes them anew out of the rows.

-- statement: upstream calls per minute
CREATE TABLE IF NOT EXISTS {database}.attempts_1m {on_cluster}
(
    minute DateTime('UTC') COMMENT 'Start of the minute.' CODEC(Delta(4), ZSTD(1)),
    route LowCardinality(String) COMMENT 'Route.' CODEC(ZSTD(1)),
    task LowCardinality(String) COMMENT 'Kind of task.' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider called.' CODEC(ZSTD(1)),
    model LowCardinality(String) COMMENT 'Model asked for; empty = none named.' CODEC(ZSTD(1)),
    arm LowCardinality(String) COMMENT 'Arm of a rollout.' CODEC(ZSTD(1)),
    role LowCardinality(String) COMMENT 'primary, fallback, cascade, shadow, judge or classifier.' CODEC(ZSTD(1)),

    calls SimpleAggregateFunction(sum, UInt64) COMMENT 'Upstream calls.' CODEC(ZSTD(1)),
    completed SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, completed.' CODEC(ZSTD(1)),
    refused SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, refused: status 400 or above.' CODEC(ZSTD(1)),
    unavailable SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, without an answer.' CODEC(ZSTD(1)),
    interrupted SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, cut after their headers.' CODEC(ZSTD(1)),
    cancelled SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, left by the client.' CODEC(ZSTD(1)),
    usage_known SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls whose usage is known.' CODEC(ZSTD(1)),
    uncached_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'Sum over known usage (usage_known counts it). Disjoint buckets.' CODEC(ZSTD(1)),
    cache_read_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_5m_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_1h_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    text_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    reasoning_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    web_search_requests SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    priced_calls SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls with a price; cost_usd is the sum over these.' CODEC(ZSTD(1)),
    cost_usd SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'US dollars, exact.' CODEC(ZSTD(1)),
    duration_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Latency of completed calls, start to end; read with quantilesTDigestMerge(0.5, 0.95, 0.99).' CODEC(ZSTD(1)),
    first_token_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Start to first content of completed calls; likewise.' CODEC(ZSTD(1)),
    queue_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Waiting for a free slot of the provider, all calls; likewise.' CODEC(ZSTD(1))
)
ENGINE = {engine:AggregatingMergeTree}
PARTITION BY toDate(minute)
ORDER BY (route, task, provider, model, arm, role, minute)
TTL minute + INTERVAL {rollup_minutes_days} DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Upstream calls per minute. Several rows may share a key until they are merged: always sum and merge.'

-- statement: upstream calls per hour
CREATE TABLE IF NOT EXISTS {database}.attempts_1h {on_cluster}
(
    hour DateTime('UTC') COMMENT 'Start of the hour.' CODEC(Delta(4), ZSTD(1)),
    route LowCardinality(String) COMMENT 'Route.' CODEC(ZSTD(1)),
    task LowCardinality(String) COMMENT 'Kind of task.' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider called.' CODEC(ZSTD(1)),
    model LowCardinality(String) COMMENT 'Model asked for; empty = none named.' CODEC(ZSTD(1)),
    arm LowCardinality(String) COMMENT 'Arm of a rollout.' CODEC(ZSTD(1)),
    role LowCardinality(String) COMMENT 'primary, fallback, cascade, shadow, judge or classifier.' CODEC(ZSTD(1)),

    calls SimpleAggregateFunction(sum, UInt64) COMMENT 'Upstream calls.' CODEC(ZSTD(1)),
    completed SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, completed.' CODEC(ZSTD(1)),
    refused SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, refused: status 400 or above.' CODEC(ZSTD(1)),
    unavailable SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, without an answer.' CODEC(ZSTD(1)),
    interrupted SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, cut after their headers.' CODEC(ZSTD(1)),
    cancelled SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, left by the client.' CODEC(ZSTD(1)),
    usage_known SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls whose usage is known.' CODEC(ZSTD(1)),
    uncached_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'Sum over known usage (usage_known counts it). Disjoint buckets.' CODEC(ZSTD(1)),
    cache_read_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_5m_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_1h_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    text_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    reasoning_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    web_search_requests SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    priced_calls SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls with a price; cost_usd is the sum over these.' CODEC(ZSTD(1)),
    cost_usd SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'US dollars, exact.' CODEC(ZSTD(1)),
    duration_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Latency of completed calls, start to end; read with quantilesTDigestMerge(0.5, 0.95, 0.99).' CODEC(ZSTD(1)),
    first_token_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Start to first content of completed calls; likewise.' CODEC(ZSTD(1)),
    queue_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Waiting for a free slot of the provider, all calls; likewise.' CODEC(ZSTD(1))
)
ENGINE = {engine:AggregatingMergeTree}
PARTITION BY toDate(hour)
ORDER BY (route, task, provider, model, arm, role, hour)
TTL hour + INTERVAL {rollup_hours_days} DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Upstream calls per hour. Several rows may share a key until they are merged: always sum and merge.'

-- statement: client requests per minute
CREATE TABLE IF NOT EXISTS {database}.traces_1m {on_cluster}
(
    minute DateTime('UTC') COMMENT 'Start of the minute.' CODEC(Delta(4), ZSTD(1)),
    route LowCardinality(String) COMMENT 'Route.' CODEC(ZSTD(1)),
    task LowCardinality(String) COMMENT 'Kind of task.' CODEC(ZSTD(1)),
    complexity LowCardinality(String) COMMENT 'simple, moderate, complex or unknown.' CODEC(ZSTD(1)),
    arm LowCardinality(String) COMMENT 'Arm of a rollout.' CODEC(ZSTD(1)),

    requests SimpleAggregateFunction(sum, UInt64) COMMENT 'Client requests.' CODEC(ZSTD(1)),
    completed SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, completed.' CODEC(ZSTD(1)),
    refused SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, refused: status 400 or above.' CODEC(ZSTD(1)),
    unavailable SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, without an answer.' CODEC(ZSTD(1)),
    interrupted SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, cut after their headers.' CODEC(ZSTD(1)),
    cancelled SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, left by the client.' CODEC(ZSTD(1)),
    rejected SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, answered by the proxy without an upstream call.' CODEC(ZSTD(1)),
    attempts SimpleAggregateFunction(sum, UInt64) COMMENT 'Upstream calls made for clients.' CODEC(ZSTD(1)),
    usage_known SimpleAggregateFunction(sum, UInt64) COMMENT 'Requests whose usage is known.' CODEC(ZSTD(1)),
    uncached_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'Sum over known usage (usage_known counts it). Disjoint buckets.' CODEC(ZSTD(1)),
    cache_read_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_5m_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_1h_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    text_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    reasoning_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    web_search_requests SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    priced_requests SimpleAggregateFunction(sum, UInt64) COMMENT 'Requests whose cost is known; cost_usd is the sum over these.' CODEC(ZSTD(1)),
    unpriced_attempts SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls that may have been billed and whose cost is unknown.' CODEC(ZSTD(1)),
    cost_usd SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'US dollars, exact.' CODEC(ZSTD(1)),
    duration_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Latency of completed requests, first byte in to last byte out; read with quantilesTDigestMerge(0.5, 0.95, 0.99).' CODEC(ZSTD(1)),
    first_token_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Arrival to first content of completed requests; likewise.' CODEC(ZSTD(1)),
    overhead_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'What the proxy itself added, all requests; likewise.' CODEC(ZSTD(1))
)
ENGINE = {engine:AggregatingMergeTree}
PARTITION BY toDate(minute)
ORDER BY (route, task, complexity, arm, minute)
TTL minute + INTERVAL {rollup_minutes_days} DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Client requests per minute. Several rows may share a key until they are merged: always sum and merge.'

-- statement: client requests per hour
CREATE TABLE IF NOT EXISTS {database}.traces_1h {on_cluster}
(
    hour DateTime('UTC') COMMENT 'Start of the hour.' CODEC(Delta(4), ZSTD(1)),
    route LowCardinality(String) COMMENT 'Route.' CODEC(ZSTD(1)),
    task LowCardinality(String) COMMENT 'Kind of task.' CODEC(ZSTD(1)),
    complexity LowCardinality(String) COMMENT 'simple, moderate, complex or unknown.' CODEC(ZSTD(1)),
    arm LowCardinality(String) COMMENT 'Arm of a rollout.' CODEC(ZSTD(1)),

    requests SimpleAggregateFunction(sum, UInt64) COMMENT 'Client requests.' CODEC(ZSTD(1)),
    completed SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, completed.' CODEC(ZSTD(1)),
    refused SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, refused: status 400 or above.' CODEC(ZSTD(1)),
    unavailable SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, without an answer.' CODEC(ZSTD(1)),
    interrupted SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, cut after their headers.' CODEC(ZSTD(1)),
    cancelled SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, left by the client.' CODEC(ZSTD(1)),
    rejected SimpleAggregateFunction(sum, UInt64) COMMENT 'Of them, answered by the proxy without an upstream call.' CODEC(ZSTD(1)),
    attempts SimpleAggregateFunction(sum, UInt64) COMMENT 'Upstream calls made for clients.' CODEC(ZSTD(1)),
    usage_known SimpleAggregateFunction(sum, UInt64) COMMENT 'Requests whose usage is known.' CODEC(ZSTD(1)),
    uncached_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'Sum over known usage (usage_known counts it). Disjoint buckets.' CODEC(ZSTD(1)),
    cache_read_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_5m_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    cache_write_1h_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_input_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    text_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    reasoning_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    audio_output_tokens SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    web_search_requests SimpleAggregateFunction(sum, UInt64) COMMENT 'As above.' CODEC(ZSTD(1)),
    priced_requests SimpleAggregateFunction(sum, UInt64) COMMENT 'Requests whose cost is known; cost_usd is the sum over these.' CODEC(ZSTD(1)),
    unpriced_attempts SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls that may have been billed and whose cost is unknown.' CODEC(ZSTD(1)),
    cost_usd SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'US dollars, exact.' CODEC(ZSTD(1)),
    duration_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Latency of completed requests, first byte in to last byte out; read with quantilesTDigestMerge(0.5, 0.95, 0.99).' CODEC(ZSTD(1)),
    first_token_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Arrival to first content of completed requests; likewise.' CODEC(ZSTD(1)),
    overhead_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'What the proxy itself added, all requests; likewise.' CODEC(ZSTD(1))
)
ENGINE = {engine:AggregatingMergeTree}
PARTITION BY toDate(hour)
ORDER BY (route, task, complexity, arm, hour)
TTL hour + INTERVAL {rollup_hours_days} DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Client requests per hour. Several rows may share a key until they are merged: always sum and merge.'

-- statement: attempts on their way into attempts_1m
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.attempts_1m_mv {on_cluster} TO {database}.attempts_1m AS
SELECT
    toStartOfMinute(row.started_at) AS minute,
    row.route AS route,
    row.task AS task,
    row.provider AS provider,
    row.model AS model,
    row.arm AS arm,
    row.role AS role,
    count() AS calls,
    countIf(row.outcome = 'completed') AS completed,
    countIf(row.outcome = 'refused') AS refused,
    countIf(row.outcome = 'unavailable') AS unavailable,
    countIf(row.outcome = 'interrupted') AS interrupted,
    countIf(row.outcome = 'cancelled') AS cancelled,
    countIf(row.uncached_input_tokens IS NOT NULL) AS usage_known,
    sum(ifNull(row.uncached_input_tokens, 0)) AS uncached_input_tokens,
    sum(ifNull(row.cache_read_tokens, 0)) AS cache_read_tokens,
    sum(ifNull(row.cache_write_5m_tokens, 0)) AS cache_write_5m_tokens,
    sum(ifNull(row.cache_write_1h_tokens, 0)) AS cache_write_1h_tokens,
    sum(ifNull(row.audio_input_tokens, 0)) AS audio_input_tokens,
    sum(ifNull(row.text_output_tokens, 0)) AS text_output_tokens,
    sum(ifNull(row.reasoning_tokens, 0)) AS reasoning_tokens,
    sum(ifNull(row.audio_output_tokens, 0)) AS audio_output_tokens,
    sum(ifNull(row.web_search_requests, 0)) AS web_search_requests,
    countIf(row.cost_usd IS NOT NULL) AS priced_calls,
    sum(ifNull(row.cost_usd, 0)) AS cost_usd,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.duration_ms, NULL)) AS duration_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.first_token_ms, NULL)) AS first_token_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(toNullable(row.queue_ms)) AS queue_ms
FROM {database}.attempts AS row
GROUP BY minute, route, task, provider, model, arm, role

-- statement: attempts on their way into attempts_1h
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.attempts_1h_mv {on_cluster} TO {database}.attempts_1h AS
SELECT
    toStartOfHour(row.started_at) AS hour,
    row.route AS route,
    row.task AS task,
    row.provider AS provider,
    row.model AS model,
    row.arm AS arm,
    row.role AS role,
    count() AS calls,
    countIf(row.outcome = 'completed') AS completed,
    countIf(row.outcome = 'refused') AS refused,
    countIf(row.outcome = 'unavailable') AS unavailable,
    countIf(row.outcome = 'interrupted') AS interrupted,
    countIf(row.outcome = 'cancelled') AS cancelled,
    countIf(row.uncached_input_tokens IS NOT NULL) AS usage_known,
    sum(ifNull(row.uncached_input_tokens, 0)) AS uncached_input_tokens,
    sum(ifNull(row.cache_read_tokens, 0)) AS cache_read_tokens,
    sum(ifNull(row.cache_write_5m_tokens, 0)) AS cache_write_5m_tokens,
    sum(ifNull(row.cache_write_1h_tokens, 0)) AS cache_write_1h_tokens,
    sum(ifNull(row.audio_input_tokens, 0)) AS audio_input_tokens,
    sum(ifNull(row.text_output_tokens, 0)) AS text_output_tokens,
    sum(ifNull(row.reasoning_tokens, 0)) AS reasoning_tokens,
    sum(ifNull(row.audio_output_tokens, 0)) AS audio_output_tokens,
    sum(ifNull(row.web_search_requests, 0)) AS web_search_requests,
    countIf(row.cost_usd IS NOT NULL) AS priced_calls,
    sum(ifNull(row.cost_usd, 0)) AS cost_usd,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.duration_ms, NULL)) AS duration_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.first_token_ms, NULL)) AS first_token_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(toNullable(row.queue_ms)) AS queue_ms
FROM {database}.attempts AS row
GROUP BY hour, route, task, provider, model, arm, role

-- statement: traces on their way into traces_1m
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.traces_1m_mv {on_cluster} TO {database}.traces_1m AS
SELECT
    toStartOfMinute(row.received_at) AS minute,
    row.route AS route,
    row.task AS task,
    row.complexity AS complexity,
    row.arm AS arm,
    count() AS requests,
    countIf(row.outcome = 'completed') AS completed,
    countIf(row.outcome = 'refused') AS refused,
    countIf(row.outcome = 'unavailable') AS unavailable,
    countIf(row.outcome = 'interrupted') AS interrupted,
    countIf(row.outcome = 'cancelled') AS cancelled,
    countIf(row.outcome = 'rejected') AS rejected,
    sum(row.attempts) AS attempts,
    countIf(row.uncached_input_tokens IS NOT NULL) AS usage_known,
    sum(ifNull(row.uncached_input_tokens, 0)) AS uncached_input_tokens,
    sum(ifNull(row.cache_read_tokens, 0)) AS cache_read_tokens,
    sum(ifNull(row.cache_write_5m_tokens, 0)) AS cache_write_5m_tokens,
    sum(ifNull(row.cache_write_1h_tokens, 0)) AS cache_write_1h_tokens,
    sum(ifNull(row.audio_input_tokens, 0)) AS audio_input_tokens,
    sum(ifNull(row.text_output_tokens, 0)) AS text_output_tokens,
    sum(ifNull(row.reasoning_tokens, 0)) AS reasoning_tokens,
    sum(ifNull(row.audio_output_tokens, 0)) AS audio_output_tokens,
    sum(ifNull(row.web_search_requests, 0)) AS web_search_requests,
    countIf(row.cost_usd IS NOT NULL) AS priced_requests,
    sum(row.unpriced_attempts) AS unpriced_attempts,
    sum(ifNull(row.cost_usd, 0)) AS cost_usd,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.duration_ms, NULL)) AS duration_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.first_token_ms, NULL)) AS first_token_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(toNullable(row.overhead_ms)) AS overhead_ms
FROM {database}.traces AS row
GROUP BY minute, route, task, complexity, arm

-- statement: traces on their way into traces_1h
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.traces_1h_mv {on_cluster} TO {database}.traces_1h AS
SELECT
    toStartOfHour(row.received_at) AS hour,
    row.route AS route,
    row.task AS task,
    row.complexity AS complexity,
    row.arm AS arm,
    count() AS requests,
    countIf(row.outcome = 'completed') AS completed,
    countIf(row.outcome = 'refused') AS refused,
    countIf(row.outcome = 'unavailable') AS unavailable,
    countIf(row.outcome = 'interrupted') AS interrupted,
    countIf(row.outcome = 'cancelled') AS cancelled,
    countIf(row.outcome = 'rejected') AS rejected,
    sum(row.attempts) AS attempts,
    countIf(row.uncached_input_tokens IS NOT NULL) AS usage_known,
    sum(ifNull(row.uncached_input_tokens, 0)) AS uncached_input_tokens,
    sum(ifNull(row.cache_read_tokens, 0)) AS cache_read_tokens,
    sum(ifNull(row.cache_write_5m_tokens, 0)) AS cache_write_5m_tokens,
    sum(ifNull(row.cache_write_1h_tokens, 0)) AS cache_write_1h_tokens,
    sum(ifNull(row.audio_input_tokens, 0)) AS audio_input_tokens,
    sum(ifNull(row.text_output_tokens, 0)) AS text_output_tokens,
    sum(ifNull(row.reasoning_tokens, 0)) AS reasoning_tokens,
    sum(ifNull(row.audio_output_tokens, 0)) AS audio_output_tokens,
    sum(ifNull(row.web_search_requests, 0)) AS web_search_requests,
    countIf(row.cost_usd IS NOT NULL) AS priced_requests,
    sum(row.unpriced_attempts) AS unpriced_attempts,
    sum(ifNull(row.cost_usd, 0)) AS cost_usd,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.duration_ms, NULL)) AS duration_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(if(row.outcome = 'completed', row.first_token_ms, NULL)) AS first_token_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(toNullable(row.overhead_ms)) AS overhead_ms
FROM {database}.traces AS row
GROUP BY hour, route, task, complexity, arm
