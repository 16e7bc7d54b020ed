import { FOR_CLIENTS, OF_ROUTE, OF_TASK } from './filters.ts'
import { type PlacedLater, table } from './panel.ts'

const BASELINE = '${baseline:singlequote}'
const IN_TIME = `$__timeFilter(started_at) AND ${OF_ROUTE} AND ${OF_TASK}`

/** Of a normal distribution, for an interval of 95 %. */
const NORMAL_95 = 1.96
/** Fewer pairs of a model say nothing of its mean; as LEAST_PAIRS of evaluate/report/shadow-report.ts. */
const LEAST_PAIRS = 50
/** Half of the interval's width. */
const HALF = `${NORMAL_95} * sqrt(sumIf(pow(served.calls, 2) * variance / pairs, pairs >= ${LEAST_PAIRS}))`
/** Below it a saving is not published; as LEAST_BACKED_SHARE there. */
const LEAST_BACKED_SHARE = 0.3

/**
 * What was saved by answering with other models than the baseline, going by requests that both answered: shadow calls
 * and the calls they are held against, of which one is the baseline's. Prompts of one model mean other tokens, and other
 * answers, in another, so list prices alone would not tell.
 */
export const savings = (): PlacedLater =>
  table({
    title: 'Saved against the baseline',
    description: `US dollars that the chosen baseline would have cost more for the calls that went to other models, with a 95 % interval, measured on requests that both answered (shadows). Backed: share of these calls whose model has at least ${LEAST_PAIRS} such pairs; below ${LEAST_BACKED_SHARE * 100} % there is no figure. Of quality it says nothing.`,
    sql: `
SELECT
    ${BASELINE} AS "Baseline",
    multiIf("Calls" = 0, 'no calls', "To other models" = 0, 'all went to the baseline', "Backed" < ${LEAST_BACKED_SHARE}, 'not enough evidence', 'measured') AS "Evidence",
    sum(served.calls) AS "Calls",
    toFloat64(sum(served.cost_usd)) AS "Spend",
    sumIf(served.calls, served.model != "Baseline") AS "To other models",
    sumIf(served.calls, pairs >= ${LEAST_PAIRS}) / nullIf("To other models", 0) AS "Backed",
    if("Evidence" IN ('not enough evidence', 'no calls'), NULL, sumIf(served.calls * mean_saved, pairs >= ${LEAST_PAIRS})) AS "Saved",
    "Saved" - ${HALF} AS "At least",
    "Saved" + ${HALF} AS "At most"
FROM (
    SELECT model, count() AS calls, sum(call.cost_usd) AS cost_usd
    FROM attempts AS call
    WHERE ${IN_TIME} AND ${FOR_CLIENTS} AND outcome = 'completed'
    GROUP BY model
) AS served
LEFT JOIN (
    SELECT
        if(stable.model = ${BASELINE}, shadow.model, stable.model) AS model,
        count() AS pairs,
        avg(if(stable.model = ${BASELINE}, stable.usd - shadow.usd, shadow.usd - stable.usd) AS saved_usd) AS mean_saved,
        varSampStable(saved_usd) AS variance
    FROM (
        SELECT attempt_id, model, toFloat64(cost_usd) AS usd
        FROM attempts
        WHERE ${IN_TIME} AND ${FOR_CLIENTS} AND cost_usd IS NOT NULL
    ) AS stable
    INNER JOIN (
        SELECT pair_id, model, toFloat64(cost_usd) AS usd
        FROM attempts
        WHERE ${IN_TIME} AND role = 'shadow' AND shadow_arm = 'candidate' AND cost_usd IS NOT NULL
    ) AS shadow ON shadow.pair_id = stable.attempt_id
    WHERE (stable.model = ${BASELINE}) != (shadow.model = ${BASELINE})
    GROUP BY model
) AS paired ON paired.model = served.model`,
    units: {
      Calls: 'short',
      'To other models': 'short',
      Spend: 'currencyUSD',
      Saved: 'currencyUSD',
      'At least': 'currencyUSD',
      'At most': 'currencyUSD',
      Backed: 'percentunit',
    },
    width: 24,
    height: 4,
  })
