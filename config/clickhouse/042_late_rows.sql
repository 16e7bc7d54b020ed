-- Rows about an erased request may come after it: a score, a comment, what another proxy had spooled. The request then
-- names nobody any more by whom they could be found, so its id is kept for a while.

-- statement: whose ids these are
ALTER TABLE {database}.erasures {on_cluster}
    COMMENT COLUMN erasure 'Which erasure, while it runs: made up for each, says nothing of the person. earlier = of any of the last seven days.'

-- statement: what the table is for
ALTER TABLE {database}.erasures {on_cluster}
    MODIFY COMMENT 'What an erasure has found: ClickHouse keeps the text of every mutation, so that must not name the person. Ids are kept for seven days, so that the next erasure takes the rows along that came late.'
