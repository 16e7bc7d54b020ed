import { OF_EVALUATOR, OF_MODEL, OF_ROUTE, OF_TASK } from './filters.ts'

/** Scores are of the answer that a client got where no call is named. */
export const SERVED = "attempt_id = toUUID('00000000-0000-0000-0000-000000000000')"

/** Scores of served answers in the time shown, where `filter` holds. Missing ones have a value of NULL. */
export const servedScores = (filter: string): string => `
FROM v_scores AS score
WHERE $__timeFilter(trace_at) AND ${filter} AND ${SERVED}`

/**
 * Narrows scores to one evaluator, and to its newest version: scores of two versions are never mixed. What an application
 * says has no version.
 */
export const BY_ONE = ` AND ${OF_EVALUATOR}
  AND version = (SELECT argMax(version, scored_at) FROM scores WHERE $__timeFilter(trace_at) AND ${OF_EVALUATOR})`

export const SCORES = servedScores(`${OF_ROUTE} AND ${OF_TASK} AND ${OF_MODEL}`)
export const SCORES_OF_ONE = `${SCORES}${BY_ONE}`

/** Least acceptable quality by task, as the policy that came last says; see config/clickhouse/090_policy_limits.sql. */
export const MINIMUM = '(SELECT argMax(quality_minimum, applied_at) FROM policy_versions)'
