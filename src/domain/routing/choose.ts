import { rendezvous } from '../assign.ts'
import { type Asked, holds } from './condition.ts'
import type { Overlay } from './overlay.ts'
import type { RouteTarget, WeightedTarget } from './route.ts'
import type { ReadyRoute } from './router.ts'
import { type WeightsInForce, weightsInForce } from './weights.ts'

/** What a strategy makes of a request. */
export type Choice = {
  /** First to last, before fallbacks and before health changes the order. */
  readonly order: readonly RouteTarget[]
  readonly rule: string | undefined
  readonly reasons: readonly string[]
  readonly weightZero: readonly RouteTarget[]
}

/** How well a target suits a request just now; the strategies choose among the best there are. */
export type Fitness = 'well' | 'ill' | 'unfit' | 'out_of_reach'

/** Carries out the route's strategy. */
export function choose(
  { route, rules }: ReadyRoute,
  asked: Asked,
  overlay: Overlay,
  fitness: (target: RouteTarget) => Fitness,
): Choice {
  const { strategy } = route
  switch (strategy.kind) {
    case 'fixed':
      return { order: [strategy.target], rule: undefined, reasons: ['fixed'], weightZero: [] }
    case 'rules': {
      const held = rules.find(({ conditions }) => holds(conditions, asked))?.rule
      const target = held?.target ?? strategy.otherwise
      return {
        order: [target],
        rule: held?.name,
        reasons: [held === undefined ? 'no_rule_held' : 'rule_held'],
        weightZero: [],
      }
    }
    case 'weighted': {
      const inForce = weightsInForce(route.name, strategy.targets, overlay, asked.facts.labels.task)
      const { targets } = inForce
      // Health does not count here: a share is a share of the units, and an ill target's turn passes to the fallbacks.
      const fit = targets.filter(({ target }) => isFit(fitness(target)))
      const chosen = byWeight(strategy.salt, asked.facts.unit.value, fit.length > 0 ? fit : targets)
      return weighted([chosen], 'weighted', inForce)
    }
    case 'balance': {
      const inForce = weightsInForce(route.name, strategy.targets, overlay, asked.facts.labels.task)
      const { targets } = inForce
      const unit = asked.facts.unit.value
      const well = targets.filter(({ target, weight }) => weight > 0 && fitness(target) === 'well')
      const fit = targets.filter(({ target }) => isFit(fitness(target)))
      const first = byWeight(strategy.salt, unit, well.length > 0 ? well : fit.length > 0 ? fit : targets)
      // Drawn as well, so that what one target leaves is spread over the others instead of falling on the next.
      const second = byWeight(strategy.salt, unit, others(well, first))
      const rest = targets.map(({ target }) => target).filter((target) => target !== first && target !== second)
      return weighted([first, second, ...rest], 'balance', inForce)
    }
  }
}

function weighted(
  order: readonly (RouteTarget | undefined)[],
  reason: string,
  { targets, areLive, areOfTask }: WeightsInForce,
): Choice {
  return {
    order: order.filter((target) => target !== undefined),
    rule: undefined,
    reasons: areLive ? [reason, areOfTask ? 'task_weights' : 'live_weights'] : [reason],
    weightZero: targets.filter(({ weight }) => !(weight > 0)).map(({ target }) => target),
  }
}

/** Where the unit falls; the first where every weight is 0. */
function byWeight(salt: string, unit: string, targets: readonly WeightedTarget[]): RouteTarget | undefined {
  if (targets.length < 2) return targets[0]?.target
  const choices = targets.map(({ target, weight }) => ({ key: target.key, weight, value: target }))
  return rendezvous(salt, unit, choices) ?? targets[0]?.target
}

function others(targets: readonly WeightedTarget[], taken: RouteTarget | undefined): readonly WeightedTarget[] {
  return targets.filter(({ target }) => target !== taken)
}

function isFit(fitness: Fitness): boolean {
  return fitness === 'well' || fitness === 'ill'
}
