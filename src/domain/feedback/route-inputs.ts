import type { ConfigEvent } from '../changes/config-event.ts'
import { routeStanding } from '../changes/change-weights.ts'
import { AUTOMATIC } from '../rollout/rollout-event.ts'
import { livePhaseOf } from '../rollout/phase.ts'
import type { Route } from '../routing/route.ts'
import type { RoutingState } from '../state.ts'
import type { EpochMs } from '../units.ts'
import type { WeightInputs } from './decide-weights.ts'
import type { DecisionMemory } from './decision-record.ts'
import type { FeedbackRule } from './rule.ts'
import { ALL_TASKS, type Readings } from './readings.ts'

/**
 * What a decision about `route` rests on besides the readings; undefined where feedback has no say in it. `memory` is that
 * of the last decision: of tasks that have lost their own weights meanwhile nothing is remembered, and a change by hand
 * counts as one; so does going back to the file (`lastChange`), which leaves nothing in the overlay.
 */
export function routeInputs(
  { policy, overlay, rollouts }: Pick<RoutingState, 'policy' | 'overlay' | 'rollouts'>,
  route: Route,
  memory: DecisionMemory,
  rule: FeedbackRule,
  now: EpochMs,
  lastChange?: Pick<ConfigEvent, 'actor' | 'at' | 'change'>,
): Omit<WeightInputs, 'readings'> | undefined {
  const standing = routeStanding(policy, overlay, route.name)
  if (route.feedback === undefined || 'fault' in standing) return undefined
  const { inForce, areLive } = standing
  const live = areLive ? overlay?.weights.get(route.name) : undefined
  const backToFile = lastChange?.change.kind === 'weights_set' ? undefined : lastChange
  const byHand = [live, backToFile].reduce((at, change) => {
    return change === undefined || change.actor === AUTOMATIC ? at : Math.max(at, change.at)
  }, 0)
  const cells = [ALL_TASKS, ...Object.keys(inForce.tasks ?? {})]
  const changedAt = cells.flatMap((task) => {
    const at = Math.max(byHand, Object.hasOwn(memory.changedAt, task) ? (memory.changedAt[task] ?? 0) : 0)
    return at > 0 ? [[task, at] as const] : []
  })
  return {
    rule,
    policy: route.feedback,
    minimum: Object.fromEntries(policy.scoring?.minimum ?? []),
    now,
    weights: inForce,
    rollout: rolloutArms(route, rollouts),
    changedAt: Object.fromEntries(changedAt),
    quarantined: memory.quarantined,
  }
}

/** Targets whose units a live rollout deals out. */
function rolloutArms({ rollouts = [] }: Route, states: RoutingState['rollouts']): readonly string[] {
  return rollouts.flatMap(({ name, stable, candidate }) => {
    const state = states?.get(name)
    const live = state === undefined ? undefined : livePhaseOf(state.phase)
    return live === undefined || live.kind === 'shadow' ? [] : [stable.key, candidate.key]
  })
}

/** Beyond so many the tasks with the fewest scores are left out: clients name tasks as they like, and a row keeps all. */
const MOST_TASKS = 100

/** What of `readings` a decision about `arms` can use. */
export function readingsOf({ asOf, quality, costs }: Readings, arms: readonly string[]): Readings {
  const own = quality.filter(({ arm }) => arms.includes(arm))
  const masses = new Map<string, number>()
  for (const { task, tally } of own) masses.set(task, (masses.get(task) ?? 0) + tally.mass)
  const tasks = [...masses].toSorted(([, one], [, other]) => other - one).map(([task]) => task)
  const kept = new Set(tasks.slice(0, MOST_TASKS))
  return {
    asOf,
    quality: own.filter(({ task }) => kept.has(task)),
    costs: costs.filter(({ task, arm }) => arms.includes(arm) && kept.has(task)),
  }
}
