// Of route `counted`, written apart from the analyses that the report reads.

const USD = 'toFloat64(cost_usd)'

/** What small saved against large, task by task, with the error of large's mean. */
export const SAVING_BY_HAND = `
  SELECT toFloat64(sum(n)) AS n, toFloat64(sum(elsewhere)) AS moved, sum(priced * mean - spent) AS saved,
    sum(priced * mean + own) AS whole, sqrt(sum(pow(priced * error, 2))) AS error
  FROM (
    SELECT count() AS n, countIf(target_model = 'small') AS elsewhere,
      countIf(target_model = 'small' AND cost_usd IS NOT NULL) AS priced, avgIf(${USD}, target_model = 'large') AS mean,
      stddevSampIf(${USD}, target_model = 'large') / sqrt(countIf(target_model = 'large' AND cost_usd IS NOT NULL)) AS error,
      sumIf(${USD}, target_model = 'small') AS spent, sumIf(${USD}, target_model = 'large') AS own
    FROM traces WHERE route = 'counted' AND NOT mapContains(tags, 'audit') GROUP BY task)`

/** How often the model that answered was the right one, of pairs with costs. */
export const RIGHT_BY_HAND = `
  SELECT toFloat64(count()) AS pairs, 1 - avg(cheaper OR dearer) AS share FROM (
    SELECT c.cost_usd < s.cost_usd AND d >= -0.05 AS cheaper, c.cost_usd > s.cost_usd AND d > 0.05 AS dearer
    FROM pairs INNER JOIN attempts AS s ON s.attempt_id = stable_attempt_id
    INNER JOIN attempts AS c ON c.attempt_id = candidate_attempt_id
    WHERE pairs.route = 'counted' AND NOT is_control AND s.cost_usd IS NOT NULL AND c.cost_usd IS NOT NULL)`

/** Each model at each task by the judge, of each unit and day the first score. */
export const MATRIX_BY_HAND = `
  SELECT task, target_model AS model, avg(first) AS mean, stddevSamp(first) / sqrt(count()) AS error, toFloat64(count()) AS n
  FROM (
    SELECT any(t.task) AS task, target_model, argMin(s.value, s.scored_at) AS first
    FROM traces AS t INNER JOIN scores AS s ON s.trace_id = t.trace_id
    WHERE t.route = 'counted' AND NOT mapContains(tags, 'audit')
    GROUP BY t.task, target_model, toDate(received_at), if(unit = '', toString(t.trace_id), unit))
  GROUP BY task, model ORDER BY task, model`
