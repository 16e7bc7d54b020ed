import { addPairs, lowerBound, momentsOf, type PairCounts, upperBound } from '../../domain/statistics/paired-betting.ts'
import {
  type LengthAdjustment,
  lengthAdjustment,
  type SizedPair,
  survivesLength,
} from '../../domain/statistics/length-adjustment.ts'
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

export type ShadowReport = {
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
  readonly warnings: readonly string[]
  readonly verdict: string
}

/** Two sides of 2.5 % each. */
const ALPHA = 0.025
/** With fewer verdicts nothing is said. */
const LEAST_PAIRS = 50
/** Below it a saving is not published. */
const LEAST_BACKED_SHARE = 0.3
const MOST_FAILED_SHARE = 0.05
const NORMAL_95 = 1.959964

/** Draws up what a shadow has shown. `margin`: by how much the candidate may be worse and still be good enough. Pure. */
export function shadowReport(name: string, rows: ReportRows, margin: number): ShadowReport {
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
  const draft = {
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
  const warnings = warningsOf(draft, margin)
  return { ...draft, warnings, verdict: verdictOf(draft, margin) }
}

/** A shadow may have several candidates, and has had others before its file was edited. */
function modelsOf(calls: readonly CallsRow[], side: Side): readonly string[] {
  return [...new Set(calls.flatMap((row) => (row.side === side ? [row.model] : [])))].sort()
}

type Draft = Omit<ShadowReport, 'warnings' | 'verdict'>

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

function savingOf({ pairs, meanSavedUsd, deviationUsd, meanStableUsd }: SavingsRow): ShadowReport['saving'] {
  if (pairs < 2 || meanSavedUsd === undefined || deviationUsd === undefined || !meanStableUsd) return undefined
  const half = (NORMAL_95 * deviationUsd) / Math.sqrt(pairs)
  const share = (usd: number): number => usd / meanStableUsd
  return { share: share(meanSavedUsd), low: share(meanSavedUsd - half), high: share(meanSavedUsd + half) }
}

/** Identical models differ: the judge, or what leads to it, is broken. */
function isControlOff(control: Compared | undefined): boolean {
  return control !== undefined && (control.low > 0 || control.high < 0)
}

function isFailingOften({ pooled: { pairs, failed } }: Draft): boolean {
  return pairs + failed >= LEAST_PAIRS && failed / (pairs + failed) > MOST_FAILED_SHARE
}

function warningsOf(draft: Draft, margin: number): readonly string[] {
  const { control, length, pooled, otherVersions } = draft
  const warnings: string[] = []
  if (isControlOff(control)) {
    warnings.push(`A/A: the stable model differs from itself by ${interval(control)}; no verdict can be trusted.`)
  }
  if (length?.isLengthMoved === true) {
    const held = survivesLength(length, margin) ? 'the verdict is the same' : 'the verdict is another'
    warnings.push(
      `Length bias: longer answers win (d changes by ${signed(length.slope)} per unit of relative length). At equal length the mean is ${signed(length.adjustedMeanD)} instead of ${signed(length.meanD)}: ${held}.`,
    )
  }
  if (isFailingOften(draft)) {
    warnings.push(
      `${percent(pooled.failed / (pooled.pairs + pooled.failed))} of the verdicts are missing; 5 % are borne. Why: ${pooled.failures.map(([why, count]) => `${why} ${count}`).join(', ')}.`,
    )
    if (pooled.failures.some(([why]) => why === 'unpriced')) {
      warnings.push("The judge's model has no price, so it was not asked: give it one in `prices:`.")
    }
  }
  const candidates = modelsOf(draft.calls, 'candidate')
  if (candidates.length > 1) {
    warnings.push(
      `The pairs are of ${candidates.length} candidates (${candidates.join(', ')}), taken together: --candidate PROVIDER/MODEL tells of one.`,
    )
  }
  if (draft.redactedPairs > 0) {
    warnings.push(
      `${draft.redactedPairs} of the pairs are redacted: the candidate answered a prompt of which something was taken out.`,
    )
  }
  if (otherVersions > 0) warnings.push(`${otherVersions} pairs of other versions of the judge are left out.`)
  return warnings
}

/** One sentence. A saving is said only with its baseline, its interval and the share of pairs behind it. */
function verdictOf(draft: Draft, margin: number): string {
  const { pooled, control, length, saving, backedShare: backed, calls } = draft
  const model = (side: Side): string => modelsOf(calls, side).join(' + ') || `the ${side} model`
  const [candidate, stable] = [model('candidate'), model('stable')]
  if (pooled.pairs + pooled.failed === 0) return nothingYet(draft)
  if (pooled.pairs < LEAST_PAIRS || backed < LEAST_BACKED_SHARE) {
    return `Not enough evidence: ${pooled.pairs} verdicts of at least ${LEAST_PAIRS}, which speak for ${percent(backed)} of the traffic of at least ${percent(LEAST_BACKED_SHARE)}.`
  }
  if (isControlOff(control)) return `No verdict: the stable model differs from itself by ${interval(control)}.`
  if (isFailingOften(draft)) return 'No verdict: too many verdicts of the judge are missing.'
  if (length?.isLengthMoved === true && !survivesLength(length, margin)) {
    return 'No verdict: it would be another one if both models wrote answers of equal length.'
  }
  const cost =
    saving === undefined
      ? 'what it costs is not known for want of prices'
      : `it costs ${percent(Math.abs(saving.share))} ${saving.share >= 0 ? 'less' : 'more'} than ${stable} (95 %: ${percent(saving.low)} to ${percent(saving.high)} saved; evidence speaks for ${percent(backed)} of the traffic)`
  const seen = `d ${interval(pooled)} over ${pooled.pairs} pairs`
  if (draft.evaluator !== JUDGE) return `${answersSaid(draft, margin, candidate, stable)} (${seen}); ${cost}.`
  if (pooled.low >= -margin)
    return `${candidate} is not worse than ${stable} by more than ${margin} (${seen}); ${cost}.`
  if (pooled.high < -margin) return `${candidate} is worse than ${stable} by more than ${margin} (${seen}); ${cost}.`
  return `Inconclusive: ${candidate} may or may not be worse than ${stable} by more than ${margin} (${seen}).`
}

/** Without a judge all that is known is whether answers came at all. */
function answersSaid({ pooled }: Draft, margin: number, candidate: string, stable: string): string {
  const unjudged = 'how good its answers are is not known, since no judge has read them'
  if (pooled.low >= -margin) return `${candidate} answers no less often than ${stable}, within ${margin}; ${unjudged}`
  if (pooled.high < -margin) return `${candidate} answers less often than ${stable}, by more than ${margin}`
  return `Inconclusive: ${candidate} may or may not answer less often than ${stable} by more than ${margin}; ${unjudged}`
}

/** Why there is nothing to say, by what became of the requests. */
function nothingYet({ funnel }: Draft): string {
  const at = (stage: string): number => funnel.reduce((sum, row) => sum + (row.stage === stage ? row.requests : 0), 0)
  const why = (stage: string): string =>
    funnel
      .filter((row) => row.stage === stage)
      .toSorted((one, other) => other.requests - one.requests)
      .slice(0, 3)
      .map(({ reason, requests }) => `${reason} ${requests}`)
      .join(', ')
  if (at('eligible') === 0) return 'Nothing yet: no request has matched this shadow. Rows take a second or two to come.'
  if (at('mirrored') === 0) {
    return `Nothing yet: of ${at('eligible')} requests that matched none was mirrored (${why('skipped')}).`
  }
  if (at('compared') === 0) {
    return `Nothing yet: of ${at('mirrored')} mirrored requests none came to be compared (${why('failed')}).`
  }
  return `Nothing yet: ${at('compared')} pairs were compared, none of the candidate's; the others are A/A.`
}

export function interval(compared: Pick<Compared, 'mean' | 'low' | 'high'> | undefined): string {
  if (compared === undefined) return '-'
  return `${signed(compared.mean)} [${signed(compared.low)}, ${signed(compared.high)}]`
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(3)}`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
