/**
 * What each shadow, and the judge, has spent in this clock hour and this day of UTC, beside its budget in the policy that
 * came last: columns name, hour_usd, day_usd, budget. A budget of 0 is one whose amount is not in the policy's text.
 */
export const BUDGETS_SPENT = `
    SELECT
        budget.name AS name,
        budget,
        toFloat64(sumIf(spent.cost_usd, spent.started_at >= toStartOfHour(now('UTC')))) AS hour_usd,
        toFloat64(sum(spent.cost_usd)) AS day_usd
    FROM (SELECT arrayJoin(argMax(budgets, applied_at)) AS budget FROM policy_versions) AS limited
    LEFT JOIN (
        SELECT if(role = 'judge', 'judge', shadow) AS name, started_at, ifNull(cost_usd, 0) AS cost_usd
        FROM attempts
        WHERE started_at >= toStartOfDay(now('UTC')) AND role IN ('shadow', 'judge')
    ) AS spent ON spent.name = budget.name
    GROUP BY budget`
