import { addPairs, lowerBound, momentsOf, type PairCounts, upperBound } from '../../domain/statistics/paired-betting.ts'
import { type LengthAdjustment, lengthAdjustment, type SizedPair } from '../../domain/statistics/length-adjustment.ts'
import { JUDGE } from '../pair-rows.ts'
import { backedShare, type FunnelRow } from './backed-share.ts'

/** What is known of a shadow, as the queries of `report-queries.ts` tell it. */
export type ReportRows = {
  readonly verdicts: readonly VerdictRow[]
  readonly lengths: readonly (SizedPair & { readonly version: string })[]
  readonly calls: readonly CallsRow[]
  readonly savings: SavingsRow
  readonly failures: readonly { readonly side: Side; readonly kind: string; readonly calls: number }[]
  readonly worst: readonly WorstRow[]
  readonly funnel: readonly FunnelRow[]
}

export type Side = 'stable' | 'candidate'

/** Newest first. `d` undefined: a verdict that is missing, and `failure` says why. */
export type VerdictRow = {
  readonly task: string
  readonly isControl: boolean
  readonly evaluator: string
  readonly version: string
  readonly d: number | undefined
  readonly failure: string
  readonly pairs: number
  /** Of these, pairs whose candidate was sent a redacted prompt. */
  readonly redacted: number
}

/** Costs in US dollars per request, times in milliseconds. */
export type CallsRow = {
  readonly task: string
  readonly side: Side
  readonly provider: string
  readonly model: string
  readonly calls: number
  readonly priced: number
  readonly observedUsd: number | undefined
  readonly listUsd: number | undefined
  readonly durationMsP50: number | undefined
  readonly durationMsP95: number | undefined
  readonly firstTokenMsP50: number | undefined
  readonly firstTokenMsP95: number | undefined
}

/** Over the pairs of which both calls have a price. */
export type SavingsRow = {
  readonly pairs: number
  readonly meanSavedUsd: number | undefined
  readonly deviationUsd: number | undefined
  readonly meanStableUsd: number | undefined
}

export type WorstRow = {
  readonly traceId: string
  readonly task: string
  readonly d: number
  readonly isConsistent: boolean | undefined
  readonly explanation: string
  /** What was asked and answered is stored, and not as a hash alone. */
  readonly hasContent: boolean
}

/** A mean with bounds that all looks together are sure of with 95 %. */
export type Compared = {
  readonly pairs: number
  readonly wins: number
  readonly ties: number
  readonly losses: number
  readonly failed: number
  /** Why verdicts are missing, and how many, the commonest first. */
  readonly failures: readonly (readonly [string, number])[]
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** What the rows of a shadow come to, in numbers. */
export type ShadowFindings = {
  readonly name: string
  /** By which verdicts are given: the judge where it has judged, else whether an answer came at all. */
  readonly evaluator: string
  readonly version: string
  /** Pairs whose candidate was sent a redacted prompt. */
  readonly redactedPairs: number
  /** Pairs judged by other versions, which are left out. */
  readonly otherVersions: number
  readonly pooled: Compared
  readonly tasks: readonly { readonly task: string; readonly compared: Compared }[]
  /** The stable model against itself; undefined where there is no such pair. */
  readonly control: Compared | undefined
  /** Share of losses less that among A/A pairs. */
  readonly excessLosses: number | undefined
  readonly calls: readonly CallsRow[]
  /** Share of the stable model's cost that the candidate saves, with a 95 % interval; undefined without prices. */
  readonly saving: { readonly share: number; readonly low: number; readonly high: number } | undefined
  readonly failures: ReportRows['failures']
  readonly worst: readonly WorstRow[]
  readonly length: LengthAdjustment | undefined
  readonly funnel: ReportRows['funnel']
  /** Share of the eligible requests that the verdicts speak for. */
  readonly backedShare: number
}

/** Two sides of 2.5 % each. */
const ALPHA = 0.025
const NORMAL_95 = 1.959964

/** What the rows of the shadow `name` come to. Pure. */
export function shadowFindings(name: string, rows: ReportRows): ShadowFindings {
  const evaluator = rows.verdicts.some((row) => row.evaluator === JUDGE) ? JUDGE : 'answered'
  const own = rows.verdicts.filter((row) => row.evaluator === evaluator)
  const version = own[0]?.version ?? ''
  const current = own.filter((row) => row.version === version)
  const candidate = current.filter(({ isControl }) => !isControl)
  const controls = current.filter(({ isControl }) => isControl)
  const pooled = comparedOf(candidate)
  const control = controls.length === 0 ? undefined : comparedOf(controls)
  const tasks = [...new Set(candidate.map(({ task }) => task))]
    .sort()
    .map((task) => ({ task, compared: comparedOf(candidate.filter((row) => row.task === task)) }))
  const length = lengthAdjustment(rows.lengths.filter((pair) => pair.version === version))
  const pairsOf = (all: readonly VerdictRow[]): number => all.reduce((sum, { pairs }) => sum + pairs, 0)
  return {
    name,
    evaluator,
    version,
    redactedPairs: candidate.reduce((sum, { redacted }) => sum + redacted, 0),
    otherVersions: pairsOf(own) - pairsOf(current),
    pooled,
    tasks,
    control,
    excessLosses: control === undefined ? undefined : lossesOf(pooled) - lossesOf(control),
    calls: rows.calls,
    saving: savingOf(rows.savings),
    failures: rows.failures,
    worst: rows.worst,
    length,
    funnel: rows.funnel,
    backedShare: backedShare(rows.funnel, pooled.pairs / Math.max(1, pooled.pairs + pooled.failed)),
  }
}

function comparedOf(rows: readonly VerdictRow[]): Compared {
  let counts: PairCounts = []
  let failed = 0
  const failures = new Map<string, number>()
  for (const { d, failure, pairs } of rows) {
    if (d === undefined) {
      failed += pairs
      failures.set(failure, (failures.get(failure) ?? 0) + pairs)
    } else counts = addPairs(counts, [[d, pairs]])
  }
  const total = (holds: (d: number) => boolean): number =>
    counts.reduce((sum, [d, pairs]) => sum + (holds(d) ? pairs : 0), 0)
  return {
    pairs: total(() => true),
    wins: total((d) => d > 0),
    ties: total((d) => d === 0),
    losses: total((d) => d < 0),
    failed,
    failures: [...failures].toSorted(([, one], [, other]) => other - one),
    mean: momentsOf(counts).mean,
    low: lowerBound(counts, ALPHA),
    high: upperBound(counts, ALPHA),
  }
}

function lossesOf({ losses, pairs }: Compared): number {
  return losses / Math.max(1, pairs)
}

function savingOf({ pairs, meanSavedUsd, deviationUsd, meanStableUsd }: SavingsRow): ShadowFindings['saving'] {
  if (pairs < 2 || meanSavedUsd === undefined || deviationUsd === undefined || !meanStableUsd) return undefined
  const half = (NORMAL_95 * deviationUsd) / Math.sqrt(pairs)
  const share = (usd: number): number => usd / meanStableUsd
  return { share: share(meanSavedUsd), low: share(meanSavedUsd - half), high: share(meanSavedUsd + half) }
}
