import { PACES, type PaceName } from './pace.ts'
import { stageName } from './phase.ts'
import { pairsNeeded, TYPICAL_VARIANCE } from './pairs-needed.ts'
import type { Gate, Plan } from './rollout.ts'

/** A route's traffic of today. */
export type Traffic = {
  /** Requests that count at most once per unit: `unitsPerDay` at most. */
  readonly requestsPerDay: number
  /** New units per day; undefined where requests have no sticky key and each is its own unit. */
  readonly unitsPerDay: number | undefined
  /** Share of requests that are scored. */
  readonly scoredShare: number
  /** Share of requests that are mirrored in the shadow. */
  readonly shadowShare: number
  /** Share of bad events, all kinds together. */
  readonly badShare: number
}

export type StageEstimate = {
  readonly stage: string
  readonly days: number
  /** What takes the longest. */
  readonly boundBy: 'time' | 'quality' | 'success'
  readonly pairs: number
  readonly pairsPerDay: number
}

export type PaceEstimate = { readonly pace: PaceName; readonly stages: readonly StageEstimate[]; readonly days: number }

const DAY_MS = 86_400_000

/**
 * About how many days an equal candidate takes to 100 %, bake included, at each pace. Infinity where nothing is scored.
 * `speed`: by which the decider divides all times of rollouts; evidence comes no faster for it.
 */
export function estimate(traffic: Traffic, speed: number): readonly PaceEstimate[] {
  return PACE_NAMES.map((pace) => {
    const stages = stagesOf(PACES[pace], traffic, DAY_MS * speed)
    return { pace, stages, days: stages.reduce((sum, { days }) => sum + days, 0) }
  })
}

const PACE_NAMES: readonly PaceName[] = ['normal', 'careful', 'small']

/** `dayMs`: of the plan's times, what passes in a day. */
function stagesOf({ shadow, steps, bake }: Plan, traffic: Traffic, dayMs: number): readonly StageEstimate[] {
  // One item per unit and stage: beyond the units' number more requests of the same units add nothing.
  const items = Math.min(traffic.requestsPerDay, traffic.unitsPerDay ?? Number.POSITIVE_INFINITY)
  const perItem = items === 0 ? 0 : traffic.requestsPerDay / items
  const scored = items * (1 - (1 - traffic.scoredShare) ** perItem)
  const rate = (share: number): Rate => ({ scored: scored * share, all: items * share })
  return [
    ...(shadow === undefined
      ? []
      : [ofGate('shadow', shadow, dayMs, TYPICAL_VARIANCE.shadow, traffic.badShare, rate(traffic.shadowShare))]),
    ...steps.map((step) =>
      ofGate(
        stageName({ kind: 'ramping', percent: step.percent }),
        step,
        dayMs,
        TYPICAL_VARIANCE.live,
        traffic.badShare,
        rate(Math.min(step.percent, 100 - step.percent) / 100),
      ),
    ),
    longest('baking', bake.durationMs / dayMs, [['quality', bake.minPairs, rate(0.05).scored]]),
  ]
}

type Rate = { readonly scored: number; readonly all: number }

function ofGate(
  stage: string,
  gate: Gate,
  dayMs: number,
  variance: number,
  badShare: number,
  rate: Rate,
): StageEstimate {
  const pairs = Math.max(gate.minPairs, pairsNeeded(variance, gate.qualityMargin) ?? 0)
  const successPairs = pairsNeeded(2 * badShare * (1 - badShare), gate.successMargin) ?? 0
  return longest(stage, gate.dwellMs / dayMs, [
    ['quality', pairs, rate.scored],
    ['success', successPairs, rate.all],
  ])
}

function longest(
  stage: string,
  dwellDays: number,
  needs: readonly (readonly [boundBy: 'quality' | 'success', pairs: number, pairsPerDay: number])[],
): StageEstimate {
  const [, pairs, pairsPerDay] = needs[0] ?? ['quality', 0, 0]
  let slowest: Pick<StageEstimate, 'days' | 'boundBy'> = { days: dwellDays, boundBy: 'time' }
  for (const [boundBy, needed, perDay] of needs) {
    if (needed / perDay > slowest.days) slowest = { days: needed / perDay, boundBy }
  }
  return { stage, ...slowest, pairs, pairsPerDay }
}
