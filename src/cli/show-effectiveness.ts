import { systemWorld } from '../compose.ts'
import { type Effectiveness, effectiveness, type Estimate, type MatrixCell } from '../domain/feedback/effectiveness.ts'
import { QUALITY_SOURCES, type QualityReading } from '../domain/feedback/readings.ts'
import { yardstickText } from '../domain/feedback/yardstick.ts'
import type { Config } from '../domain/policy.ts'
import { filledIn } from '../store/analyses/filled-in.ts'
import { type Analysis, readAnalysis } from '../store/analyses/read-analysis.ts'
import { type JsonRow, textIn } from './json-rows.ts'
import { picksLines } from './print-picks.ts'
import { plainText, printTable } from './print-rows.ts'
import { readPicks } from './read-picks.ts'
import { policyInForce } from './route-in-force.ts'
import { askRows } from './show-query.ts'
import type { Terminal } from './terminal.ts'

export type EffectivenessOptions = {
  readonly route: string
  readonly baseline: string | undefined
  readonly sinceMs: number
}

/** So long a half-life that every score weighs 1. */
const NO_FADING_MS = 1e15
/** By how much a cheaper model's answer may be judged worse, in d, where the route has no delta of its own. */
const DELTA = 0.05

/** Prints what the routing of `route` has brought. Exit code 1 where there is no such route, or baseline, or traffic. */
export async function showEffectiveness(
  { print, complain }: Terminal,
  config: Config,
  { route: name, baseline: asked, sinceMs }: EffectivenessOptions,
): Promise<number> {
  const { whose, routeNames, routeOf } = await policyInForce(config)
  const route = routeOf(name)
  if (route === undefined) {
    complain(`understudy: there is no route ${name}. Known: ${routeNames.join(', ') || 'none'}. ${whose}`)
    return 1
  }
  const { targets } = route
  const key = asked ?? route.reference ?? targets[0]?.key
  const baseline = targets.find((target) => target.key === key)
  if (baseline === undefined) {
    const known = targets.map((target) => target.key).join(', ') || 'none'
    complain(`understudy: ${name} has no target ${key ?? ''}. Known: ${known}. ${whose}`)
    return 1
  }
  const asOf = Math.floor(systemWorld.now())
  const params = {
    route: name,
    as_of: asOf,
    since: asOf - sinceMs,
    horizon_ms: sinceMs,
    watermark_ms: 0,
    half_life_ms: NO_FADING_MS,
    sources: [...QUALITY_SOURCES],
    one_of: 1,
    changed: { '': 0 },
    quarantined: { '': 0 },
    reference_provider: baseline.provider,
    reference_model: baseline.model ?? '',
    delta: route.delta ?? DELTA,
  }
  const read = (analysis: Analysis): Promise<readonly JsonRow[]> =>
    askRows(config, filledIn(readAnalysis(analysis), params))
  const traffic = (await read('routed-traffic')).map((row) => ({
    ...cellIn(row),
    requests: numberIn(row, 'requests'),
    fallenBack: numberIn(row, 'fallen_back'),
    priced: numberIn(row, 'priced'),
    usd: numberIn(row, 'usd'),
    usdVariance: row['usd_variance'] === null ? undefined : numberIn(row, 'usd_variance'),
  }))
  if (traffic.length === 0) {
    complain(`understudy: no request took the route ${name} in that time.`)
    return 1
  }
  const report = effectiveness({
    baseline: baseline.key,
    traffic,
    quality: (await read('quality-windows')).flatMap(qualityIn),
    accuracy: (await read('routing-accuracy')).map((row) => ({
      task: textIn(row, 'task'),
      pairs: numberIn(row, 'pairs'),
      cheaperWouldDo: numberIn(row, 'cheaper_would_do'),
      dearerWasNeeded: numberIn(row, 'dearer_was_needed'),
    })),
    minimum: route.minimum,
  })
  print(whose)
  for (const line of reportLines(name, report)) print(line)
  const picks = await readPicks(config, { route: name, audit: undefined, since: params.since, asOf })
  for (const line of picksLines(picks)) print(line)
  return 0
}

function reportLines(route: string, report: Effectiveness): readonly string[] {
  const { baseline, requests, saving, savedUsd, quality, fallback, accuracy, matrix } = report
  const backed = `pairs speak for ${percent(report.backedShare)} of the ${report.elsewhere} requests that went elsewhere`
  return [
    `${route}: ${requests} requests, against ${baseline} for all of them.`,
    report.elsewhere === 0
      ? 'Savings: none, since nothing went elsewhere.'
      : !report.isEnough
        ? `Savings: not enough evidence (${backed}, of at least 30.0 %).`
        : saving === undefined || savedUsd === undefined
          ? `Savings: what ${baseline} costs is not known; ${backed}.`
          : `Savings: ${estimate(saving)}, ${savedUsd.toFixed(4)} USD; ${backed}.`,
    quality === undefined
      ? 'Quality: no judged pairs with the baseline.'
      : `Quality: ${signed(quality.mean)} a request (95 %: ${signed(quality.low)} to ${signed(quality.high)}), by judged pairs from -1 to 1.`,
    `Fallbacks: ${estimate(fallback)} of the requests${report.isFallbackHigh ? '. Over 10 %: look at `understudy targets`' : ''}.`,
    accuracy === undefined
      ? 'Right choices: no judged pairs with known costs.'
      : `Right choices: ${estimate(accuracy)} of ${report.pairs} judged pairs: no cheaper model was as good, no dearer one better.`,
    ...(matrix.length === 0 ? [] : [matrixTable(matrix)]),
  ]
}

function matrixTable(matrix: readonly MatrixCell[]): string {
  return printTable({
    columns: ['task', 'model', 'quality [95 %]', 'scores', 'minimum', 'by'],
    rows: matrix.map(({ task, arm, mean, low, high, scores, minimum, isBelow, yardstick }) => [
      task,
      arm,
      `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]${isBelow ? ' below' : ''}`,
      scores.toFixed(0),
      minimum ?? '',
      plainText(yardstickText(yardstick)),
    ]),
  })
}

function qualityIn(row: JsonRow): readonly QualityReading[] {
  const source = QUALITY_SOURCES.find((known) => known === textIn(row, 'source'))
  if (source === undefined) return []
  return [
    {
      ...cellIn(row),
      yardstick: { source, evaluator: textIn(row, 'evaluator'), version: textIn(row, 'version') },
      tally: {
        mass: numberIn(row, 'mass'),
        sum: numberIn(row, 'weighted_sum'),
        squares: numberIn(row, 'weighted_squares'),
      },
      fresh: numberIn(row, 'fresh'),
      freshForAll: numberIn(row, 'fresh_for_all'),
      sinceQuarantine: 0,
      sinceQuarantineForAll: 0,
      latestAt: numberIn(row, 'latest_ms'),
    },
  ]
}

function cellIn(row: JsonRow): { readonly task: string; readonly arm: string } {
  return { task: textIn(row, 'task'), arm: `${textIn(row, 'provider')}/${textIn(row, 'model')}` }
}

/** Counts of 64 bits come as texts. */
function numberIn(row: JsonRow, column: string): number {
  return Number(textIn(row, column))
}

function estimate({ mean, low, high }: Estimate): string {
  return `${percent(mean)} (95 %: ${percent(low)} to ${percent(high)})`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(3)}`
}
