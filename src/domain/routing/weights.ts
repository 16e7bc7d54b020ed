import type { Overlay, RouteWeights } from './overlay.ts'
import type { WeightedTarget } from './route.ts'

/** Weights in force on one route: the file's, or the live ones where the file still says what it said under them. */
export type WeightsInForce = { readonly targets: readonly WeightedTarget[]; readonly areLive: boolean }

export function weightsInForce(route: string, targets: readonly WeightedTarget[], overlay: Overlay): WeightsInForce {
  const live = overlay.weights.get(route)
  if (live === undefined || !isBasedOn(live, targets)) return { targets, areLive: false }
  return {
    targets: targets.map(({ target, weight }) => ({ target, weight: live.weights[target.key] ?? weight })),
    areLive: true,
  }
}

/** Whether the file's weights are still those that `live` was made on: a later edit of the file wins. */
function isBasedOn({ base }: RouteWeights, targets: readonly WeightedTarget[]): boolean {
  return (
    Object.keys(base).length === targets.length &&
    targets.every(({ target, weight }) => Object.hasOwn(base, target.key) && base[target.key] === weight)
  )
}
