-- The choice that falls to each unit, as `rendezvous` of domain/assign.ts has it; empty where no weight is above 0.
-- {units}: a table or view with a column `unit`. {keys}, {weights}: of the choices, in the same order.
SELECT
    unit,
    arrayMap(
        (key, weight) -> if(
            weight > 0,
            -log((reinterpretAsUInt64(reverse(substring(SHA256(concat({salt:String}, '|', key, '|', unit)), 1, 6))) + 0.5)
                / 281474976710656) / weight,
            inf),
        {keys:Array(String)}, {weights:Array(Float64)}) AS distances,
    if(arrayMax({weights:Array(Float64)}) > 0, {keys:Array(String)}[indexOf(distances, arrayMin(distances))], '') AS choice
FROM {database:Identifier}.{units:Identifier}
