import type { Policy } from '../policy.ts'
import { switchedShadow, switchPositions } from '../shadow/shadow-switch.ts'
import { NO_OVERLAY, type Overlay, type TaskWeights } from '../routing/overlay.ts'
import type { WeightedTarget } from '../routing/route.ts'
import { weightsInForce } from '../routing/weights.ts'
import type { ConfigChange, WeightsInPlace } from './config-event.ts'

/** What somebody wants of a route's weights: of some targets or all; what is not named stays as it is. */
export type WeightsWish = {
  readonly weights: Readonly<Record<string, number>>
  /** Undefined: as they are. */
  readonly pins: readonly string[] | undefined
  /** In place of those there are. Undefined: where `weights` names any there are none from now on, else as they are. */
  readonly tasks?: TaskWeights | undefined
}

/** The change that a wish comes to, or what is wrong with it, as a full sentence. */
export type WeightsChange =
  | { readonly change: ConfigChange; readonly before: WeightsInPlace; readonly now: WeightsInPlace }
  | { readonly fault: string; readonly isUnknownRoute: boolean }

/** Weights of a route as they are: the file's, the live ones, and which of them count. */
export type RouteStanding = {
  readonly base: Readonly<Record<string, number>>
  readonly inForce: WeightsInPlace
  readonly areLive: boolean
}

/** Pure: what `wish` makes of the weights of `route`; `undefined` as the wish is back to the file. */
export function changeWeights(
  policy: Policy,
  overlay: Overlay | undefined,
  route: string,
  wish: WeightsWish | undefined,
): WeightsChange {
  const standing = routeStanding(policy, overlay, route)
  if ('fault' in standing) return standing
  const { base, inForce } = standing
  const filed: WeightsInPlace = { weights: base, pins: [] }
  if (wish === undefined) return { change: { kind: 'weights_reset', route }, before: inForce, now: filed }
  const fault = faultOf(wish, base)
  if (fault !== undefined) return { fault: `${route}: ${fault}`, isUnknownRoute: false }
  const weights = { ...inForce.weights, ...wish.weights }
  if (!Object.values(weights).some((weight) => weight > 0)) {
    return { fault: `${route}: expected at least one weight above 0, found none.`, isUnknownRoute: false }
  }
  const tasks = wish.tasks ?? (Object.keys(wish.weights).length === 0 ? inForce.tasks : undefined)
  const hasTasks = tasks !== undefined && Object.keys(tasks).length > 0
  const now = { weights, pins: wish.pins ?? inForce.pins, ...(hasTasks ? { tasks } : {}) }
  return { change: { kind: 'weights_set', route, ...now, base }, before: inForce, now }
}

/** Whether the policy has anything at all that can be changed on top of the file. */
export function isChangeable({ routing, shadows }: Policy): boolean {
  return (
    shadows.length > 0 || routing.routes.some(({ strategy: { kind } }) => kind === 'weighted' || kind === 'balance')
  )
}

/** How the weights of `route` stand, or why it has none. */
export function routeStanding(
  { routing, shadows }: Policy,
  overlay: Overlay | undefined,
  name: string,
): RouteStanding | { readonly fault: string; readonly isUnknownRoute: boolean } {
  const switched = switchedShadow(name)
  if (switched !== undefined) {
    const shadow = shadows.find((each) => each.name === switched)
    if (shadow !== undefined) return standingOf(name, switchPositions(shadow), overlay)
    const known = shadows.map((each) => each.name).join(', ') || 'none'
    return { fault: `There is no shadow "${switched.slice(0, 60)}". Known: ${known}.`, isUnknownRoute: true }
  }
  const route = routing.routes.find((each) => each.name === name)
  if (route === undefined) {
    const known = routing.routes.map((each) => each.name).join(', ') || 'none'
    return { fault: `There is no route "${name.slice(0, 60)}". Known: ${known}.`, isUnknownRoute: true }
  }
  const { strategy } = route
  if (strategy.kind !== 'weighted' && strategy.kind !== 'balance') {
    return {
      fault: `${name}: expected a route with weights (weighted or balance), found ${strategy.kind}.`,
      isUnknownRoute: false,
    }
  }
  return standingOf(name, strategy.targets, overlay)
}

function standingOf(name: string, filed: readonly WeightedTarget[], overlay: Overlay | undefined): RouteStanding {
  const { targets, areLive } = weightsInForce(name, filed, overlay ?? NO_OVERLAY)
  const { pins = [], tasks } = (areLive ? overlay?.weights.get(name) : undefined) ?? {}
  const inForce = { weights: byKey(targets), pins, ...(tasks === undefined ? {} : { tasks }) }
  return { base: byKey(filed), inForce, areLive }
}

function faultOf(
  { weights, pins, tasks = {} }: WeightsWish,
  base: Readonly<Record<string, number>>,
): string | undefined {
  const known = Object.keys(base)
  const unknown = [...Object.keys(weights), ...(pins ?? [])].find((key) => !known.includes(key))
  if (unknown !== undefined) return `unknown target "${unknown.slice(0, 60)}". Known: ${known.join(', ')}.`
  const faulty = Object.entries(tasks).find(([, own]) => !isOfAll(own, known))
  if (faulty !== undefined) {
    return `${faulty[0].slice(0, 60)}: expected a weight for each of ${known.join(', ')}, and one above 0.`
  }
  const all = [...Object.entries(weights), ...Object.values(tasks).flatMap((own) => Object.entries(own))]
  const wrong = all.find(([, weight]) => !Number.isFinite(weight) || weight < 0)
  if (wrong !== undefined) return `${wrong[0]}: expected a weight of 0 or more, found ${wrong[1]}.`
  return undefined
}

function isOfAll(own: Readonly<Record<string, number>>, known: readonly string[]): boolean {
  const keys = Object.keys(own)
  return (
    keys.length === known.length &&
    keys.every((key) => known.includes(key)) &&
    Object.values(own).some((weight) => weight > 0)
  )
}

function byKey(targets: readonly WeightedTarget[]): Readonly<Record<string, number>> {
  return Object.fromEntries(targets.map(({ target, weight }) => [target.key, weight]))
}
