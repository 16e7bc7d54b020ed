import { labellerOf, type Labeller } from './label.ts'
import { conditionsOf, routeConditions, type Condition } from './match.ts'
import type { LabelRules, Match, Route, RouteTarget, RoutingPolicy, Rule, Strategy } from './route.ts'

/** A routing policy made ready once, so that deciding costs little. */
export type Router = {
  readonly routes: readonly ReadyRoute[]
  readonly byName: ReadonlyMap<string, ReadyRoute>
  readonly labels: Labeller
  /** Lower-case names of the headers that some route matches on: the only ones that facts hold. */
  readonly headerNames: readonly string[]
  /** Whether anything depends on what the prompt shows: it need not be read otherwise. */
  readonly readsPrompt: boolean
  /** Whether the policy leaves every request as it is: no facts are needed then. */
  readonly isEmpty: boolean
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
    readsPrompt: routing.routes.some(hasChoice) || matches.some((match) => asksPrompt(match, routing.labels)),
    isEmpty: routes.length === 0 && routing.aliases.size === 0,
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
function hasChoice(route: Route): boolean {
  return targetsOf(route).length > 1
}

/** Every target of a route, in the order of the file, each once. */
export function targetsOf({ strategy, fallbacks }: Pick<Route, 'strategy' | 'fallbacks'>): readonly RouteTarget[] {
  const all = [...strategyTargets(strategy), ...fallbacks]
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

function asksPrompt(match: Match, labels: LabelRules): boolean {
  return (
    match.inputTokens !== undefined ||
    match.turns !== undefined ||
    match.needs !== undefined ||
    (match.tasks !== undefined && labels.task.length > 0) ||
    (match.complexities !== undefined && labels.complexity.length > 0)
  )
}
