import { agreement } from '../../domain/statistics/agreement.ts'
import { agreementInterval } from '../../domain/statistics/agreement-interval.ts'
import { type Confusion, confusionOf } from './confusion.ts'
import { type LengthAdjustment, lengthAdjustment } from '../../domain/statistics/length-adjustment.ts'
import { fromCandidate, pairVerdict } from './pair-verdict.ts'
import type { PairChoice } from './read-verdict.ts'

/**
 * One pair that a person has judged, and what the judge said in each order; undefined = it failed there. Answers that were
 * graded one by one have no order: both are said to be what comparing the grades says.
 */
export type LabelledPair = {
  readonly task: string
  /** From the candidate: 1 it is better, 0 tie, −1 it is worse. */
  readonly human: -1 | 0 | 1
  readonly candidateFirst: PairChoice | undefined
  readonly stableFirst: PairChoice | undefined
  readonly candidateChars: number
  readonly stableChars: number
}

/** How far a judge can be trusted, over all labels or those of one task. Undefined = cannot be told from these. */
export type Calibration = {
  readonly pairs: number
  /** Pairs of which an order failed; in no other number here. */
  readonly failed: number
  readonly kappa: number | undefined
  readonly kappaInterval: { readonly low: number; readonly high: number } | undefined
  /** By squared distance: loss against win weighs four times as much as loss against tie. */
  readonly weightedKappa: number | undefined
  /** Rows: the person said loss, tie, win. Columns: the judge. */
  readonly confusion: Confusion
  readonly agreement: number | undefined
  /** Share of the pairs on which both orders said the same. */
  readonly swapConsistency: number | undefined
  /** Mean over both orders of +1 for the answer read first, −1 for the second: 0 = the place means nothing. */
  readonly positionBias: number | undefined
  /** Of the judge's verdicts less the person's, so that candidates which are longer and better are no bias. */
  readonly lengthBias: LengthAdjustment | undefined
}

const LABELS: readonly number[] = [-1, 0, 1]

/** Compares a judge with people; `isOrdered`: the judge read both answers at once, in both orders. Pure. */
export function calibrate(labels: readonly LabelledPair[], isOrdered = true): Calibration {
  const judged = labels.flatMap((label) => {
    const { candidateFirst, stableFirst } = label
    const verdict = pairVerdict(candidateFirst, stableFirst)
    if (verdict === undefined || candidateFirst === undefined || stableFirst === undefined) return []
    const places = fromCandidate(candidateFirst, 'candidate_first') - fromCandidate(stableFirst, 'stable_first')
    return [{ ...label, ...verdict, places: places / 2 }]
  })
  // A judge that contradicts itself has not decided: half a win is a tie.
  const confusion = confusionOf(
    LABELS,
    judged.map(({ human, d }) => [human, Math.trunc(d)]),
  )
  const mean = (values: readonly number[]): number | undefined =>
    values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    pairs: labels.length,
    failed: labels.length - judged.length,
    kappa: agreement(confusion),
    kappaInterval: agreementInterval(confusion),
    weightedKappa: agreement(confusion, 'quadratic'),
    confusion,
    agreement: mean(judged.map(({ human, d }) => (human === Math.trunc(d) ? 1 : 0))),
    swapConsistency: mean(isOrdered ? judged.map(({ isConsistent }) => (isConsistent ? 1 : 0)) : []),
    positionBias: mean(isOrdered ? judged.map(({ places }) => places) : []),
    lengthBias: lengthAdjustment(judged.map((pair) => ({ ...pair, d: pair.d - pair.human }))),
  }
}

/** As `calibrate`, for each task that has labels, in order of its name. */
export function calibrateTasks(labels: readonly LabelledPair[], isOrdered = true): ReadonlyMap<string, Calibration> {
  const tasks = [...new Set(labels.map(({ task }) => task))].sort()
  return new Map(
    tasks.map((task) => [
      task,
      calibrate(
        labels.filter((label) => label.task === task),
        isOrdered,
      ),
    ]),
  )
}
