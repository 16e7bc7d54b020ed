import {
  lowerBound,
  momentsOf,
  type PairCounts,
  promotionEvidence,
  rollbackEvidence,
  upperBound,
} from '../statistics/paired-betting.ts'
import { badEventEvidence } from '../statistics/rate-ratio.ts'
import { type BadEventReading, POOLED, type QualityReading, type Readings, type SuccessReading } from './evidence.ts'
import { livePhaseOf } from './phase.ts'
import { type BadEvent, type Gate, gateOf, type Rollout } from './rollout.ts'
import type { RolloutState } from './rollout-state.ts'

/** Evidence for one claim: it is shown once `logE` reaches `threshold`. Natural logarithms. */
export type Claim = { readonly logE: number; readonly threshold: number }

/** One guardrail for one task, in numbers; stored with every decision. */
export type Check = {
  readonly guardrail: 'quality' | 'success' | BadEvent
  readonly task: string
  /** Pairs, or exposures of the candidate. */
  readonly count: number
  /** Of bad events the share of candidate calls and of control calls that went badly. */
  readonly seen:
    | { readonly kind: 'pairs'; readonly pairs: PairCounts; readonly mean: number; readonly variance: number }
    | { readonly kind: 'rates'; readonly candidate: number; readonly control: number }
  /** That the candidate does harm; undefined where the check never rolls back. */
  readonly harm: Claim | undefined
  /** That it is not worse by `margin`; undefined where the check never promotes. */
  readonly nonInferior: (Claim & { readonly margin: number }) | undefined
}

/** All checks of a stage. Without readings, or with those of another stage or epoch, there are none. */
export function assess(rollout: Rollout, state: RolloutState, readings: Readings): readonly Check[] {
  const live = livePhaseOf(state.phase)
  if (live === undefined || !isAbout(state, readings)) return []
  const last = rollout.plan.steps.at(-1) ?? rollout.plan.shadow
  // In the bake nothing is left to be shown, and only harm is looked for.
  const gate = gateOf(rollout.plan, live) ?? last
  if (gate === undefined || last === undefined) return []
  const isBaking = live.kind === 'baking'
  const harmAt = Math.log(multiplicity(rollout) / rollout.alphaRollback)
  const promoteAt = Math.log(1 / rollout.alphaPromote)
  const own: Own = { gate, last, harmAt, promoteAt: isBaking ? undefined : promoteAt }
  return [
    ...tasksOf(rollout, readings.quality).map((reading) => qualityCheck(own, reading)),
    ...tasksOf(rollout, readings.success).map((reading) => successCheck(own, reading)),
    ...readings.badEvents
      // A shadow runs on a cold cache and beside other calls: how slow it is says nothing of live calls.
      .filter(({ event }) => rollout.badEvents.includes(event) && !(event === 'slow' && live.kind === 'shadow'))
      .map((reading) => badEventCheck(own, reading)),
  ]
}

/** Whether the readings are about the stage and epoch in which the rollout is. */
export function isAbout(state: RolloutState, { epoch, since }: Readings): boolean {
  return epoch === state.epoch && since === state.enteredAt
}

/** Between which values the mean difference surely lies, each side with the error that its decision is allowed. */
export function boundsOf(rollout: Rollout, pairs: PairCounts): { readonly lower: number; readonly upper: number } {
  return {
    lower: lowerBound(pairs, rollout.alphaPromote),
    upper: upperBound(pairs, rollout.alphaRollback / multiplicity(rollout)),
  }
}

/** How many chances there are to be wrong about harm: guardrails × groups of tasks. */
export function multiplicity({ badEvents, tasksApart }: Rollout): number {
  return (1 + badEvents.length) * (1 + tasksApart.length)
}

type Own = {
  readonly gate: Gate
  /** Of the last step. */
  readonly last: Gate
  readonly harmAt: number
  readonly promoteAt: number | undefined
}

/** The readings, with an empty one for each task that must show its own evidence and has none, and for no reading at all. */
function tasksOf<T extends { readonly task: string; readonly pairs: PairCounts }>(
  { tasksApart }: Rollout,
  readings: readonly T[],
): readonly { readonly task: string; readonly pairs: PairCounts }[] {
  const asked = tasksApart.length === 0 ? [POOLED] : tasksApart
  const missing = asked.filter((task) => !readings.some((reading) => reading.task === task))
  return [...readings, ...missing.map((task) => ({ task, pairs: [] }))]
}

function qualityCheck(own: Own, { task, pairs }: QualityReading): Check {
  // How much harm is borne does not depend on how many are exposed: half of what may reach everybody, at every step.
  const harm = { logE: rollbackEvidence(pairs, qualityMargin(own.last, task) / 2), threshold: own.harmAt }
  const nonInferior = nonInferiority(own, pairs, qualityMargin(own.gate, task))
  return { guardrail: 'quality', task, ...ofPairs(pairs), harm, nonInferior }
}

function qualityMargin(gate: Gate, task: string): number {
  return gate.qualityMarginByTask[task] ?? gate.qualityMargin
}

function successCheck(own: Own, { task, pairs }: SuccessReading): Check {
  const nonInferior = nonInferiority(own, pairs, own.gate.successMargin)
  return { guardrail: 'success', task, ...ofPairs(pairs), harm: undefined, nonInferior }
}

function nonInferiority({ promoteAt }: Own, pairs: PairCounts, margin: number): Check['nonInferior'] {
  if (promoteAt === undefined) return undefined
  return { logE: promotionEvidence(pairs, margin), threshold: promoteAt, margin }
}

function ofPairs(pairs: PairCounts): Pick<Check, 'count' | 'seen'> {
  const { pairs: count, mean, variance } = momentsOf(pairs)
  return { count, seen: { kind: 'pairs', pairs, mean, variance } }
}

function badEventCheck({ harmAt }: Own, { event, task, windows }: BadEventReading): Check {
  let [candidate, control, badCandidate, badControl] = [0, 0, 0, 0]
  for (const window of windows) {
    candidate += window.candidate
    control += window.control
    badCandidate += window.badCandidate
    badControl += window.badControl
  }
  return {
    guardrail: event,
    task,
    count: candidate,
    seen: { kind: 'rates', candidate: shareOf(badCandidate, candidate), control: shareOf(badControl, control) },
    harm: { logE: badEventEvidence(windows), threshold: harmAt },
    nonInferior: undefined,
  }
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
