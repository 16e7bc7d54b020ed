-- The arm of each unit, as `armOf` and `comparedShares` of domain/assign.ts have it: row by row the same.
-- {units}: a table or view with a column `unit`. {candidate}, {control}: shares of the units, in [0, 1].
SELECT
    unit,
    reinterpretAsUInt32(reverse(substring(SHA256(concat({salt:String}, ':', unit)), 1, 4))) / 4294967296 AS share,
    multiIf(share < {candidate:Float64}, 'candidate', share >= 1 - {control:Float64}, 'control', 'none') AS arm,
    least({candidate:Float64}, {control:Float64}) AS size,
    multiIf(share < size, 'candidate', share >= 1 - size, 'control', 'none') AS compared_arm
FROM {database:Identifier}.{units:Identifier}
