import type { LengthAdjustment } from '../statistics/length-adjustment.ts'
import type { Coverage } from '../statistics/missingness.ts'
import type { PairCounts } from '../statistics/paired-betting.ts'
import type { EventWindow } from '../statistics/rate-ratio.ts'
import type { EpochMs } from '../units.ts'
import type { BadEvent } from './rollout.ts'

/**
 * All that a decision about a rollout looks at. Arms are as assigned: a candidate that fails and is answered for by
 * stable is a candidate's failure. At most one score, one success and one of each bad event per unit, task and stage
 * counts, because calls of one unit resemble each other, and tests that take them for independent find differences
 * between equals.
 */
export type Evidence = {
  /** Tripped on this instance, without ClickHouse; see `noteCall`. */
  readonly breaker: string | undefined
  /** The last minutes of both models, as this instance saw them. */
  readonly recent: { readonly candidate: RecentCalls; readonly stable: RecentCalls }
  /** From ClickHouse; undefined while it cannot be asked. */
  readonly readings: Readings | undefined
}

export type RecentCalls = { readonly calls: number; readonly failed: number }

/** What ClickHouse holds of one stage. */
export type Readings = {
  /** The epoch and start of the stage these are about, as they stand in the state. */
  readonly epoch: number
  readonly since: EpochMs
  /** All requests up to here are counted, and their scores have had time to come in. */
  readonly asOf: EpochMs
  readonly quality: readonly QualityReading[]
  readonly success: readonly SuccessReading[]
  readonly badEvents: readonly BadEventReading[]
  readonly units: UnitReading
  readonly scores: ByArm
  /**
   * Units of whose first answer there may be a score, and those of them of which there is; undefined where every answer is
   * to have one, and in what was stored before it was counted.
   */
  readonly applied?: ByArm | undefined
  readonly judge: JudgeReading
  readonly signals: readonly Signal[]
}

type ByArm = { readonly candidate: Coverage; readonly control: Coverage }

/** `task` is a task type that is shown apart, or `POOLED`. */
export const POOLED = 'all'

/**
 * d = candidate's score − control's: of one prompt in the shadow, of the i-th of each arm when live. To thousandths, so
 * that a reading, which is stored with every decision, stays small.
 */
export type QualityReading = { readonly task: string; readonly pairs: PairCounts }

/** d = control's bad − candidate's bad, 0 or 1 each, paired likewise. */
export type SuccessReading = { readonly task: string; readonly pairs: PairCounts }

/** Windows of five minutes; units at risk, see `EventWindow`. */
export type BadEventReading = {
  readonly event: BadEvent
  readonly task: string
  readonly windows: readonly EventWindow[]
}

/** Units first seen since the candidate got its present share, by the arm they fell to. */
export type UnitReading = {
  /** As `dealtAt` of the state. */
  readonly since: EpochMs
  readonly candidate: number
  readonly control: number
  readonly neither: number
  /** Compared in the stage, new or not; undefined in what was stored before it was counted. */
  readonly compared?: number | undefined
  /**
   * Of these, in both arms. A conversation that began before a step keeps its arm on one proxy and is dealt anew by another;
   * it is compared on neither, and no sign of anything.
   */
  readonly inBoth: number
}

/** How the judge did in this stage; `isTrusted`: its agreement with people has been shown, or it is no model. */
export type JudgeReading = {
  readonly isTrusted: boolean
  readonly asked: { readonly candidate: number; readonly control: number }
  readonly failed: { readonly candidate: number; readonly control: number }
  /** Pairs of stable with itself. */
  readonly sameWithSame: PairCounts
  /** What its verdicts on two answers to one prompt say once length is taken out; undefined where it gave none, or too few. */
  readonly length?: LengthAdjustment | undefined
}

/** Something that is watched and may stop a promotion, but never rolls back: cost, time to first token, length. */
export type Signal = { readonly name: string; readonly isFailing: boolean; readonly detail: string }
