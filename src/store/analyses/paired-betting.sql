-- Per task: ln E that the candidate is not worse by {margin}, and that it is worse by more than {harm_margin}; as
-- `promotionEvidence` and `rollbackEvidence` of domain/statistics/paired-betting.ts. The sums add up over any blocks.
-- {pairs}: a table or view with columns `task` and `d` in [-1, 1], NULL = missing.
WITH [0.01, 0.02, 0.04, 0.06, 0.09, 0.13, 0.18, 0.25, 0.34, 0.45, 0.6, 0.8] AS bets
SELECT
    task,
    count() AS pairs,
    avg(difference) AS mean,
    varSampStable(difference) AS variance,
    -- A bet that one pair could ruin is not placed.
    sumForEach(arrayMap(
        bet -> if(bet * (1 - {margin:Float64}) >= 1, -inf, log1p(bet * (difference + {margin:Float64}))), bets)) AS promotion_sums,
    sumForEach(arrayMap(
        bet -> if(bet * (1 + {harm_margin:Float64}) >= 1, -inf, log1p(-bet * (difference + {harm_margin:Float64}))), bets)) AS rollback_sums,
    arrayMax(promotion_sums) AS most_promotion,
    arrayMax(rollback_sums) AS most_rollback,
    most_promotion + log(arrayAvg(arrayMap(each -> exp(each - most_promotion), promotion_sums))) AS log_e_promote,
    most_rollback + log(arrayAvg(arrayMap(each -> exp(each - most_rollback), rollback_sums))) AS log_e_rollback
FROM (SELECT task, assumeNotNull(d) AS difference FROM {database:Identifier}.{pairs:Identifier} WHERE isNotNull(d))
GROUP BY task
ORDER BY task
