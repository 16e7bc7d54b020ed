import { type Decision, DEFAULT_ROUTE, type Refusal, type RejectReason } from '../decide.ts'
import type { RoutingState } from '../state.ts'
import { aliasOf, decideRoute, judgeOf } from './decide-route.ts'
import type { KnownModel } from './eligible.ts'
import type { Facts } from './facts.ts'
import type { Asked, Condition } from './condition.ts'
import { NO_OVERLAY } from './overlay.ts'
import type { Route } from './route.ts'
import { type ReadyRoute, routerOf, targetsOf } from './router.ts'
import type { HealthView, TargetHealth } from './target-health.ts'
import { weightsInForce } from './weights.ts'

/** A decision with everything that led to it. Explaining calls nothing and changes nothing. */
export type Explanation = {
  readonly facts: Facts
  readonly decision: Decision | Refusal
  /** What an alias makes of the model; undefined without one. */
  readonly alias: string | undefined
  /** Every route in the order of the file. */
  readonly routes: readonly RouteVerdict[]
  /** The rules of the chosen route, in order. */
  readonly rules: readonly Verdict[]
  /** Every target of the chosen route, in the order of the file. */
  readonly targets: readonly TargetVerdict[]
}

/** `failed` is empty where everything holds. */
export type Verdict = { readonly name: string; readonly failed: readonly FailedCondition[] }

/** `isChosen`: it takes the request. A later route may match too, but comes too late. */
export type RouteVerdict = Verdict & { readonly isChosen: boolean }

export type FailedCondition = { readonly field: string; readonly expected: string; readonly found: string }

export type TargetVerdict = {
  readonly target: string
  /** Where it stands in the decision, from 1; undefined = not at all. */
  readonly place: number | undefined
  /** In force, live changes included; undefined where the strategy has none. */
  readonly weight: number | undefined
  readonly health: TargetHealth
  readonly why: RejectReason | undefined
}

export function explainRoute(
  facts: Facts,
  state: RoutingState,
  health: HealthView,
  knownModel: KnownModel,
): Explanation {
  const decision = decideRoute(facts, state, health, knownModel)
  const alias = aliasOf(facts, state)
  const asked = { facts, model: alias?.model ?? facts.model }
  const router = routerOf(state.policy.routing)
  const chosen = decision.route === DEFAULT_ROUTE ? undefined : router.byName.get(decision.route)
  return {
    facts,
    decision,
    alias: alias === undefined ? undefined : `${alias.provider ?? facts.provider}/${alias.model}`,
    routes: router.routes.map(({ route, conditions }) => ({
      name: route.name,
      isChosen: route.name === decision.route,
      failed: failedOf(conditions, asked),
    })),
    rules: (chosen?.rules ?? []).map(({ rule, conditions }) => ({
      name: rule.name,
      failed: failedOf(conditions, asked),
    })),
    targets: chosen === undefined ? [] : targetVerdicts(chosen, asked, decision, state, health, knownModel),
  }
}

function failedOf(conditions: readonly Condition[], asked: Asked): readonly FailedCondition[] {
  return conditions
    .filter((condition) => !condition.holds(asked))
    .map(({ field, expected, found }) => ({ field, expected, found: found(asked) }))
}

function targetVerdicts(
  { route }: ReadyRoute,
  asked: Asked,
  decision: Decision | Refusal,
  state: RoutingState,
  health: HealthView,
  knownModel: KnownModel,
): readonly TargetVerdict[] {
  const judge = judgeOf(asked, state, health, knownModel)
  const weights = weightsByKey(route, state, asked.facts.labels.task)
  const keys = 'targets' in decision ? decision.targets.map(({ key }) => key) : []
  return targetsOf(route).map((target) => {
    const { unfit, ill } = judge(target)
    const place = keys.indexOf(target.key)
    const weight = weights.get(target.key)
    return {
      target: target.key,
      place: place < 0 ? undefined : place + 1,
      weight,
      health: Object.hasOwn(health, target.key) ? (health[target.key] ?? 'healthy') : 'healthy',
      why: unfit ?? ill ?? (weight === 0 ? 'weight_zero' : undefined),
    }
  })
}

function weightsByKey(
  { name, strategy }: Route,
  { overlay = NO_OVERLAY }: RoutingState,
  task: string,
): ReadonlyMap<string, number> {
  if (strategy.kind !== 'weighted' && strategy.kind !== 'balance') return new Map()
  const { targets } = weightsInForce(name, strategy.targets, overlay, task)
  return new Map(targets.map(({ target, weight }) => [target.key, weight]))
}
