import { LEAST_BACKED_SHARE } from '../src/domain/feedback/audited-picks.ts'
import { LEFT_OUT_AFTER, LEFT_OUT_BEFORE, NOT_DRAWN } from '../src/evaluate/report/backed-share.ts'
import { filledIn } from '../src/store/analyses/filled-in.ts'
import { readAnalysis } from '../src/store/analyses/read-analysis.ts'
import { OF_ROUTE, OF_TASK } from './filters.ts'
import { type PlacedLater, table } from './panel.ts'

/** Stands for the routes that are chosen. */
const CHOSEN = 'chosen'

/** The analysis that the command reads as well, for the routes that are chosen and the time that is shown. */
const AUDITED = filledIn(
  readAnalysis('routing-audits')
    .replaceAll(/^--.*\n/gm, '')
    .replaceAll('fromUnixTimestamp64Milli({since:Int64})', () => '$__fromTime')
    .replaceAll('fromUnixTimestamp64Milli({as_of:Int64})', () => '$__toTime'),
  {
    route: CHOSEN,
    audit: '',
    left_out_before: [...LEFT_OUT_BEFORE],
    left_out_after: [...LEFT_OUT_AFTER],
    not_drawn: [...NOT_DRAWN],
  },
).replaceAll(`route = '${CHOSEN}'`, () => OF_ROUTE)

/** Of a normal distribution, for an interval of 95 %. */
const NORMAL_95 = 1.96
const SQUARED = NORMAL_95 ** 2
/** What the requests of a task are worth as independent ones, as domain/feedback/audited-picks.ts. */
const LEAST = 'requests * requests / toFloat64(nn)'
const SPREAD = 'greatest(0., rr - 2 * picked * rn + picked * picked * nn) * units / (units - 1) / (requests * requests)'
const WORTH = `if(units < 2 OR picked IN (0, 1), ${LEAST}, least(toFloat64(requests), greatest(${LEAST}, picked * (1 - picked) / (${SPREAD}))))`
/** Wilson's interval, as domain/statistics/proportion-interval.ts. */
const MIDDLE = `(picked + ${SQUARED} / (2 * worth)) / (1 + ${SQUARED} / worth)`
const HALF = `${NORMAL_95} * sqrt(picked * (1 - picked) / worth + ${SQUARED} / (4 * worth * worth)) / (1 + ${SQUARED} / worth)`

/** How often routing picked the model that is worth most. */
export const picks = (): PlacedLater =>
  table({
    title: 'Routing picks',
    description: `Of live requests that a routing audit put to every model of their route: how often the one that answered was worth the most, by quality at the operator's price less cost, with a 95 % interval that takes those of one conversation or user together, and how much more the best would have been worth a request. Partial: audited, but without a verdict or a cost of some model. Backed: share of the route's traffic that they speak for; below ${LEAST_BACKED_SHARE * 100} % there is no figure.`,
    sql: `
SELECT
    route AS "Route",
    task AS "Task",
    if(requests > 0 AND backed >= ${LEAST_BACKED_SHARE}, 'measured', 'not enough evidence') AS "Evidence",
    requests AS "Audited",
    partial AS "Partial",
    backed AS "Backed",
    if("Evidence" = 'measured', picked, NULL) AS "Right",
    if("Evidence" = 'measured', greatest(0., ${MIDDLE} - ${HALF}), NULL) AS "At least",
    if("Evidence" = 'measured', least(1., ${MIDDLE} + ${HALF}), NULL) AS "At most",
    if("Evidence" = 'measured', regret_usd / requests, NULL) AS "Regret"
FROM (SELECT *, right_picks / requests AS picked, ${WORTH} AS worth FROM (
${AUDITED}))
WHERE ${OF_TASK}
ORDER BY "Route", "Audited" DESC, "Task"
LIMIT 100`,
    units: {
      Audited: 'short',
      Partial: 'short',
      Backed: 'percentunit',
      Right: 'percentunit',
      'At least': 'percentunit',
      'At most': 'percentunit',
      Regret: 'currencyUSD',
    },
    width: 24,
    height: 6,
  })
