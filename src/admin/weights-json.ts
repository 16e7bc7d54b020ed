import type { ConfigEvent } from '../domain/changes/config-event.ts'
import type { RouteFeedback } from '../domain/feedback/feedback-report.ts'
import type { WeightsView } from '../domain/changes/weights-view.ts'
import type { Json } from './ports.ts'
import { timeJson } from './policy-json.ts'

/**
 * Weights of a route: `base` as in the file, `weights` and `pins` as in force, `tasks` with those of tasks that have their
 * own, `live` where they are not the file's, and
 * `last_change` null or who changed what, when and why; `counts` is false for one that is over.
 */
export function weightsJson({
  route,
  strategy,
  base,
  inForce,
  areLive,
  last,
}: WeightsView): Readonly<Record<string, Json>> {
  return {
    route,
    strategy,
    base,
    weights: inForce.weights,
    tasks: inForce.tasks ?? {},
    pins: inForce.pins,
    live: areLive,
    tag: tagOf(last),
    last_change: last === undefined ? null : { ...eventJson(last), counts: areLive },
  }
}

/** What evidence may do with the weights of a route, and what came of the last look of this proxy; null where nothing. */
export function feedbackJson(feedback: RouteFeedback | undefined): Json {
  if (feedback === undefined) return null
  const { mode, verdict, detail, at } = feedback
  return { mode, verdict, detail, at: at === undefined ? null : timeJson(at) }
}

/** What `if-match` must say for the change to be the next one after this. */
export function tagOf(last: ConfigEvent | undefined): string {
  return last?.change.kind === 'weights_set' ? last.id : 'file'
}

function eventJson({
  id,
  at,
  actor,
  reason,
  instance,
  policyVersion,
  change,
  before,
  now,
}: ConfigEvent): Readonly<Record<string, Json>> {
  return {
    id,
    kind: change.kind,
    at: timeJson(at),
    actor,
    reason,
    instance,
    policy_version: policyVersion,
    before: { weights: before.weights, pins: before.pins },
    after: { weights: now.weights, pins: now.pins },
  }
}
