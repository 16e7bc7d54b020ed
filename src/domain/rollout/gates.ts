import { survivesLength } from '../statistics/length-adjustment.ts'
import { coverageOf, missingByArm } from '../statistics/missingness.ts'
import { lowerBound, momentsOf, upperBound } from '../statistics/paired-betting.ts'
import { sampleRatioEvidence } from '../statistics/sample-ratio.ts'
import type { EpochMs } from '../units.ts'
import type { Readings } from './evidence.ts'
import { type HoldReason, type LivePhase, sharesOf } from './phase.ts'
import { gateOf, type Rollout } from './rollout.ts'

/** Why the evidence may not be acted on. */
export type Fault = { readonly reason: HoldReason; readonly because: string }

const LEAST_SAMPLE_RATIO_E = Math.log(1000)
/** Instances take some seconds to follow a step, and deal a few units by the old shares, to an arm that has none now. */
const MANY_STRAYS = 20
const MOST_STRAYS = 0.01
const MOST_IN_BOTH = 0.01
const LEAST_COVERAGE = 0.9
/** Below this many expected scores a share of them means nothing yet. */
const LEAST_EXPECTED = 20
const LEAST_MISSING_P = 0.01
const MOST_FAILED_VERDICTS = 0.05
const AA_ALPHA = 0.05

/** The first of the health gates that does not hold; undefined when the evidence is sound. */
export function faultOf(rollout: Rollout, live: LivePhase, readings: Readings, now: EpochMs): Fault | undefined {
  return (
    staleness(rollout, readings, now) ??
    mixedUp(live, readings) ??
    missing(readings) ??
    unlike(readings) ??
    judgeFault(rollout, live, readings)
  )
}

function staleness({ staleAfterMs }: Rollout, { asOf }: Readings, now: EpochMs): Fault | undefined {
  const ageMs = now - asOf
  if (ageMs <= staleAfterMs) return undefined
  return { reason: 'stale_data', because: `the newest complete data is ${Math.round(ageMs / 60_000)} min old` }
}

function mixedUp(live: LivePhase, { units }: Readings): Fault | undefined {
  const { candidate, control } = sharesOf(live)
  const cells = [
    { observed: units.candidate, share: candidate },
    { observed: units.control, share: control },
    { observed: units.neither, share: 1 - candidate - control },
  ]
  const logE = sampleRatioEvidence(cells.filter(({ share }) => share > 0))
  const strays = cells.reduce((sum, { observed, share }) => sum + (share > 0 ? 0 : observed), 0)
  const all = units.candidate + units.control + units.neither
  if (logE >= LEAST_SAMPLE_RATIO_E || (strays >= MANY_STRAYS && strays / all >= MOST_STRAYS)) {
    const fell = cells.map(({ observed }) => observed).join(' / ')
    return {
      reason: 'sample_ratio',
      because: `units fell ${fell} to candidate / control / neither (ln E ${fixed(logE)})`,
    }
  }
  const seen = units.compared ?? units.candidate + units.control
  if (seen > 0 && units.inBoth / seen >= MOST_IN_BOTH) {
    return { reason: 'both_arms', because: `${units.inBoth} of ${seen} units were seen in both arms` }
  }
  return undefined
}

function missing({ scores }: Readings): Fault | undefined {
  const { candidate, control } = scores
  const coverage = coverageOf([candidate, control])
  if (coverage === undefined || candidate.expected + control.expected < LEAST_EXPECTED) return undefined
  if (coverage < LEAST_COVERAGE) {
    return { reason: 'coverage', because: `only ${percent(coverage)} of the scores that are due have come` }
  }
  // Not made for continuous looks, and kept because it is quick: between equals it holds in one stage of ten, for 1 % of
  // the time, and a real imbalance of 6 % against 2 % is seen four times as soon as by an e-value.
  const p = missingByArm(candidate, control)
  if (p >= LEAST_MISSING_P) return undefined
  return { reason: 'missing_by_arm', because: `scores are missing more often in one arm (p ${p.toPrecision(2)})` }
}

/** A metric that only speaks of some answers, or people who do, and of more of one arm's, compare what is not alike. */
function unlike({ applied }: Readings): Fault | undefined {
  if (applied === undefined || applied.candidate.expected + applied.control.expected < LEAST_EXPECTED) return undefined
  const p = missingByArm(applied.candidate, applied.control)
  if (p >= LEAST_MISSING_P) return undefined
  return {
    reason: 'missing_by_arm',
    because: `the answers of one arm have a score more often (p ${p.toPrecision(2)})`,
  }
}

function judgeFault(rollout: Rollout, live: LivePhase, { judge, quality }: Readings): Fault | undefined {
  const { asked, failed, sameWithSame, length } = judge
  const all = asked.candidate + asked.control
  const share = all === 0 ? 0 : (failed.candidate + failed.control) / all
  if (all >= LEAST_EXPECTED && share > MOST_FAILED_VERDICTS) {
    return { reason: 'judge_failing', because: `${percent(share)} of the judge's verdicts failed` }
  }
  const p = missingByArm(verdicts(asked.candidate, failed.candidate), verdicts(asked.control, failed.control))
  if (all >= LEAST_EXPECTED && p < LEAST_MISSING_P) {
    return { reason: 'judge_failing', because: `the judge fails more often in one arm (p ${p.toPrecision(2)})` }
  }
  // Both sides at half the error, so that the interval keeps its word.
  const low = lowerBound(sameWithSame, AA_ALPHA / 2)
  const high = upperBound(sameWithSame, AA_ALPHA / 2)
  if (low > 0 || high < 0) {
    const { mean } = momentsOf(sameWithSame)
    return { reason: 'judge_biased', because: `stable against itself comes to ${fixed(mean)}, which should be 0` }
  }
  const margin = gateOf(rollout.plan, live)?.qualityMargin
  if (length?.isLengthMoved === true && margin !== undefined && !survivesLength(length, margin)) {
    const [mean, adjusted] = [fixed(length.meanD), fixed(length.adjustedMeanD)]
    return {
      reason: 'judge_biased',
      because: `the verdict hangs on length: the mean difference is ${mean}, and ${adjusted} for answers of equal length`,
    }
  }
  if (judge.isTrusted || rollout.isJudgeTrustWaived) return undefined
  // Trust is in the judge as it was asked in this stage; it has not been yet, and nothing goes on without its pairs.
  if (all === 0 && quality.every(({ pairs }) => pairs.length === 0)) return undefined
  return {
    reason: 'judge_untrusted',
    because:
      "the judge's agreement with people has not been shown (npx understudy judge calibrate; trust_judge: true goes without)",
  }
}

function verdicts(asked: number, failed: number) {
  return { expected: asked, scored: asked - failed }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

function fixed(value: number): string {
  return value.toFixed(3)
}
