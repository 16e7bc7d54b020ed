const LIMITS = 'SELECT arrayJoin(argMax(budgets, applied_at)) AS budget FROM policy_versions'
const NAME = "if(role = 'judge', 'judge', shadow) AS name"

/**
 * What each shadow, and the judge, has spent in this clock hour and this day of UTC, beside its budget in the policy that
 * came last: columns name, hour_usd, day_usd, budget. A budget of 0 is one whose amount is not in the policy's text, or
 * that stands elsewhere in it: of shadows that audits and rollouts bring along.
 */
export const BUDGETS_SPENT = `
    SELECT
        if(budget.name = '', spent.name, budget.name) AS name,
        budget,
        toFloat64(sumIf(spent.cost_usd, spent.started_at >= toStartOfHour(now('UTC')))) AS hour_usd,
        toFloat64(sum(spent.cost_usd)) AS day_usd
    FROM (${LIMITS}) AS limited
    FULL JOIN (
        SELECT ${NAME}, started_at, ifNull(cost_usd, 0) AS cost_usd
        FROM attempts
        WHERE started_at >= toStartOfDay(now('UTC')) AND role IN ('shadow', 'judge')
    ) AS spent ON spent.name = budget.name
    GROUP BY name, budget`

/**
 * Of the three clock hours before this one: in how many each shadow, and the judge, spent nine tenths of its budget for an
 * hour: columns name, hours.
 */
export const HOURS_SPENT = `
    SELECT name, countIf(hour_usd >= 0.9 * budget.per_hour_usd) AS hours
    FROM (
        SELECT ${NAME}, toStartOfHour(started_at) AS hour, toFloat64(sum(ifNull(cost_usd, 0))) AS hour_usd
        FROM attempts
        WHERE started_at >= toStartOfHour($__toTime, 'UTC') - INTERVAL 3 HOUR AND started_at < toStartOfHour($__toTime, 'UTC')
            AND role IN ('shadow', 'judge')
        GROUP BY name, hour
    ) AS spent
    INNER JOIN (${LIMITS}) AS limited ON budget.name = spent.name
    WHERE budget.per_hour_usd > 0
    GROUP BY name`
