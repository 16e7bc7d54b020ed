-- Which rollout a request was part of, and what was decided about rollouts. What happened to them is in rollout_events.

-- statement: the rollout of a trace
ALTER TABLE {database}.traces {on_cluster}
    ADD COLUMN IF NOT EXISTS rollout LowCardinality(String) COMMENT 'Rollout that dealt the arm; empty = none was live on the route.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS rollout_revision UInt64 COMMENT 'Last of its rollout_events that counted; 0 without a rollout.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS rollout_epoch UInt32 COMMENT 'Its epoch: evidence of another one is about something else; 0 without a rollout.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS rollout_stage LowCardinality(String) COMMENT 'Its stage: shadow, a percentage (25%), baking or succeeded; empty without a rollout.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS rollout_step Float64 COMMENT 'Percentage of the units that the candidate answered: 0 in the shadow, 95 in the bake. The control has as many, or what is left.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS is_compared Bool COMMENT 'Held against the other arm: of the larger arm only as many units are as there are of the smaller.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS arm_events Array(LowCardinality(String)) COMMENT 'What went wrong with the model that the arm stands for, whoever answered in the end: error, timeout, refusal or schema (JSON that could not be read); empty = nothing.' CODEC(ZSTD(1))

-- statement: what the arms of a trace are
ALTER TABLE {database}.traces {on_cluster}
    COMMENT COLUMN arm 'As assigned: candidate or control; stable, of a rollout but not compared; none outside rollouts.'

-- statement: every look at a rollout, with all that it went by
CREATE TABLE IF NOT EXISTS {database}.rollout_decisions {on_cluster}
(
    rollout LowCardinality(String) COMMENT 'Name of the rollout.' CODEC(ZSTD(1)),
    decision_id UUID COMMENT 'UUIDv7; the details of the event in rollout_events that carries it out name it.' CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'When it was decided, by the clock of the proxy that did.' CODEC(Delta(8), ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it came here.' CODEC(Delta(8), ZSTD(1)),
    instance LowCardinality(String) COMMENT 'Proxy process that decided.' CODEC(ZSTD(1)),
    policy_version LowCardinality(String) COMMENT 'Policy under which it was decided, as in traces.' CODEC(ZSTD(1)),
    revision UInt64 COMMENT 'Revision of the state that was looked at.' CODEC(ZSTD(1)),
    epoch UInt32 COMMENT 'Its epoch.' CODEC(ZSTD(1)),
    stage LowCardinality(String) COMMENT 'Its stage, as in traces; empty = it was not live.' CODEC(ZSTD(1)),
    rule LowCardinality(String) COMMENT 'Rule that decided: harm, dwell, pairs, non_inferior, coverage …' CODEC(ZSTD(1)),
    action LowCardinality(String) COMMENT 'none, hold, step, promote or rollback.' CODEC(ZSTD(1)),
    because Array(String) COMMENT 'In words, most important first.' CODEC(ZSTD(3)),
    is_alert Bool COMMENT 'Somebody should be told.' CODEC(ZSTD(1)),
    checks Array(Tuple(
        guardrail LowCardinality(String),
        task LowCardinality(String),
        count UInt64,
        mean Nullable(Float64),
        lower Nullable(Float64),
        upper Nullable(Float64),
        candidate_rate Nullable(Float64),
        control_rate Nullable(Float64),
        harm_log_e Nullable(Float64),
        harm_threshold Nullable(Float64),
        margin Nullable(Float64),
        non_inferior_log_e Nullable(Float64),
        non_inferior_threshold Nullable(Float64)))
        COMMENT 'Each guardrail and task: pairs or exposures; mean difference with its anytime bounds, or the rates; ln E of harm and of non-inferiority, each shown at its threshold; NULL = not asked of it.' CODEC(ZSTD(3)),
    inputs String COMMENT 'All that it went by, as JSON: rollout, state and evidence. Out of it the decision can be made again.' CODEC(ZSTD(3)),
    result String COMMENT 'The event that it came to, as JSON; empty = nothing changed.' CODEC(ZSTD(3))
)
ENGINE = {engine:MergeTree}
ORDER BY (rollout, at, decision_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What was decided about rollouts and out of what; unpartitioned and never deleted, as the journals.'
