import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board } from './board.ts'
import { type PlacedLater, table, type TableSpec } from './panel.ts'

/** Rows about the request whose id is in the variable, at any time. */
const OF_TRACE = 'trace_id = toUUIDOrZero(${trace:singlequote})'

const rows = (spec: Omit<TableSpec, 'width'>): PlacedLater => table({ height: 7, ...spec, width: 24 })

/** One request in full: where links from other dashboards lead. */
export const trace = (): Dashboard =>
  board({
    uid: 'understudy-trace',
    title: 'Understudy: one trace',
    description: 'One request, the calls that were made for it, and what was said of the answers. Give its id above.',
    variables: ['trace'],
    rows: [
      [
        rows({
          height: 4,
          title: 'Request',
          description: 'What was asked, decided and answered.',
          sql: `
SELECT
    received_at AS "When",
    route AS "Route",
    task AS "Task",
    complexity AS "Complexity",
    requested_model AS "Asked for",
    target_model AS "Answered by",
    arrayStringConcat(reasons, ', ') AS "Why",
    outcome AS "Outcome",
    toString(status) AS "Status",
    request.cost_usd::Nullable(Float64) AS "Cost",
    duration_ms AS "Time",
    first_token_ms AS "First token",
    overhead_ms AS "Overhead"
FROM traces AS request
WHERE ${OF_TRACE}
LIMIT 10`,
          units: {
            When: 'dateTimeFromNow',
            Cost: 'currencyUSD',
            Time: 'ms',
            'First token': 'ms',
            Overhead: 'ms',
          },
          widths: {
            When: 130,
            Complexity: 100,
            Outcome: 100,
            Status: 65,
            Cost: 95,
            Time: 85,
            'First token': 95,
            Overhead: 95,
          },
        }),
      ],
      [
        rows({
          title: 'Calls',
          description: 'Every upstream call: for the client, for shadows, for judges; in the order of their start.',
          sql: `
SELECT
    started_at AS "When",
    role AS "Made for",
    provider AS "Provider",
    model AS "Model",
    outcome AS "Outcome",
    toString(status) AS "Status",
    if(error != '', error, error_type) AS "Error",
    fallback_reason AS "Fallback because",
    call.input_tokens AS "Input tokens",
    call.output_tokens AS "Output tokens",
    call.cost_usd::Nullable(Float64) AS "Cost",
    duration_ms AS "Time",
    first_token_ms AS "First token"
FROM attempts AS call
WHERE ${OF_TRACE}
ORDER BY started_at, position
LIMIT 100`,
          units: {
            When: 'dateTimeFromNow',
            'Input tokens': 'short',
            'Output tokens': 'short',
            Cost: 'currencyUSD',
            Time: 'ms',
            'First token': 'ms',
          },
          widths: {
            When: 130,
            'Made for': 90,
            Outcome: 100,
            Status: 65,
            'Input tokens': 110,
            'Output tokens': 115,
            Cost: 95,
            Time: 85,
            'First token': 95,
          },
        }),
      ],
      [
        rows({
          height: 5,
          title: 'Scores',
          description: 'What evaluators, judges, applications and people said of the answers.',
          sql: `
SELECT
    scored_at AS "When",
    source AS "Source",
    evaluator AS "Scored by",
    version AS "Version",
    model AS "Model",
    failure AS "Missing because",
    score.value AS "Score"
FROM v_scores AS score
WHERE ${OF_TRACE}
ORDER BY scored_at, evaluator
LIMIT 100`,
          units: { When: 'dateTimeFromNow', Score: 'percentunit' },
          widths: { When: 130, Source: 120, Score: 90 },
        }),
      ],
      [
        rows({
          height: 5,
          title: 'Comparisons',
          description: 'Its answer against those of candidates, from −1 (candidate worse) to 1 (better).',
          sql: `
SELECT
    paired_at AS "When",
    comparison AS "Comparison",
    if(is_control, 'A/A', 'candidate') AS "Kind",
    evaluator AS "Compared by",
    stable_model AS "Stable",
    candidate_model AS "Candidate",
    failure AS "Missing because",
    d AS "Difference"
FROM v_pairs
WHERE ${OF_TRACE}
ORDER BY paired_at, evaluator
LIMIT 100`,
          units: { When: 'dateTimeFromNow', Difference: 'none' },
          widths: { When: 130, Kind: 110, Difference: 100 },
        }),
      ],
    ],
  })
