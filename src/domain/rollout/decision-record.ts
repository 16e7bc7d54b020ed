import type { EpochMs, RequestId } from '../units.ts'
import { advance, type Transition } from './advance.ts'
import type { Evidence } from './evidence.ts'
import { isRecord, parseJson } from './read-json.ts'
import type { Rollout } from './rollout.ts'
import type { RolloutState } from './rollout-state.ts'

/** All that one look at a rollout went by. */
export type DecisionInputs = {
  readonly rollout: Rollout
  readonly state: RolloutState
  readonly evidence: Evidence
  readonly at: EpochMs
}

/** One look at a rollout, as it is kept. */
export type DecisionRecord = DecisionInputs & {
  readonly id: RequestId
  readonly instance: string
  readonly policyVersion: string
  readonly transition: Transition
}

/** What a decision's row says of its result. */
export type DecisionResult = {
  readonly rule: string
  readonly action: string
  readonly because: readonly string[]
  /** The event as JSON; empty = nothing changed. */
  readonly result: string
}

export function resultOf({ rule, action, because, event }: Transition): DecisionResult {
  return { rule, action, because, result: event === undefined ? '' : JSON.stringify(event) }
}

/** The inputs as a row keeps them. */
export function inputsText({ rollout, state, evidence, at }: DecisionInputs): string {
  return JSON.stringify({ rollout, state, evidence, at })
}

/**
 * Decides again out of a row's inputs. Empty where it comes to the same; else what differs, in words.
 */
export function replayDecision(inputs: string, stored: DecisionResult): readonly string[] {
  const value = parseJson(inputs)
  if (!areInputs(value)) return ['its inputs cannot be read']
  const again = resultOf(advance(value.rollout, value.state, value.evidence, value.at))
  return (['rule', 'action', 'because', 'result'] as const).flatMap((field) => {
    const [before, now] = [JSON.stringify(stored[field]), JSON.stringify(again[field])]
    return before === now ? [] : [`${field}: stored ${before}, decided now ${now}`]
  })
}

/** This program wrote them, so the outer form vouches for the rest. */
function areInputs(value: unknown): value is DecisionInputs {
  if (!isRecord(value) || typeof value['at'] !== 'number') return false
  const { rollout, state, evidence } = value
  if (!isRecord(rollout) || !isRecord(rollout['plan']) || !Array.isArray(rollout['badEvents'])) return false
  if (!isRecord(state) || !isRecord(state['phase'])) return false
  return isRecord(evidence) && isRecord(evidence['recent'])
}
