import { OF_ROUTE, OF_TASK } from './filters.ts'
import { type PlacedLater, table } from './panel.ts'

/** How the judge did on pairs in the time shown. */
export const judges = (): PlacedLater =>
  table({
    title: 'Judges',
    description:
      'Verdicts on pairs by each version of a judge. Both orders: share of pairs on which the judge said the same whichever answer came first.',
    sql: `
SELECT
    version AS "Judge",
    max(paired_at) AS "Last",
    count() AS "Pairs",
    countIf(d IS NULL) / count() AS "Missing",
    avgIf(is_consistent, is_consistent IS NOT NULL) AS "Both orders",
    avgIf(d, is_control) AS "A/A difference",
    toFloat64(sum(pair.cost_usd)) AS "Spend"
FROM v_pairs AS pair
WHERE $__timeFilter(trace_at) AND ${OF_ROUTE} AND ${OF_TASK} AND evaluator = 'judge'
GROUP BY version
ORDER BY "Last" DESC
LIMIT 20`,
    units: {
      Pairs: 'short',
      Missing: 'percentunit',
      'Both orders': 'percentunit',
      'A/A difference': 'none',
      Spend: 'currencyUSD',
      Last: 'dateTimeFromNow',
    },
    widths: { Last: 130 },
    width: 12,
    height: 6,
  })

/** How far judges agree with people. */
export const judgesAgainstPeople = (): PlacedLater =>
  table({
    title: 'Judges against people',
    description:
      'The latest calibration of each judge and task, whatever time and variables are chosen. Trusted: kappa of at least 0.6 over at least 150 pairs. A place or length that moves the verdict is a bias.',
    sql: `
SELECT
    judge_version AS "Judge",
    if(task = '', '(all)', task) AS "Task",
    if(is_trusted, 'yes', 'no') AS "Trusted",
    calibrated_at AS "When",
    judged AS "Pairs",
    kappa AS "Kappa",
    kappa_low AS "Lower",
    kappa_high AS "Upper",
    agreement AS "Agreement",
    swap_consistency AS "Both orders",
    position_bias AS "Place bias",
    length_bias AS "Length bias"
FROM v_judge_trust
ORDER BY calibrated_at DESC, task
LIMIT 50`,
    units: {
      Pairs: 'short',
      Kappa: 'none',
      Lower: 'none',
      Upper: 'none',
      Agreement: 'percentunit',
      'Both orders': 'percentunit',
      'Place bias': 'none',
      'Length bias': 'none',
      When: 'dateTimeFromNow',
    },
    widths: { Judge: 220, Trusted: 80, When: 130 },
    width: 24,
    height: 6,
  })

/** What known questions have shown. */
export const audits = (): PlacedLater =>
  table({
    title: 'Audits',
    description:
      'The last run of each audit by path and task, whatever time and variables are chosen: share of known questions answered rightly, with a 95 % interval.',
    sql: `
SELECT
    audit AS "Audit",
    path AS "Path",
    task AS "Task",
    multiIf(is_passed IS NULL, '', is_passed, 'yes', 'no') AS "Passed",
    ended_at AS "When",
    answered + failed AS "Questions",
    failed AS "Without answer",
    mean AS "Right",
    mean_low AS "At least",
    mean_high AS "At most",
    minimum AS "Minimum"
FROM v_latest_audits
ORDER BY ifNull(is_passed, 1), audit, path, task
LIMIT 100`,
    units: {
      Questions: 'short',
      'Without answer': 'short',
      Right: 'percentunit',
      'At least': 'percentunit',
      'At most': 'percentunit',
      Minimum: 'percentunit',
      When: 'dateTimeFromNow',
    },
    widths: { Passed: 80, When: 130, 'Without answer': 120 },
    width: 24,
    height: 7,
  })
