import type { Signal } from './evidence.ts'

/** What the compared calls of one arm come to; undefined = not known of any. */
export type ArmMeans = {
  readonly calls: number
  readonly costUsd: number | undefined
  /** Median. */
  readonly firstTokenMs: number | undefined
  readonly outputTokens: number | undefined
}

/** Fewer calls of an arm say nothing of a mean. */
const LEAST_CALLS = 100
/** Who moves to a dearer model on purpose promotes by hand; what is dearer, slower or longer by more was not meant. */
const MOST_RATIO = 2

/** What is watched beside the guardrails: a ratio of more than two stops a promotion, and never rolls back. */
export function armSignals(candidate: ArmMeans | undefined, control: ArmMeans | undefined): readonly Signal[] {
  if (candidate === undefined || control === undefined) return []
  if (Math.min(candidate.calls, control.calls) < LEAST_CALLS) return []
  return [
    signalOf('cost', candidate.costUsd, control.costUsd, (usd) => `$${usd.toPrecision(3)} per request`),
    signalOf('ttft', candidate.firstTokenMs, control.firstTokenMs, (ms) => `${Math.round(ms)} ms to the first token`),
    signalOf('output_tokens', candidate.outputTokens, control.outputTokens, (count) => `${count.toFixed(0)} tokens`),
  ].flat()
}

function signalOf(
  name: string,
  candidate: number | undefined,
  control: number | undefined,
  said: (value: number) => string,
): readonly Signal[] {
  if (candidate === undefined || control === undefined || control <= 0) return []
  const isFailing = candidate > MOST_RATIO * control
  return [{ name, isFailing, detail: `${said(candidate)} against ${said(control)}` }]
}
