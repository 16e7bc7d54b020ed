import { DEFAULT_ROUTE } from '../decide.ts'
import type { DecidedTarget, Decision, Refusal, RejectedTarget, RejectReason } from '../decide.ts'
import { dealArm, type Dealt } from '../rollout/deal-arm.ts'
import type { RoutingState } from '../state.ts'
import { choose, type Fitness } from './choose.ts'
import { illness, isOutOfReach, type KnownModel, unfitness } from './eligible.ts'
import { type Facts, isKeeperUnknown } from './facts.ts'
import { type Asked, holds } from './condition.ts'
import { NO_OVERLAY } from './overlay.ts'
import type { Alias, Route, RouteTarget } from './route.ts'
import { type ReadyRoute, routerOf } from './router.ts'
import type { HealthView } from './target-health.ts'

/**
 * Where a request goes, and why. Pure: the same facts, state and health (and the same `knownModel`) decide the same.
 * `x-understudy-route` names the route (`default`: none), else the first that matches takes it, else it is the default
 * route.
 */
export function decideRoute(
  facts: Facts,
  state: RoutingState,
  health: HealthView,
  knownModel: KnownModel,
): Decision | Refusal {
  const { routing } = state.policy
  const alias = aliasOf(facts, state)
  const asked = { facts, model: alias?.model ?? facts.model }
  const reasons: string[] = alias === undefined ? [] : ['alias']
  const router = routerOf(routing)
  const route = routeFor(facts, asked, router.routes, router.byName, reasons)
  const judge = judgeOf(asked, state, health, knownModel)
  const whole = { policyVersion: state.policyVersion, unit: facts.unit }
  if (route === undefined) {
    const target = { provider: alias?.provider ?? facts.provider, model: asked.model }
    const key = `${target.provider}/${target.model ?? '*'}`
    const why = alias?.provider === undefined ? undefined : judge({ key, ...target }).unfit
    if (why !== undefined && isOutOfReach(why)) {
      const rejected = [{ target: key, why }]
      return { refused: 'no_usable_target', route: DEFAULT_ROUTE, arm: 'none', rejected, reasons, ...whole }
    }
    return { route: DEFAULT_ROUTE, arm: 'none', targets: [target], reasons: ['default_route', ...reasons], ...whole }
  }
  if (isKeeperUnknown(facts.stored)) reasons.push('keeper_unknown')
  const overlay = state.overlay ?? NO_OVERLAY
  const choice = choose(route, asked, overlay, (target) => judge(target).fitness)
  const dealt = dealtFor(route.route, choice.order[0], facts, state)
  const named = {
    route: route.route.name,
    rule: choice.rule,
    ...whole,
    overlayRevision: overlay.revision,
    arm: dealt === undefined ? ('none' as const) : dealt.arm,
    rollout: dealt?.mark,
  }
  reasons.push(...choice.reasons)
  if (dealt !== undefined) reasons.push(dealt.isPinned ? 'arm_pinned' : 'arm_dealt')
  const zero = choice.weightZero.map((target): RejectedTarget => ({ target: target.key, why: 'weight_zero' }))
  const order = dealt === undefined ? choice.order : [dealt.target, ...choice.order]
  const line = lineUp([...order, ...route.route.fallbacks], steadfast(judge, dealt), asked, reasons)
  const rejected = [...zero.filter(({ target }) => !line.targets.some(({ key }) => key === target)), ...line.rejected]
  const [first, ...rest] = line.targets
  if (first === undefined) return { refused: 'no_usable_target', ...named, rejected, reasons }
  return { ...named, targets: [first, ...rest], rejected, reasons }
}

/** The arm of a live rollout of the route's; undefined without one, which costs a comparison. */
function dealtFor(
  { rollouts }: Route,
  first: RouteTarget | undefined,
  { unit, armPins }: Facts,
  { rollouts: states }: RoutingState,
): Dealt | undefined {
  if (rollouts === undefined || states === undefined || first === undefined) return undefined
  return dealArm(rollouts, states, first, unit, armPins)
}

/** What the model's name means here, unless that is a provider of another dialect than the request's. */
export function aliasOf({ model, dialect }: Facts, { policy }: RoutingState): Alias | undefined {
  const alias = model === undefined ? undefined : policy.routing.aliases.get(model)
  if (alias?.provider === undefined) return alias
  return policy.providers.get(alias.provider)?.dialect === dialect ? alias : undefined
}

function routeFor(
  facts: Facts,
  asked: Asked,
  routes: readonly ReadyRoute[],
  byName: ReadonlyMap<string, ReadyRoute>,
  reasons: string[],
): ReadyRoute | undefined {
  if (facts.routeAsked === DEFAULT_ROUTE) {
    reasons.push('route_asked')
    return undefined
  }
  if (facts.routeAsked !== undefined) {
    const named = byName.get(facts.routeAsked)
    if (named?.route.dialect === facts.dialect) {
      reasons.push('route_asked')
      return named
    }
    reasons.push(named === undefined ? 'asked_route_unknown' : 'asked_route_other_dialect')
  }
  return routes.find(({ conditions }) => holds(conditions, asked))
}

/** `unfit` is why a target cannot do it, `ill` why it should not just now. */
export type Judgement = {
  readonly unfit: RejectReason | undefined
  readonly ill: RejectReason | undefined
  readonly fitness: Fitness
}

/** Judges targets for one request. */
export function judgeOf(
  asked: Asked,
  { policy }: RoutingState,
  health: HealthView,
  knownModel: KnownModel,
): (target: RouteTarget) => Judgement {
  return (target) => {
    const unfit = unfitness(target, target.model ?? asked.model, asked.facts, policy, knownModel)
    const ill = illness(Object.hasOwn(health, target.key) ? health[target.key] : undefined)
    if (unfit === undefined) return { unfit, ill, fitness: ill === undefined ? 'well' : 'ill' }
    return { unfit, ill, fitness: isOutOfReach(unfit) ? 'out_of_reach' : 'unfit' }
  }
}

/**
 * On a compared arm its model is tried first even while it is degraded: what it does is what is measured, and others stand
 * by. Passed over, a candidate that fails one call of ten would be judged by the answers of stable, or by none.
 */
function steadfast(judge: (target: RouteTarget) => Judgement, dealt: Dealt | undefined): typeof judge {
  if (dealt === undefined || !dealt.mark.isCompared) return judge
  const { key } = dealt.target
  return (target) => {
    const judgement = judge(target)
    if (target.key !== key || judgement.ill !== 'degraded') return judgement
    return { ...judgement, ill: undefined, fitness: judgement.unfit === undefined ? 'well' : judgement.fitness }
  }
}

/** A target in line, and what is to be said of it. */
type Entry = { readonly target: DecidedTarget; readonly judgement: Judgement }

type Line = { readonly targets: readonly DecidedTarget[]; readonly rejected: readonly RejectedTarget[] }

/**
 * The order in which targets are tried, each once. Those that suit come first; degraded ones last, because nineteen
 * calls of twenty may still succeed; those whose breaker is open or that asked to be left alone only where nothing else
 * is left, and then no more than two (`lastResorts`). Where nothing can do what the request needs, all that can be called
 * are: whether it is an error is the provider's say.
 */
function lineUp(
  candidates: readonly RouteTarget[],
  judge: (target: RouteTarget) => Judgement,
  asked: Asked,
  reasons: string[],
): Line {
  const entries: Entry[] = []
  const rejected: RejectedTarget[] = []
  for (const { key, provider, model = asked.model } of candidates) {
    if (entries.some(({ target }) => target.provider === provider && target.model === model)) continue
    if (rejected.some(({ target }) => target === key)) continue
    const judgement = judge({ key, provider, model })
    if (judgement.unfit !== undefined && isOutOfReach(judgement.unfit)) {
      rejected.push({ target: key, why: judgement.unfit })
    } else entries.push({ target: { key, provider, model }, judgement })
  }
  // The usual case, of which what follows would make the same.
  if (entries.every(({ judgement }) => judgement.fitness === 'well')) {
    return { targets: entries.map(({ target }) => target), rejected }
  }
  const reject = (entry: Entry, why: RejectReason | undefined): void => {
    if (why !== undefined) rejected.push({ target: entry.target.key ?? '', why })
  }
  for (const entry of entries) reject(entry, entry.judgement.unfit ?? entry.judgement.ill)
  const fit = entries.filter(({ judgement }) => judgement.unfit === undefined)
  if (fit.length === 0 && entries.length > 0) reasons.push('nothing_fits')
  const atKeeper = entries.filter(({ judgement }) => judgement.unfit !== 'stored_elsewhere')
  const able = [fit, atKeeper].find(({ length }) => length > 0) ?? entries
  const well = able.filter(({ judgement }) => judgement.ill === undefined)
  const degraded = able.filter(({ judgement }) => judgement.ill === 'degraded')
  const shut = able.filter(({ judgement }) => judgement.ill === 'breaker_open' || judgement.ill === 'throttled')
  const primary = able[0]?.judgement.ill
  if (primary !== undefined) reasons.push(`primary_${primary}`)
  if (well.length === 0 && able.length > 0) reasons.push('nothing_healthy')
  const order = well.length > 0 ? [...well, ...degraded] : [...degraded, ...lastResorts(shut)]
  return { targets: order.map(({ target }) => target), rejected }
}

/**
 * Of targets that are known to be out, in their own order, those that are tried all the same: the first, whose error is
 * then the client's, and one other, which has not asked to be left alone if there is such a one. More would only make
 * the client wait: who comes back is `probing`, and so well, within seconds.
 */
function lastResorts(shut: readonly Entry[]): readonly Entry[] {
  const [first, ...others] = shut
  if (first === undefined) return []
  const other = others.find(({ judgement }) => judgement.ill === 'breaker_open') ?? others[0]
  return other === undefined ? [first] : [first, other]
}
