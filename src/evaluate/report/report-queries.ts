import { JUDGE } from '../pair-rows.ts'

/** What is reported on: a shadow, its pairs of so many seconds back. */
export type ReportScope = {
  readonly name: string
  readonly sinceSeconds: number
  /** `provider/model`: its pairs alone, and those of the stable model with itself. Undefined: all. */
  readonly candidate?: string | undefined
}

/** The statements of a report. Each answer has at most 10,000 rows, and its columns in the order of the parser. */
export type ReportQueries = {
  readonly verdicts: string
  readonly lengths: string
  readonly calls: string
  readonly savings: string
  readonly failures: string
  readonly worst: string
  readonly funnel: string
}

/** Throws RangeError on a name that no shadow or model can have, since it goes into the text. */
export function reportQueries({ name, sinceSeconds, candidate }: ReportScope): ReportQueries {
  if (!/^[A-Za-z][\w.-]{0,63}(:[A-Za-z][\w.-]{0,63})?$/.test(name))
    throw new RangeError(`no shadow can be called ${name.slice(0, 64)}`)
  const since = `now() - INTERVAL ${Math.max(1, Math.floor(sinceSeconds))} SECOND`
  if (candidate !== undefined && !/^[\w./:@+-]{3,200}$/.test(candidate))
    throw new RangeError(`expected a candidate as provider/model, found ${candidate.slice(0, 64)}`)
  const only =
    candidate === undefined
      ? ''
      : ` AND (is_control OR concat(candidate_provider, '/', candidate_model) = '${candidate}')`
  const pairs = `v_pairs WHERE comparison = '${name}' AND trace_at >= ${since}${only}`
  const calls = pairsOnce(pairs)
  const recent = `started_at >= ${since} - INTERVAL 1 HOUR`
  const kept = `SELECT trace_id FROM contents WHERE received_at >= ${since} AND request_kept IN ('full', 'truncated')`
  const attempts = `(SELECT attempt_id, cost_usd FROM attempts WHERE ${recent})`
  const sides = pairedCalls(pairs, recent)
  return {
    verdicts: `SELECT task, is_control, evaluator, version, round(d, 3) AS d, failure, count() AS pairs, max(paired_at) AS latest, countIf(is_redacted) AS redacted FROM ${pairs} GROUP BY ALL ORDER BY latest DESC LIMIT 10000`,
    lengths: `SELECT version, d, candidate_chars, stable_chars FROM ${pairs} AND evaluator = '${JUDGE}' AND NOT is_control AND d IS NOT NULL AND candidate_chars IS NOT NULL AND stable_chars IS NOT NULL ORDER BY cityHash64(trace_id) LIMIT 10000`,
    calls: `SELECT task, side, provider, model, count(), countIf(cost_usd IS NOT NULL), toFloat64(avg(cost_usd)), avg(list_usd), quantile(0.5)(duration_ms), quantile(0.95)(duration_ms), quantile(0.5)(first_token_ms), quantile(0.95)(first_token_ms) FROM (${sides}) GROUP BY task, side, provider, model ORDER BY task, side DESC, provider, model`,
    savings: `SELECT count(), avg(saved), stddevSamp(saved), avg(stable_usd) FROM (SELECT toFloat64(stable.cost_usd) AS stable_usd, stable_usd - toFloat64(candidate.cost_usd) AS saved FROM ${calls} AS pair INNER JOIN ${attempts} AS stable ON stable.attempt_id = pair.stable_id INNER JOIN ${attempts} AS candidate ON candidate.attempt_id = pair.candidate_id WHERE stable.cost_usd IS NOT NULL AND candidate.cost_usd IS NOT NULL)`,
    failures: `SELECT side, if(error_type != '', error_type, if(error != '', error, toString(outcome))) AS kind, count() AS calls FROM (${sides}) WHERE outcome != 'completed' GROUP BY side, kind ORDER BY calls DESC LIMIT 50`,
    // Evaluators say the same of one request: the judge's word, or the worst of theirs, stands for it.
    worst: `SELECT toString(trace_id), task, d, is_consistent, explanation, trace_id IN (${kept}) FROM ${pairs} AND NOT is_control AND d < 0 ORDER BY evaluator = '${JUDGE}' DESC, d, is_consistent DESC, trace_at DESC LIMIT 1 BY trace_id LIMIT 10`,
    funnel: `SELECT stage, reason, sum(requests) FROM shadow_funnel WHERE shadow = '${name}' AND minute >= ${since} GROUP BY stage, reason ORDER BY stage, reason`,
  }
}

/** One row per pair: the evaluators say several things of the same two calls. */
function pairsOnce(pairs: string): string {
  return `(SELECT task, stable_attempt_id AS stable_id, candidate_attempt_id AS candidate_id FROM ${pairs} AND evaluator = 'answered' AND NOT is_control)`
}

/**
 * Both calls of each pair with a candidate, a row each, for reports and dashboards: `task`, `side` (stable or candidate)
 * and the call. `pairs`: `v_pairs WHERE …`; `inTime`: what bounds the calls, by `started_at`.
 */
export function pairedCalls(pairs: string, inTime: string): string {
  const calls = `SELECT attempt_id, started_at, provider, model, cost_usd, duration_ms, first_token_ms, outcome, error, error_type, list_usd FROM attempts WHERE ${inTime}`
  const sided = `SELECT task, pair.1 AS side, pair.2 AS id FROM ${pairsOnce(pairs)} ARRAY JOIN [('stable', stable_id), ('candidate', candidate_id)] AS pair`
  // The pairs are the fewer by far: they are what is held in memory.
  return `SELECT task, side, call.* FROM (${calls}) AS call INNER JOIN (${sided}) AS sided ON sided.id = call.attempt_id`
}
