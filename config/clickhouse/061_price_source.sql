-- statement: where a price may come from
ALTER TABLE {database}.attempts {on_cluster}
    COMMENT COLUMN price_source 'config, genai-prices@<version>, or provider (the cost that the answer itself states); empty = unpriced.'
