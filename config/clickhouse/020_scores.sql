-- Scores and comparisons. Rows are only ever inserted; of several about one thing the one with the highest revision
-- counts (v_scores, v_pairs). They are kept as long as the traces they are about, and by the time of these, so that a
-- score that comes days later meets the one it replaces in the same partition.

-- statement: what evaluators, judges, applications and people say of an answer
CREATE TABLE IF NOT EXISTS {database}.scores {on_cluster}
(
    trace_id UUID COMMENT 'Request whose answer is scored; may come before its trace does, or be of no trace at all.' CODEC(ZSTD(1)),
    attempt_id UUID COMMENT 'Upstream call whose answer is scored; all zeros = the answer that the client got.' CODEC(ZSTD(1)),
    trace_at DateTime64(3, 'UTC') COMMENT 'Arrival of the request, as its id says; for an id that does not say, when it was scored.' CODEC(Delta(8), ZSTD(1)),
    scored_at DateTime64(3, 'UTC') COMMENT 'When it was scored.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that wrote it.' CODEC(ZSTD(1)),

    source LowCardinality(String) COMMENT 'evaluator, judge, application, human or audit.' CODEC(ZSTD(1)),
    evaluator LowCardinality(String) COMMENT 'Name of the evaluator, or of the feedback.' CODEC(ZSTD(1)),
    version LowCardinality(String) COMMENT 'Version of the evaluator; of a judge: model, prompt and parameters as one.' CODEC(ZSTD(1)),
    revision UInt64 COMMENT 'Of rows about one answer by one evaluator the highest counts: the version, and below it (45 bits) the time in milliseconds.' CODEC(ZSTD(1)),
    value Nullable(Float64) COMMENT 'In [0, 1], 1 is best; level k of five is k/4; NULL = missing, never zero.' CODEC(ZSTD(1)),
    failure LowCardinality(String) COMMENT 'Why value is NULL; empty = it is not.' CODEC(ZSTD(1)),
    explanation String COMMENT 'For people, at most 1,000 characters; nothing of request or answer unless content is stored.' CODEC(ZSTD(3)),
    cost_usd Nullable(Decimal(18, 12)) COMMENT 'US dollars that scoring cost, exact; NULL = unknown.' CODEC(ZSTD(1)),

    route LowCardinality(String) COMMENT 'Route, as in traces; empty = not known to whoever scored. Likewise the columns below.' CODEC(ZSTD(1)),
    task LowCardinality(String) DEFAULT 'unknown' COMMENT 'Kind of task, as in traces.' CODEC(ZSTD(1)),
    arm LowCardinality(String) COMMENT 'Arm, as in traces.' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider that answered.' CODEC(ZSTD(1)),
    model LowCardinality(String) COMMENT 'Model that answered, as it was asked for.' CODEC(ZSTD(1)),
    policy_version LowCardinality(String) COMMENT 'Policy version, as in traces.' CODEC(ZSTD(1)),

    INDEX by_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = {engine:ReplacingMergeTree(revision)}
PARTITION BY toYYYYMM(trace_at)
ORDER BY (evaluator, source, trace_at, trace_id, attempt_id)
TTL toDateTime(trace_at) + INTERVAL {traces_days} DAY
SETTINGS materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per answer, evaluator and revision. Missing is NULL. Read v_scores, which has the latest revisions alone.'

-- statement: two answers to one prompt, compared
CREATE TABLE IF NOT EXISTS {database}.pairs {on_cluster}
(
    trace_id UUID COMMENT 'Request that both answer.' CODEC(ZSTD(1)),
    stable_attempt_id UUID COMMENT 'Upstream call that answered the client.' CODEC(ZSTD(1)),
    candidate_attempt_id UUID COMMENT 'Upstream call made for comparison.' CODEC(ZSTD(1)),
    trace_at DateTime64(3, 'UTC') COMMENT 'Arrival of the request, as its id says.' CODEC(Delta(8), ZSTD(1)),
    paired_at DateTime64(3, 'UTC') COMMENT 'When they were compared.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that compared them.' CODEC(ZSTD(1)),

    comparison LowCardinality(String) COMMENT 'Shadow or rollout that had them compared.' CODEC(ZSTD(1)),
    is_control Bool COMMENT 'Both are of the stable model (A/A): the pair shows noise.' CODEC(ZSTD(1)),
    evaluator LowCardinality(String) COMMENT 'Name of the evaluator, or of the judge.' CODEC(ZSTD(1)),
    version LowCardinality(String) COMMENT 'As in scores.' CODEC(ZSTD(1)),
    revision UInt64 COMMENT 'As in scores.' CODEC(ZSTD(1)),
    d Nullable(Float64) COMMENT 'In [-1, 1], above zero where the candidate is better; NULL = missing, neither tie nor loss.' CODEC(ZSTD(1)),
    is_consistent Nullable(Bool) COMMENT 'Of a judge: both orders said the same; NULL = no order, or missing.' CODEC(ZSTD(1)),
    failure LowCardinality(String) COMMENT 'Why d is NULL; empty = it is not.' CODEC(ZSTD(1)),
    explanation String COMMENT 'For people, at most 1,000 characters; nothing of request or answers unless content is stored.' CODEC(ZSTD(3)),
    cost_usd Nullable(Decimal(18, 12)) COMMENT 'US dollars that comparing cost, exact; NULL = unknown.' CODEC(ZSTD(1)),

    route LowCardinality(String) COMMENT 'Route, as in traces.' CODEC(ZSTD(1)),
    task LowCardinality(String) DEFAULT 'unknown' COMMENT 'Kind of task, as in traces.' CODEC(ZSTD(1)),
    unit String COMMENT 'Sticky unit of the request; empty = the request stands for itself.' CODEC(ZSTD(3)),
    is_redacted Bool COMMENT 'The candidate was sent a redacted prompt.' CODEC(ZSTD(1)),
    stable_provider LowCardinality(String) COMMENT 'Provider of the answer that the client got.' CODEC(ZSTD(1)),
    stable_model LowCardinality(String) COMMENT 'Its model, as it was asked for.' CODEC(ZSTD(1)),
    stable_value Nullable(Float64) COMMENT 'Score of that answer by the same evaluator, in [0, 1]; NULL = it only compares.' CODEC(ZSTD(1)),
    stable_chars Nullable(UInt32) COMMENT 'Length of that answer in UTF-16 units; NULL = no text.' CODEC(ZSTD(1)),
    candidate_provider LowCardinality(String) COMMENT 'Provider of the other answer.' CODEC(ZSTD(1)),
    candidate_model LowCardinality(String) COMMENT 'Its model, as it was asked for.' CODEC(ZSTD(1)),
    candidate_value Nullable(Float64) COMMENT 'Score of the other answer, likewise.' CODEC(ZSTD(1)),
    candidate_chars Nullable(UInt32) COMMENT 'Length of the other answer, likewise.' CODEC(ZSTD(1)),
    policy_version LowCardinality(String) COMMENT 'Policy version, as in traces.' CODEC(ZSTD(1)),

    INDEX by_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = {engine:ReplacingMergeTree(revision)}
PARTITION BY toYYYYMM(trace_at)
ORDER BY (comparison, evaluator, trace_at, trace_id, candidate_attempt_id)
TTL toDateTime(trace_at) + INTERVAL {traces_days} DAY
SETTINGS materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per pair, evaluator and revision. Read v_pairs, which has the latest revisions alone.'

-- statement: what became of each request that a shadow looked at
CREATE TABLE IF NOT EXISTS {database}.shadow_funnel {on_cluster}
(
    minute DateTime('UTC') COMMENT 'Start of the minute in which it was counted.' CODEC(Delta(4), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that counted.' CODEC(ZSTD(1)),
    shadow LowCardinality(String) COMMENT 'Name of the shadow.' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider of the candidate; empty = counted before one was chosen.' CODEC(ZSTD(1)),
    model LowCardinality(String) COMMENT 'Model of the candidate; empty likewise.' CODEC(ZSTD(1)),
    is_control Bool COMMENT 'The stable model again (A/A).' CODEC(ZSTD(1)),
    stage LowCardinality(String) COMMENT 'eligible (matched the filter), mirrored (sent), compared, or skipped.' CODEC(ZSTD(1)),
    reason LowCardinality(String) COMMENT 'Of skipped: why (not_sampled, budget, queue_full …); empty otherwise.' CODEC(ZSTD(1)),
    requests UInt64 COMMENT 'Requests counted since the row before: sum over rows.' CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(minute)
ORDER BY (shadow, minute)
TTL minute + INTERVAL {traces_days} DAY
SETTINGS materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Counts, to be summed. For each shadow, eligible = mirrored + skipped before sending.'

-- statement: the scores that count
CREATE OR REPLACE VIEW {database}.v_scores {on_cluster} AS
SELECT * FROM {database}.scores FINAL
COMMENT 'Of each answer and evaluator the score with the highest revision. Filter on trace_at.'

-- statement: the pairs that count
CREATE OR REPLACE VIEW {database}.v_pairs {on_cluster} AS
SELECT * FROM {database}.pairs FINAL
COMMENT 'Of each pair and evaluator the comparison with the highest revision. Filter on trace_at.'
