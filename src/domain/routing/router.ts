import { labellerOf, type Labeller } from './label.ts'
import type { Condition } from './condition.ts'
import { conditionsOf, routeConditions } from './match.ts'
import type { Match, Route, RouteTarget, RoutingPolicy, Rule, Strategy, TextMatch } from './route.ts'

/** A routing policy made ready once, so that deciding costs little. */
export type Router = {
  readonly routes: readonly ReadyRoute[]
  readonly byName: ReadonlyMap<string, ReadyRoute>
  readonly labels: Labeller
  /** Lower-case names of the headers that some route matches on: the only ones that facts hold. */
  readonly headerNames: readonly string[]
  /** What of the prompt anything depends on; undefined: the prompt need not be read. */
  readonly reads: PromptReads | undefined
  /** Whether the policy leaves every request as it is: no facts are needed then. */
  readonly isEmpty: boolean
}

/** Which of `PromptFacts` a policy needs; `text` stands for the last user turn and the code in it. */
export type PromptReads = {
  readonly text: boolean
  readonly inputTokens: boolean
  readonly turn: boolean
  readonly needs: boolean
  readonly conversation: boolean
}

export type ReadyRoute = {
  readonly route: Route
  readonly conditions: readonly Condition[]
  /** Of a `rules` route, in order. */
  readonly rules: readonly ReadyRule[]
}

export type ReadyRule = { readonly rule: Rule; readonly conditions: readonly Condition[] }

const routers = new WeakMap<RoutingPolicy, Router>()

/** The router of `routing`; the same one for the same value. Throws RangeError on an unknown time zone. */
export function routerOf(routing: RoutingPolicy): Router {
  const known = routers.get(routing)
  if (known !== undefined) return known
  const router = createRouter(routing)
  routers.set(routing, router)
  return router
}

function createRouter(routing: RoutingPolicy): Router {
  const routes = routing.routes.map(readyRoute)
  const matches = routing.routes.flatMap((route) => [route.match, ...rulesOf(route.strategy).map((rule) => rule.when)])
  return {
    routes,
    byName: new Map(routes.map((ready) => [ready.route.name, ready])),
    labels: labellerOf(routing.labels),
    headerNames: [...new Set(matches.flatMap((match) => [...(match.headers?.keys() ?? [])]))],
    reads: promptReads(routing, matches),
    isEmpty:
      routes.length === 0 &&
      routing.aliases.size === 0 &&
      routing.labels.task.length === 0 &&
      routing.labels.complexity.length === 0,
  }
}

function readyRoute(route: Route): ReadyRoute {
  return {
    route,
    conditions: routeConditions(route),
    rules: rulesOf(route.strategy).map((rule) => ({ rule, conditions: conditionsOf(rule.when) })),
  }
}

function rulesOf(strategy: Strategy): readonly Rule[] {
  return strategy.kind === 'rules' ? strategy.rules : []
}

/** With one target alone nothing about the prompt can change where the request goes. */
function promptReads({ routes, labels }: RoutingPolicy, matches: readonly Match[]): PromptReads | undefined {
  const asked = [...matches, ...[...labels.task, ...labels.complexity].map(({ when }): TextMatch => when)]
  const hasChoice = routes.some((route) => targetsOf(route).length > 1)
  const reads = {
    text: [...labels.task, ...labels.complexity].some(
      ({ when }) => when.keywords !== undefined || when.pattern !== undefined || when.hasCode !== undefined,
    ),
    inputTokens: hasChoice || asked.some((match) => match.inputTokens !== undefined),
    turn: asked.some((match) => match.turns !== undefined),
    needs: hasChoice || asked.some((match) => match.needs !== undefined),
    conversation: routes.some(
      ({ strategy, rollouts }) => strategy.kind === 'weighted' || strategy.kind === 'balance' || rollouts !== undefined,
    ),
  }
  return Object.values(reads).includes(true) ? reads : undefined
}

const keysOfRouters = new WeakMap<Router, readonly string[]>()

/** The keys of all targets there are, each once; the same list for the same router. */
export function targetKeys(router: Router): readonly string[] {
  const known = keysOfRouters.get(router)
  if (known !== undefined) return known
  const keys = [...new Set(router.routes.flatMap(({ route }) => targetsOf(route).map(({ key }) => key)))]
  keysOfRouters.set(router, keys)
  return keys
}

/** Every target of a route, in the order of the file, candidates of rollouts last, each once. */
export function targetsOf({
  strategy,
  fallbacks,
  rollouts = [],
}: Pick<Route, 'strategy' | 'fallbacks' | 'rollouts'>): readonly RouteTarget[] {
  const all = [...strategyTargets(strategy), ...fallbacks, ...rollouts.map(({ candidate }) => candidate)]
  return all.filter((target, index) => all.findIndex(({ key }) => key === target.key) === index)
}

function strategyTargets(strategy: Strategy): readonly RouteTarget[] {
  switch (strategy.kind) {
    case 'fixed':
      return [strategy.target]
    case 'weighted':
    case 'balance':
      return strategy.targets.map(({ target }) => target)
    case 'rules':
      return [...strategy.rules.map(({ target }) => target), strategy.otherwise]
  }
}
