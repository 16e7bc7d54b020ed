import { PACES } from '../domain/rollout/pace.ts'
import {
  gateOf,
  type Gate,
  identityOf,
  isAskedToEnd,
  type Plan,
  type Rollout,
  type Step,
} from '../domain/rollout/rollout.ts'
import type { Route, RouteTarget, RoutingPolicy } from '../domain/routing/route.ts'
import { targetsOf } from '../domain/routing/router.ts'
import type { JudgePolicy, ScoringPolicy } from '../domain/scoring-policy.ts'
import { impliedShadowName, type Shadow } from '../domain/shadow/shadow.ts'
import type { ConfigFile } from './schema.ts'

type RolloutEntry = ConfigFile['rollouts'][string]
type GateEntry = Omit<NonNullable<RolloutEntry['steps']>[number], 'percent'>

/** The rollouts that a checked file means, in its order. */
export function resolveRollouts(
  { rollouts }: Pick<ConfigFile, 'rollouts'>,
  routing: RoutingPolicy,
  scoring: ScoringPolicy | undefined,
  shadows: readonly Shadow[],
): readonly Rollout[] {
  return Object.entries(rollouts).map(([name, entry]) => {
    const route = routing.routes.find((each) => each.name === entry.route)
    // The checks have refused a rollout of no route.
    if (route === undefined) throw new TypeError(`rollouts.${name} has no route`)
    return resolveRollout(name, entry, route, scoring, shadows)
  })
}

/** `routing`, each route with those rollouts that may concern its requests. */
export function withRollouts(routing: RoutingPolicy, rollouts: readonly Rollout[]): RoutingPolicy {
  const live = rollouts.filter((rollout) => !isAskedToEnd(rollout))
  if (live.length === 0) return routing
  return {
    ...routing,
    routes: routing.routes.map((route) => {
      const own = live.filter((rollout) => rollout.route === route.name)
      return own.length === 0 ? route : { ...route, rollouts: own }
    }),
  }
}

function resolveRollout(
  name: string,
  entry: RolloutEntry,
  route: Route,
  scoring: ScoringPolicy | undefined,
  shadows: readonly Shadow[],
): Rollout {
  const stable = entry.stable ?? onlyTarget(route)
  // Nor does a rollout without a stable target come here.
  if (stable === undefined) throw new TypeError(`rollouts.${name} has no stable target`)
  const { candidate } = entry
  const metric = entry.metric ?? (scoring?.judge === undefined ? 'feedback' : 'judge')
  // Not the word alone: it may be one of the purposes for which requests draw (routing/draws).
  const salt = `rollout:${entry.salt ?? name}`
  const judgeVersion = metric === 'judge' && scoring?.judge !== undefined ? versionOf(scoring.judge) : ''
  const identity = {
    route: route.name,
    stable,
    candidate,
    parameters: {},
    promptVersion: '',
    salt,
    judgeVersion,
    metric,
  }
  return {
    name,
    route: route.name,
    stable,
    candidate,
    salt,
    identity: identityOf(identity),
    plan: resolvePlan(entry, metric),
    badEvents: entry.guardrails,
    tasksApart: entry.tasks_apart ?? [],
    alphaPromote: entry.alpha_promote,
    alphaRollback: entry.alpha_rollback,
    staleAfterMs: entry.stale_after,
    harmWhilePaused: entry.harm_while_paused,
    isJudgeTrustWaived: entry.trust_judge,
    metric,
    scoredShare: entry.scored,
    shadow: shadowFor(candidate, shadows)?.name ?? impliedShadowName(name),
    asked: { state: entry.state, promoteTo: entry.promote_to },
  }
}

/** The route's own target, fallbacks left out; undefined where it has several. */
function onlyTarget(route: Route): RouteTarget | undefined {
  const [target, ...others] = targetsOf({ strategy: route.strategy, fallbacks: [] })
  return others.length === 0 ? target : undefined
}

/** A shadow of the file that tries the candidate already: its pairs are the evidence, and nothing is paid twice. */
function shadowFor(candidate: RouteTarget, shadows: readonly Shadow[]): Shadow | undefined {
  return shadows.find(({ isEnabled, candidates }) => isEnabled && candidates.some(({ key }) => key === candidate.key))
}

function versionOf({ provider, model, api, maxOutputTokens, isStructured, parameters }: JudgePolicy): string {
  const sorted = Object.entries(parameters).sort(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify([provider, model, api, maxOutputTokens, isStructured, sorted])
}

function resolvePlan(entry: RolloutEntry, metric: string): Plan {
  const preset = PACES[entry.pace]
  const { shadow, steps, bake, cooldown } = entry
  // Nobody sees mirrored answers, so nobody can say how good they are.
  const hasShadow = shadow?.enabled ?? metric !== 'feedback'
  return {
    shadow: hasShadow && preset.shadow !== undefined ? gateFrom(preset.shadow, shadow ?? {}) : undefined,
    steps: steps === undefined ? preset.steps : steps.map((step) => stepFrom(preset, step)),
    bake: {
      durationMs: bake?.duration ?? preset.bake.durationMs,
      minPairs: bake?.min_pairs ?? preset.bake.minPairs,
      maxDurationMs: bake?.max_duration ?? Math.max(preset.bake.maxDurationMs, bake?.duration ?? 0),
    },
    cooldownMs: cooldown ?? preset.cooldownMs,
  }
}

function stepFrom(preset: Plan, entry: NonNullable<RolloutEntry['steps']>[number]): Step {
  // 0.07 of 1 is 7.000000000000001 of 100, and the journal compares percentages.
  const percent = Math.round(entry.percent * 1e6) / 1e4
  const usual = gateOf(preset, { kind: 'ramping', percent })
  if (usual === undefined) throw new TypeError('a pace has no steps')
  return { ...gateFrom(usual, entry), percent }
}

function gateFrom(usual: Gate, entry: GateEntry): Gate {
  const dwellMs = entry.dwell ?? usual.dwellMs
  return {
    qualityMargin: entry.quality_margin ?? usual.qualityMargin,
    // A wider margin for all is not to be narrowed by what the pace thinks of some tasks.
    qualityMarginByTask:
      entry.quality_margin_by_task ?? (entry.quality_margin === undefined ? usual.qualityMarginByTask : {}),
    successMargin: entry.success_margin ?? usual.successMargin,
    minPairs: entry.min_pairs ?? usual.minPairs,
    dwellMs,
    maxDurationMs: entry.max_duration ?? Math.max(usual.maxDurationMs, dwellMs),
    needsApproval: entry.approval === undefined ? usual.needsApproval : entry.approval === 'required',
  }
}
