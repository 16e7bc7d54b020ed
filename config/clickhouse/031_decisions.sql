-- What a route's decision rested on, so that it can be made again (npx understudy replay). Empty on the default route.

-- statement: the decision of a trace
ALTER TABLE {database}.traces {on_cluster}
    ADD COLUMN IF NOT EXISTS rule LowCardinality(String) COMMENT 'Rule of a rules route that held; empty = none.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS rejected Array(Tuple(target LowCardinality(String), why LowCardinality(String))) COMMENT 'Targets of the route that were passed over, and why.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS refused LowCardinality(String) COMMENT 'Why no target could be called at all; empty = one could.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS overlay_revision String COMMENT 'Live changes that counted: the last revision of config_changes, then + and the event_id of each that had none yet; empty = none.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS unit String COMMENT 'Who stays on the same model: a hash; empty = no route asked.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS unit_source LowCardinality(String) COMMENT 'What the unit is made of: session, conversation, first_turn, user, or none (the request stands alone).' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS task_source LowCardinality(String) COMMENT 'Where task comes from: header, rule or none.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS complexity_source LowCardinality(String) COMMENT 'Where complexity comes from: header, rule or none.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS decision_inputs String COMMENT 'JSON of the facts and the health of targets that the decision rested on; empty = the default route, or too long to keep.' CODEC(ZSTD(3))
