import type { EpochMs } from '../units.ts'
import { advance, type Rule, timeInStage } from './advance.ts'
import { boundsOf, type Check } from './assess.ts'
import type { Evidence } from './evidence.ts'
import { type LivePhase, livePhaseOf, type Phase, phaseText } from './phase.ts'
import { pairsNeeded, TYPICAL_VARIANCE } from './pairs-needed.ts'
import { gateOf, type Rollout } from './rollout.ts'
import type { RolloutState } from './rollout-state.ts'

/** Why a rollout is where it is, and what it still needs. */
export type Explanation = {
  /** The phase, and what the next look would decide. */
  readonly headline: string
  readonly lines: readonly string[]
  /** Until the stage may be left, if all goes on as it has; undefined where that cannot be told. */
  readonly readyInMs: number | undefined
}

/** What `advance` would say of this evidence now, in words, with how far each guardrail has come. */
export function explain(rollout: Rollout, state: RolloutState, evidence: Evidence, now: EpochMs): Explanation {
  const { because, checks, rule, action } = advance(rollout, state, evidence, now)
  const headline = `${rollout.name}: ${phaseText(state.phase)}; ${action === 'none' ? 'no decision' : action} (${rule})`
  const live = livePhaseOf(state.phase)
  if (live === undefined) {
    return { headline, lines: [...because, ...leftToDo(rollout, state.phase)], readyInMs: undefined }
  }
  const spentMs = timeInStage(state, now)
  const gate = gateOf(rollout.plan, live)
  const minPairs = gate?.minPairs ?? rollout.plan.bake.minPairs
  const fewest = checks
    .filter(({ guardrail }) => guardrail === 'quality')
    .map((check) => fewestOf(check, minPairs, spentMs))
  const progress = checks
    .filter(({ nonInferior }) => nonInferior !== undefined)
    .map((check) => progressOf(rollout, check, live, spentMs))
  const dwellMs = gate?.dwellMs ?? rollout.plan.bake.durationMs
  const waits = [Math.max(0, dwellMs - spentMs), ...[...fewest, ...progress].map(({ readyInMs }) => readyInMs)]
  const known = waits.filter((wait) => wait !== undefined)
  return {
    headline,
    lines: [
      ...because,
      ...byHand(rollout, rule),
      // What is still to be shown takes more pairs than there must be; in the bake nothing is.
      ...(gate === undefined ? fewest.map(({ line }) => line) : []),
      ...progress.map(({ line }) => line),
      ...checks.filter(({ harm }) => harm !== undefined).map((check) => harmLine(rollout, check)),
    ],
    readyInMs: ON_ITS_WAY.has(rule) && known.length === waits.length ? Math.max(...known) : undefined,
  }
}

/** Rules by which time and traffic alone may lead on; under all others something, or somebody, has to change first. */
const ON_ITS_WAY: ReadonlySet<Rule> = new Set(['dwell', 'pairs', 'inconclusive', 'timeout', 'non_inferior', 'baked'])

/** What a person may do about a rollout that waits for one. */
function byHand({ name }: Rollout, rule: Rule): readonly string[] {
  const verb = (what: string): string => `npx understudy rollout ${what} ${name}`
  if (rule === 'paused') return [`to let it go on: ${verb('resume')}; to take the candidate away: ${verb('rollback')}`]
  return rule === 'approval' ? [`to let it go on: ${verb('approve')}`] : []
}

/** What a person may do next about a rollout that nothing moves any more, or nothing yet. */
function leftToDo({ name, route, stable, candidate }: Rollout, phase: Phase): readonly string[] {
  const retry = `npx understudy rollout retry ${name}`
  switch (phase.kind) {
    // It leads everybody to its candidate until the file does.
    case 'succeeded':
      return [`write ${candidate.key} for ${stable.key} in routes.${route} and take rollouts.${name} out of the file`]
    case 'draft':
      return [`to begin: npx understudy rollout start ${name}`]
    case 'rolled_back':
      return [`to try it again, from ${new Date(phase.cooldownUntil).toISOString()} on: ${retry}`]
    case 'aborted':
    case 'superseded':
      return [`to try it again: ${retry}`]
    case 'shadow':
    case 'ramping':
    case 'baking':
    case 'paused':
    case 'holding':
      return []
  }
}

type Progress = { readonly line: string; readonly readyInMs: number | undefined }

/** How far a stage has come to the pairs that there must be. */
function fewestOf({ guardrail, task, count }: Check, minPairs: number, spentMs: number): Progress {
  const line = `${guardrail} (${task}): ${grouped(count)} of at least ${grouped(minPairs)} pairs`
  if (count >= minPairs) return { line, readyInMs: 0 }
  return atThisRate(line, minPairs - count, count, spentMs)
}

function atThisRate(line: string, left: number, count: number, spentMs: number): Progress {
  if (count === 0) return { line, readyInMs: undefined }
  const readyInMs = (left * spentMs) / count
  return { line: `${line}; at this rate ready in ${timeText(readyInMs)}`, readyInMs }
}

/** Pairs by which the typical variance counts beside what was seen: a handful of ties is no proof of no variance. */
const PRIOR_PAIRS = 20

function progressOf(rollout: Rollout, check: Check, live: LivePhase, spentMs: number): Progress {
  const { guardrail, task, count, seen, nonInferior } = check
  const name = `${guardrail} (${task})`
  if (nonInferior === undefined || seen.kind !== 'pairs') return { line: name, readyInMs: 0 }
  const { margin } = nonInferior
  if (nonInferior.logE >= nonInferior.threshold) {
    return { line: `${name}: shown to be within ${margin} after ${grouped(count)} pairs`, readyInMs: 0 }
  }
  const typical =
    guardrail === 'success' ? TYPICAL_VARIANCE.success : TYPICAL_VARIANCE[live.kind === 'shadow' ? 'shadow' : 'live']
  const variance = (seen.variance * count + typical * PRIOR_PAIRS) / (count + PRIOR_PAIRS)
  // Until it is surely worse, it is taken for equal: a mean of few pairs promises nothing.
  const mean = boundsOf(rollout, seen.pairs).upper < 0 ? seen.mean : 0
  const needed = pairsNeeded(variance, margin, mean, rollout.alphaPromote)
  if (needed === undefined) {
    return {
      line: `${name}: worse by ${(-seen.mean).toFixed(3)}; it will not be shown to be within ${margin}`,
      readyInMs: undefined,
    }
  }
  const left = Math.max(0, needed - count)
  const of = `${name}: ${grouped(count)} of about ${grouped(needed)} pairs`
  if (left === 0) return { line: `${of}; it may take some more`, readyInMs: undefined }
  return atThisRate(of, left, count, spentMs)
}

function harmLine(rollout: Rollout, { guardrail, task, count, seen, harm }: Check): string {
  const evidence = `ln E ${harm?.logE.toFixed(2)} of ${harm?.threshold.toFixed(2)}`
  const what = seen.kind === 'pairs' ? meanText(rollout, seen) : ratesText(seen)
  return `${guardrail} (${task}): ${what} over ${grouped(count)}; harm: ${evidence}`
}

type Seen<Kind> = Extract<Check['seen'], { kind: Kind }>

function meanText(rollout: Rollout, { pairs, mean }: Seen<'pairs'>): string {
  const { lower, upper } = boundsOf(rollout, pairs)
  return `mean difference ${mean.toFixed(3)}, between ${lower.toFixed(3)} and ${upper.toFixed(3)}`
}

function ratesText({ candidate, control }: Seen<'rates'>): string {
  return `${(candidate * 100).toFixed(1)}% against ${(control * 100).toFixed(1)}%`
}

/** 1,030 rather than 1030. */
function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** `25 min`, `3 h`, `2.5 days`. */
export function timeText(ms: number): string {
  const minutes = Math.ceil(ms / 60_000)
  if (minutes < 90) return `${minutes} min`
  const hours = minutes / 60
  return hours < 48 ? `${Math.round(hours)} h` : `${(hours / 24).toFixed(1)} days`
}
