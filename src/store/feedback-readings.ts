import type { ByTask } from '../domain/feedback/decide-weights.ts'
import { QUALITY_SOURCES, type QualityReading, type Readings } from '../domain/feedback/readings.ts'
import type { FeedbackRule } from '../domain/feedback/rule.ts'
import type { EpochMs } from '../domain/units.ts'
import { readAnalysis } from './analyses/read-analysis.ts'
import type { Json, Read, Select } from './client.ts'
import { type Columns, parseAs } from './columns.ts'

/** What the feedback loop asks about one route. */
export type FeedbackWanted = {
  readonly route: string
  readonly asOf: EpochMs
  readonly rule: FeedbackRule
  /** The arm that pairs are read against; undefined: none are. */
  readonly reference: { readonly provider: string; readonly model: string } | undefined
  readonly changedAt: ByTask<EpochMs>
  readonly quarantined: ByTask<ByTask<EpochMs>>
}

const QUALITY = {
  task: 'text',
  provider: 'text',
  model: 'text',
  source: 'text',
  evaluator: 'text',
  version: 'text',
  mass: 'number',
  weighted_sum: 'number',
  weighted_squares: 'number',
  fresh: 'number',
  fresh_for_all: 'number',
  since_quarantine: 'number',
  since_quarantine_for_all: 'number',
  latest_ms: 'number',
} as const satisfies Columns

const COSTS = {
  task: 'text',
  provider: 'text',
  model: 'text',
  kind: 'text',
  requests: 'number',
  mass: 'number',
  weighted_sum: 'number',
  weighted_squares: 'number',
} as const satisfies Columns

const SINCE = 'fromUnixTimestamp64Milli({as_of:Int64} - {horizon_ms:Int64})'
const COUNT = `SELECT sum(rows) AS scores FROM (
  SELECT count() AS rows FROM {database:Identifier}.scores WHERE trace_at > ${SINCE} AND source IN {sources:Array(String)}
  UNION ALL SELECT count() AS rows FROM {database:Identifier}.pairs WHERE trace_at > ${SINCE} AND evaluator = 'judge')`

const FORMAT = 'SETTINGS output_format_json_quote_64bit_integers = 0'

/** So many scores and pairs fit into the memory of a reader; of more, of all routes together, a part tells enough. */
const MOST_SCORES = 500_000

/** What the analyses say of a route, read with `select`. The same time gets the same answers, but for rows that come late. */
export async function readFeedback(
  select: Select,
  database: string,
  wanted: FeedbackWanted,
  signal: AbortSignal,
  mostScores = MOST_SCORES,
): Promise<Read<Readings>> {
  const { route, asOf, rule, reference, changedAt, quarantined } = wanted
  const params: Readonly<Record<string, Json>> = {
    database,
    route,
    as_of: asOf,
    horizon_ms: rule.horizonMs,
    watermark_ms: rule.watermarkMs,
    half_life_ms: rule.halfLifeMs,
    sources: [...QUALITY_SOURCES],
    changed: changedAt,
    quarantined: quarantineKeys(quarantined),
    reference_provider: reference?.provider ?? '',
    reference_model: reference?.model ?? '',
  }
  const counted = await select(
    { name: 'feedback_scores', sql: `${COUNT} ${FORMAT}`, params, parse: parseAs({ scores: 'number' }) },
    signal,
  )
  if (counted.kind === 'unavailable') return counted
  const [{ scores } = { scores: 0 }] = counted.value
  const quality = await select(
    {
      name: 'feedback_quality',
      sql: `${readAnalysis('quality-windows')} ${FORMAT}`,
      params: { ...params, one_of: Math.max(1, Math.ceil(scores / mostScores)) },
      parse: parseAs(QUALITY),
    },
    signal,
  )
  if (quality.kind === 'unavailable') return quality
  const costs = await select(
    { name: 'feedback_costs', sql: `${readAnalysis('request-costs')} ${FORMAT}`, params, parse: parseAs(COSTS) },
    signal,
  )
  if (costs.kind === 'unavailable') return costs
  return {
    kind: 'ok',
    value: {
      asOf,
      quality: quality.value.flatMap((row): readonly QualityReading[] => {
        const source = QUALITY_SOURCES.find((known) => known === row.source)
        if (source === undefined) return []
        const { task, evaluator, version, fresh } = row
        return [
          {
            task,
            arm: `${row.provider}/${row.model}`,
            yardstick: { source, evaluator, version },
            tally: { mass: row.mass, sum: row.weighted_sum, squares: row.weighted_squares },
            fresh,
            freshForAll: row.fresh_for_all,
            sinceQuarantine: row.since_quarantine,
            sinceQuarantineForAll: row.since_quarantine_for_all,
            latestAt: row.latest_ms,
          },
        ]
      }),
      costs: costs.value.map((row) => ({
        task: row.task,
        arm: `${row.provider}/${row.model}`,
        kind: row.kind === 'shadow' ? 'shadow' : 'live',
        tally: { mass: row.mass, sum: row.weighted_sum, squares: row.weighted_squares },
        requests: row.requests,
      })),
    },
  }
}

/** As the query knows them: `task\nprovider/model`. */
function quarantineKeys(quarantined: FeedbackWanted['quarantined']): Readonly<Record<string, EpochMs>> {
  return Object.fromEntries(
    Object.entries(quarantined).flatMap(([task, arms]) =>
      Object.entries(arms).map(([arm, since]) => [`${task}\n${arm}`, since] as const),
    ),
  )
}
