-- Numbers of a policy that dashboards draw lines at, out of its text: who may read dashboards need not read policies.

-- statement: what is good enough
ALTER TABLE {database}.policy_versions {on_cluster}
    ADD COLUMN IF NOT EXISTS quality_minimum Map(String, Float64) MATERIALIZED mapFromArrays(arrayMap(each -> each.1, JSONExtractKeysAndValuesRaw(text, 'quality', 'minimum')), arrayMap(each -> ifNull(toFloat64OrNull(each.2), 0), JSONExtractKeysAndValuesRaw(text, 'quality', 'minimum'))) COMMENT 'Least acceptable quality by task (quality.minimum); empty = none is set.' CODEC(ZSTD(1))

-- statement: what may be spent beside live traffic
ALTER TABLE {database}.policy_versions {on_cluster}
    ADD COLUMN IF NOT EXISTS budgets Array(Tuple(name String, per_hour_usd Float64, per_day_usd Float64)) MATERIALIZED arrayMap(each -> (each.1, ifNull(toFloat64OrNull(trim(BOTH '"$' FROM JSONExtractRaw(each.2, 'budget', 'per_hour'))), 0), ifNull(toFloat64OrNull(trim(BOTH '"$' FROM JSONExtractRaw(each.2, 'budget', 'per_day'))), 0)), arrayConcat(JSONExtractKeysAndValuesRaw(text, 'shadows'), arrayFilter(each -> each.1 = 'judge', JSONExtractKeysAndValuesRaw(text)))) COMMENT 'US dollars that each shadow, and the judge, may spend in a clock hour and in a day of UTC; 0 = not a plain number in the file.' CODEC(ZSTD(1))
