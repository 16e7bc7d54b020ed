import { logMeanExp } from './log-mean-exp.ts'

/**
 * What happened in one stretch of time (5 minutes): exposures of both arms, and how many of them went badly. Where units
 * come back, an exposure is a unit that comes in this window and to which the event has not happened before, so that
 * one unlucky unit is one witness, however often it calls.
 */
export type EventWindow = {
  readonly candidate: number
  readonly control: number
  readonly badCandidate: number
  readonly badControl: number
}

/** How many times the tolerated ratio the true one might be, side by side. */
export const RATE_RATIOS = [1.25, 1.5, 2, 3, 4, 6, 10, 16] as const
const LOG_RATIOS = RATE_RATIOS.map(Math.log)

/** Worse by up to a quarter is borne: what is rare varies by that much between equals. */
export const TOLERATED_RATIO = 1.25

/** Σ ln likelihood ratio per rate ratio, of one window or many: rows of ClickHouse add up with `sumForEach`. */
export type RateSums = readonly number[]

const NOTHING: RateSums = RATE_RATIOS.map(() => 0)

/**
 * One window's share of the evidence. Of the bad events of both arms, the candidate's number is binomial with
 * π(r) = n_c r / (n_c r + n_b), r the ratio of the rates; the arms' common rate, and how it drifts, drops out.
 * A window in which one arm had no exposure says nothing.
 */
export function rateSums(window: EventWindow, tolerated = TOLERATED_RATIO): RateSums {
  const { candidate, control, badCandidate, badControl } = window
  if (candidate <= 0 || control <= 0 || badCandidate + badControl === 0) return NOTHING
  const weighted = candidate * tolerated
  return RATE_RATIOS.map((ratio, index) => {
    // (1−π(r0ρ))/(1−π(r0)); times ρ it is π(r0ρ)/π(r0).
    const shrink = Math.log((weighted + control) / (weighted * ratio + control))
    return badCandidate * (shrink + (LOG_RATIOS[index] ?? 0)) + badControl * shrink
  })
}

/** The same evidence and the same sums in fewer windows: those in which nothing went badly, which say nothing, as one. */
export function withoutQuiet(windows: readonly EventWindow[]): readonly EventWindow[] {
  const eventful = windows.filter(({ badCandidate, badControl }) => badCandidate + badControl > 0)
  if (windows.length - eventful.length < 2) return windows
  let [candidate, control] = [0, 0]
  for (const window of windows) {
    candidate += window.candidate
    control += window.control
  }
  for (const window of eventful) {
    candidate -= window.candidate
    control -= window.control
  }
  return [{ candidate, control, badCandidate: 0, badControl: 0 }, ...eventful]
}

/**
 * ln E against "the candidate's bad events are at most `tolerated` times as frequent as the control's": an e-process,
 * valid however often one looks.
 */
export function badEventEvidence(windows: readonly EventWindow[], tolerated = TOLERATED_RATIO): number {
  const sums = RATE_RATIOS.map(() => 0)
  for (const window of windows) {
    const own = rateSums(window, tolerated)
    if (own !== NOTHING) for (const [index, sum] of own.entries()) sums[index] = (sums[index] ?? 0) + sum
  }
  return logMeanExp(sums)
}
