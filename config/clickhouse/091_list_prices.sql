-- What calls are compared by beside their cost: shadows meet cold caches, live calls warm ones.

-- statement: what a call would have cost without a cache
ALTER TABLE {database}.attempts {on_cluster}
    ADD COLUMN IF NOT EXISTS list_usd Nullable(Float64) MATERIALIZED if(mapContains(rates_pico_usd, 'uncached_input_tokens') AND mapContains(rates_pico_usd, 'text_output_tokens'), ((ifNull(uncached_input_tokens, 0) + ifNull(cache_read_tokens, 0) + ifNull(cache_write_5m_tokens, 0) + ifNull(cache_write_1h_tokens, 0)) * rates_pico_usd['uncached_input_tokens'] + (text_output_tokens + ifNull(reasoning_tokens, 0)) * rates_pico_usd['text_output_tokens']) / 1e12, NULL) COMMENT 'US dollars that the call would have cost without any prompt cache; NULL = a rate or a count is not known. Stored with calls from the upgrade on, worked out of their rates for those before.' CODEC(ZSTD(1))
