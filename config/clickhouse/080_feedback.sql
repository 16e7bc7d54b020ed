-- What the rows of weight_decisions say, whose columns are those of the other journals; and what of it people ask first.

-- statement: the kinds of decisions
ALTER TABLE {database}.weight_decisions {on_cluster}
    COMMENT COLUMN kind 'applied (the weights moved), suggested (they would have), held (nothing to be moved), frozen (no news to decide by).'

-- statement: what a decision rested on
ALTER TABLE {database}.weight_decisions {on_cluster}
    COMMENT COLUMN details 'JSON: inputs (rule, policy, weights, readings) and cells, one for all traffic (task empty) and one per task: why, by which yardstick, and each target with its standing, quality, cost and share. Out of the inputs the decision can be made again.'

-- statement: how each model stood at each task, decision by decision
CREATE OR REPLACE VIEW {database}.v_model_standings {on_cluster} AS
SELECT
    at,
    name AS route,
    revision,
    kind,
    JSONExtractString(cell, 'task') AS task,
    JSONExtractString(cell, 'verdict') AS verdict,
    JSONExtractString(cell, 'reason') AS reason,
    JSONExtractString(cell, 'yardstick') AS yardstick,
    JSONExtractString(arm, 'arm') AS target,
    JSONExtractString(arm, 'standing') AS standing,
    JSONExtractFloat(arm, 'goodEnough') AS good_enough,
    JSONExtract(arm, 'aboveMinimum', 'Nullable(Float64)') AS above_minimum,
    JSONExtractFloat(arm, 'quality', 'mean') AS quality,
    JSONExtract(arm, 'cost', 'mean', 'Nullable(Float64)') AS cost_usd,
    JSONExtractFloat(arm, 'share') AS share_before,
    JSONExtractFloat(arm, 'next') AS share_after
FROM {database}.weight_decisions
ARRAY JOIN JSONExtractArrayRaw(details, 'cells') AS cell
ARRAY JOIN JSONExtractArrayRaw(cell, 'arms') AS arm
COMMENT 'Decisions about weights, a row per target and task (empty = all traffic). standing quarantined with share_after 0: out, for being below the reference or the least quality of the task.'
