-- How far judges agree with people. Rows are only ever inserted and kept for good; the latest counts (v_judge_trust).

-- statement: what calibrating a judge has shown
CREATE TABLE IF NOT EXISTS {database}.calibrations {on_cluster}
(
    calibration_id UUID COMMENT 'UUIDv7 of one run of `judge calibrate`; its rows are one per task, and one over all of them.' CODEC(ZSTD(1)),
    calibrated_at DateTime64(3, 'UTC') COMMENT 'When it ended.' CODEC(ZSTD(1)),
    judge_version String COMMENT 'Model, prompt and parameters as one, as version in pairs.' CODEC(ZSTD(1)),
    task LowCardinality(String) COMMENT 'Kind of task of the labels; empty = over all of them.' CODEC(ZSTD(1)),
    label_set LowCardinality(String) COMMENT 'First 16 hex digits of the SHA-256 of the file of labels.' CODEC(ZSTD(1)),
    pairs UInt32 COMMENT 'Pairs that people had judged.' CODEC(ZSTD(1)),
    failed UInt32 COMMENT 'Of these, pairs that the judge gave no verdict on; they are in no other number.' CODEC(ZSTD(1)),
    kappa Nullable(Float64) COMMENT 'Cohen''s kappa of judge and people over loss, tie and win, in [-1, 1]; NULL = cannot be told. Likewise the columns below.' CODEC(ZSTD(1)),
    kappa_low Nullable(Float64) COMMENT 'Lower end of its 95 % interval.' CODEC(ZSTD(1)),
    kappa_high Nullable(Float64) COMMENT 'Upper end of its 95 % interval.' CODEC(ZSTD(1)),
    weighted_kappa Nullable(Float64) COMMENT 'The same by squared distance: loss against win weighs four times as much as loss against tie.' CODEC(ZSTD(1)),
    agreement Nullable(Float64) COMMENT 'Share of the pairs on which both said the same, in [0, 1].' CODEC(ZSTD(1)),
    swap_consistency Nullable(Float64) COMMENT 'Share of the pairs on which the judge said the same in both orders, in [0, 1].' CODEC(ZSTD(1)),
    position_bias Nullable(Float64) COMMENT 'Mean over both orders of +1 for the answer read first and -1 for the second, in [-1, 1]; 0 = the place means nothing.' CODEC(ZSTD(1)),
    length_bias Nullable(Float64) COMMENT 'Change of judge less people per unit of relative length of the candidate, in [-2, 2]; 0 = length means nothing.' CODEC(ZSTD(1)),
    is_length_moved Nullable(Bool) COMMENT 'Length moves the verdict beyond chance and by more than a tenth of a win.' CODEC(ZSTD(1)),
    confusion Array(Array(UInt32)) COMMENT 'Counts: rows are what people said (loss, tie, win, from the candidate), columns what the judge said.' CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 12)) COMMENT 'US dollars that the whole run cost, the same on all of its rows; NULL = unknown.' CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
ORDER BY (judge_version, task, calibrated_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per calibration of a judge and task. Read v_judge_trust, which has the latest alone.'

-- statement: whether a judge may be trusted
CREATE OR REPLACE VIEW {database}.v_judge_trust {on_cluster} AS
SELECT
    judge_version,
    task,
    label_set,
    calibrated_at,
    pairs - failed AS judged,
    failed,
    kappa,
    kappa_low,
    kappa_high,
    weighted_kappa,
    agreement,
    swap_consistency,
    position_bias,
    length_bias,
    is_length_moved,
    ifNull(kappa >= 0.6, 0) AND judged >= 150 AS is_trusted
FROM {database}.calibrations
ORDER BY calibrated_at DESC
LIMIT 1 BY judge_version, task
COMMENT 'Of each version of a judge and task (empty = over all) the latest calibration. is_trusted: kappa of at least 0.6 over at least 150 judged pairs.'
