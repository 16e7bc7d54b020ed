import type { Overlay, RouteWeights } from './overlay.ts'
import type { WeightedTarget } from './route.ts'

/** Weights in force on one route: the file's, or the live ones where the file still says what it said under them. */
export type WeightsInForce = {
  readonly targets: readonly WeightedTarget[]
  readonly areLive: boolean
  /** They are the task's own, and not those of all the route's traffic. */
  readonly areOfTask: boolean
}

/** `task` undefined: those of all traffic, whatever tasks have weights of their own. */
export function weightsInForce(
  route: string,
  targets: readonly WeightedTarget[],
  overlay: Overlay,
  task?: string,
): WeightsInForce {
  const live = overlay.weights.get(route)
  if (live === undefined || !isBasedOn(live, targets)) return { targets, areLive: false, areOfTask: false }
  const areOfTask = task !== undefined && live.tasks !== undefined && Object.hasOwn(live.tasks, task)
  const weights = (areOfTask ? live.tasks?.[task] : undefined) ?? live.weights
  return {
    targets: targets.map(({ target, weight }) => ({ target, weight: weights[target.key] ?? weight })),
    areLive: true,
    areOfTask,
  }
}

/** Whether the file's weights are still those that `live` was made on: a later edit of the file wins. */
function isBasedOn({ base }: RouteWeights, targets: readonly WeightedTarget[]): boolean {
  return (
    Object.keys(base).length === targets.length &&
    targets.every(({ target, weight }) => Object.hasOwn(base, target.key) && base[target.key] === weight)
  )
}
