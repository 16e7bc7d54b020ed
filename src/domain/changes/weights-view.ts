import type { Policy } from '../policy.ts'
import type { Overlay } from '../routing/overlay.ts'
import type { Route } from '../routing/route.ts'
import { routeStanding, type RouteStanding } from './change-weights.ts'
import type { ConfigEvent } from './config-event.ts'

/** Weights of one route: what the file says, what is in force, and the last change, whether or not it still counts. */
export type WeightsView = RouteStanding & {
  readonly route: string
  readonly strategy: 'weighted' | 'balance'
  readonly last: ConfigEvent | undefined
}

/** Every route with weights, in the order of the file. */
export function weightsViews(
  policy: Policy,
  overlay: Overlay | undefined,
  lastChange: (route: string) => ConfigEvent | undefined,
): readonly WeightsView[] {
  return policy.routing.routes.flatMap(({ name, strategy: { kind } }) => {
    const standing = routeStanding(policy, overlay, name)
    if ('fault' in standing || (kind !== 'weighted' && kind !== 'balance')) return []
    return [{ route: name, strategy: kind, ...standing, last: lastChange(name) }]
  })
}

/** The policy with the weights in force in place of the file's. */
export function effectivePolicy(policy: Policy, views: readonly WeightsView[]): Policy {
  const live = new Map(views.filter(({ areLive }) => areLive).map((view) => [view.route, view.inForce.weights]))
  if (live.size === 0) return policy
  const routes = policy.routing.routes.map((route) => withWeights(route, live.get(route.name)))
  return { ...policy, routing: { ...policy.routing, routes } }
}

function withWeights(route: Route, weights: Readonly<Record<string, number>> | undefined): Route {
  const { strategy } = route
  if (weights === undefined || (strategy.kind !== 'weighted' && strategy.kind !== 'balance')) return route
  const targets = strategy.targets.map((each) => ({ ...each, weight: weights[each.target.key] ?? each.weight }))
  return { ...route, strategy: { ...strategy, targets } }
}
