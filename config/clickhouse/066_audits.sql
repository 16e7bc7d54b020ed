-- Known questions down every path that answers, on a schedule or by `audit golden`. Rows are only ever inserted.

-- statement: what came of an audit
CREATE TABLE IF NOT EXISTS {database}.audits {on_cluster}
(
    audit LowCardinality(String) COMMENT 'Name of the audit in the policy; golden = asked for by a person.' CODEC(ZSTD(1)),
    run String COMMENT 'One run of it: of a schedule the time at which it was due, ISO 8601.' CODEC(ZSTD(1)),
    question_set LowCardinality(String) COMMENT 'Version of the questions: first 16 hex digits of the SHA-256 of their file.' CODEC(ZSTD(1)),
    ended_at DateTime64(3, 'UTC') COMMENT 'When it ended.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that ended it.' CODEC(ZSTD(1)),
    ending LowCardinality(String) COMMENT 'complete, or budget: its money was spent before all was asked.' CODEC(ZSTD(1)),
    kind LowCardinality(String) COMMENT 'route: as a client would be answered; target: one model, whatever leads there.' CODEC(ZSTD(1)),
    path LowCardinality(String) COMMENT 'Name of the route, or provider/model.' CODEC(ZSTD(1)),
    task LowCardinality(String) COMMENT 'Kind of task of the questions.' CODEC(ZSTD(1)),
    answered UInt32 COMMENT 'Questions with an answer that could be scored.' CODEC(ZSTD(1)),
    failed UInt32 COMMENT 'Questions without one; each counts as wrong.' CODEC(ZSTD(1)),
    mean Float64 COMMENT 'Mean score over all questions, in [0, 1].' CODEC(ZSTD(1)),
    mean_low Float64 COMMENT 'Lower end of its 95 % interval (Wilson).' CODEC(ZSTD(1)),
    mean_high Float64 COMMENT 'Upper end of its 95 % interval (Wilson).' CODEC(ZSTD(1)),
    minimum Nullable(Float64) COMMENT 'Least acceptable mean at that time; NULL = none was set.' CODEC(ZSTD(1)),
    is_passed Nullable(Bool) COMMENT 'Whether the mean was not below it; NULL = none was set.' CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 12)) COMMENT 'US dollars for the answers of this row, exact; NULL = some have no price.' CODEC(ZSTD(1)),
    policy_version LowCardinality(String) COMMENT 'Policy version at the end, as in traces.' CODEC(ZSTD(1))
)
ENGINE = {engine:ReplacingMergeTree(ended_at)}
ORDER BY (audit, run, kind, path, task)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per run, path and task.'

-- statement: each answer of an audit, so that another process can go on with it
CREATE TABLE IF NOT EXISTS {database}.audit_answers {on_cluster}
(
    trace_id UUID COMMENT 'Request that was made for it; all zeros = none came to be.' CODEC(ZSTD(1)),
    audit LowCardinality(String) COMMENT 'As in audits. Likewise the next four.' CODEC(ZSTD(1)),
    run String COMMENT 'As in audits.' CODEC(ZSTD(1)),
    question_set LowCardinality(String) COMMENT 'As in audits.' CODEC(ZSTD(1)),
    kind LowCardinality(String) COMMENT 'As in audits.' CODEC(ZSTD(1)),
    path LowCardinality(String) COMMENT 'As in audits.' CODEC(ZSTD(1)),
    question String COMMENT 'Id of the question in its file.' CODEC(ZSTD(1)),
    task LowCardinality(String) COMMENT 'Its kind of task.' CODEC(ZSTD(1)),
    answered_at DateTime64(3, 'UTC') COMMENT 'When the answer was there, or known not to come.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that asked.' CODEC(ZSTD(1)),
    value Nullable(Float64) COMMENT 'How right it was, in [0, 1]; NULL = nothing that could be scored.' CODEC(ZSTD(1)),
    failure LowCardinality(String) COMMENT 'Why value is NULL; empty = it is not.' CODEC(ZSTD(1)),
    model LowCardinality(String) COMMENT 'Model that answered; empty = none did.' CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 12)) COMMENT 'US dollars that it cost, exact; NULL = unknown.' CODEC(ZSTD(1))
)
ENGINE = {engine:ReplacingMergeTree(answered_at)}
PARTITION BY toYYYYMM(answered_at)
ORDER BY (audit, run, kind, path, question)
TTL toDateTime(answered_at) + INTERVAL {traces_days} DAY
SETTINGS materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per question and path of a run.'

-- statement: the last run of each audit
CREATE OR REPLACE VIEW {database}.v_latest_audits {on_cluster} AS
SELECT *
FROM {database}.audits FINAL
WHERE (audit, run) IN (SELECT audit, argMax(run, ended_at) FROM {database}.audits GROUP BY audit)
COMMENT 'Of each audit the run that ended last, one row per path and task.'
