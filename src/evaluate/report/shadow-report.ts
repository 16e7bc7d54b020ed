import { survivesLength } from '../../domain/statistics/length-adjustment.ts'
import { JUDGE } from '../pair-rows.ts'
import {
  type CallsRow,
  type Compared,
  type ReportRows,
  type ShadowFindings,
  shadowFindings,
  type Side,
} from './shadow-findings.ts'

/** What a shadow has shown, in numbers and in words. */
export type ShadowReport = ShadowFindings & { readonly warnings: readonly string[]; readonly verdict: string }

/** With fewer verdicts nothing is said. */
const LEAST_PAIRS = 50
/** Below it a saving is not published. */
const LEAST_BACKED_SHARE = 0.3
const MOST_FAILED_SHARE = 0.05

/** Draws up what a shadow has shown. `margin`: by how much the candidate may be worse and still be good enough. Pure. */
export function shadowReport(name: string, rows: ReportRows, margin: number): ShadowReport {
  const findings = shadowFindings(name, rows)
  return { ...findings, warnings: warningsOf(findings, margin), verdict: verdictOf(findings, margin) }
}

/** A shadow may have several candidates, and has had others before its file was edited. */
function modelsOf(calls: readonly CallsRow[], side: Side): readonly string[] {
  return [...new Set(calls.flatMap((row) => (row.side === side ? [row.model] : [])))].sort()
}

/** Identical models differ: the judge, or what leads to it, is broken. */
function isControlOff(control: Compared | undefined): boolean {
  return control !== undefined && (control.low > 0 || control.high < 0)
}

function isFailingOften({ pooled: { pairs, failed } }: ShadowFindings): boolean {
  return pairs + failed >= LEAST_PAIRS && failed / (pairs + failed) > MOST_FAILED_SHARE
}

function warningsOf(findings: ShadowFindings, margin: number): readonly string[] {
  const { control, length, pooled, otherVersions } = findings
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
  if (isFailingOften(findings)) {
    warnings.push(
      `${percent(pooled.failed / (pooled.pairs + pooled.failed))} of the verdicts are missing; 5 % are borne. Why: ${pooled.failures.map(([why, count]) => `${why} ${count}`).join(', ')}.`,
    )
    if (pooled.failures.some(([why]) => why === 'unpriced')) {
      warnings.push("The judge's model has no price, so it was not asked: give it one in `prices:`.")
    }
  }
  const candidates = modelsOf(findings.calls, 'candidate')
  if (candidates.length > 1) {
    warnings.push(
      `The pairs are of ${candidates.length} candidates (${candidates.join(', ')}), taken together: --candidate PROVIDER/MODEL tells of one.`,
    )
  }
  if (findings.redactedPairs > 0) {
    warnings.push(
      `${findings.redactedPairs} of the pairs are redacted: the candidate answered a prompt of which something was taken out.`,
    )
  }
  if (otherVersions > 0) warnings.push(`${otherVersions} pairs of other versions of the judge are left out.`)
  return warnings
}

/** One sentence. A saving is said only with its baseline, its interval and the share of pairs behind it. */
function verdictOf(findings: ShadowFindings, margin: number): string {
  const { pooled, control, length, saving, backedShare: backed, calls } = findings
  const model = (side: Side): string => modelsOf(calls, side).join(' + ') || `the ${side} model`
  const [candidate, stable] = [model('candidate'), model('stable')]
  if (pooled.pairs + pooled.failed === 0) return nothingYet(findings)
  if (pooled.pairs < LEAST_PAIRS || backed < LEAST_BACKED_SHARE) {
    return `Not enough evidence: ${pooled.pairs} verdicts of at least ${LEAST_PAIRS}, which speak for ${percent(backed)} of the traffic of at least ${percent(LEAST_BACKED_SHARE)}.`
  }
  if (isControlOff(control)) return `No verdict: the stable model differs from itself by ${interval(control)}.`
  if (isFailingOften(findings)) return 'No verdict: too many verdicts of the judge are missing.'
  if (length?.isLengthMoved === true && !survivesLength(length, margin)) {
    return 'No verdict: it would be another one if both models wrote answers of equal length.'
  }
  const cost =
    saving === undefined
      ? 'what it costs is not known for want of prices'
      : `it costs ${percent(Math.abs(saving.share))} ${saving.share >= 0 ? 'less' : 'more'} than ${stable} (95 %: ${percent(saving.low)} to ${percent(saving.high)} saved; evidence speaks for ${percent(backed)} of the traffic)`
  const seen = `d ${interval(pooled)} over ${pooled.pairs} pairs`
  if (findings.evaluator !== JUDGE) return `${answersSaid(findings, margin, candidate, stable)} (${seen}); ${cost}.`
  if (pooled.low >= -margin)
    return `${candidate} is not worse than ${stable} by more than ${margin} (${seen}); ${cost}.`
  if (pooled.high < -margin) return `${candidate} is worse than ${stable} by more than ${margin} (${seen}); ${cost}.`
  return `Inconclusive: ${candidate} may or may not be worse than ${stable} by more than ${margin} (${seen}).`
}

/** Without a judge all that is known is whether answers came at all. */
function answersSaid({ pooled }: ShadowFindings, margin: number, candidate: string, stable: string): string {
  const unjudged = 'how good its answers are is not known, since no judge has read them'
  if (pooled.low >= -margin) return `${candidate} answers no less often than ${stable}, within ${margin}; ${unjudged}`
  if (pooled.high < -margin) return `${candidate} answers less often than ${stable}, by more than ${margin}`
  return `Inconclusive: ${candidate} may or may not answer less often than ${stable} by more than ${margin}; ${unjudged}`
}

/** Why there is nothing to say, by what became of the requests. */
function nothingYet({ funnel }: ShadowFindings): string {
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

export function signed(value: number): string {
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(3)}`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
