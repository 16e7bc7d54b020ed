import type { Decision, Refusal, RolloutMark } from '../domain/decide.ts'
import type { Explanation, Verdict } from '../domain/routing/explain.ts'
import type { Facts } from '../domain/routing/facts.ts'
import type { Json } from './ports.ts'

/** An explained decision, as `POST /admin/route` answers it. Unknown is null. */
export function explanationJson({ facts, decision, alias, routes, rules, targets }: Explanation): Json {
  return {
    facts: factsJson(facts),
    alias: alias ?? null,
    decision: decisionJson(decision),
    targets: targets.map(({ target, place, weight, health, why }) => ({
      target,
      place: place ?? null,
      weight: weight ?? null,
      health,
      rejected: why ?? null,
    })),
    rules: rules.map(verdictJson),
    routes: routes.map((route) => ({ ...verdictJson(route), chosen: route.isChosen })),
  }
}

function decisionJson(decision: Decision | Refusal): Json {
  const { route, rule, arm, rollout, rejected, reasons, policyVersion, overlayRevision } = decision
  return {
    route,
    rule: rule ?? null,
    arm,
    rollout: rollout === undefined ? null : rolloutJson(rollout),
    refused: 'refused' in decision ? decision.refused : null,
    targets:
      'targets' in decision ? decision.targets.map(({ provider, model }) => ({ provider, model: model ?? null })) : [],
    rejected: (rejected ?? []).map(({ target, why }) => ({ target, why })),
    reasons,
    policy_version: policyVersion,
    overlay_revision: overlayRevision ?? '',
  }
}

function rolloutJson({ name, revision, epoch, stage, percent, isCompared, target }: RolloutMark): Json {
  return { name, revision, epoch, stage, percent, compared: isCompared, target }
}

function factsJson(facts: Facts): Json {
  const { labels, unit, stored } = facts
  return {
    provider: facts.provider,
    dialect: facts.dialect,
    api: facts.api,
    path: facts.path,
    model: facts.model ?? null,
    route_asked: facts.routeAsked ?? null,
    headers: facts.headers,
    key: facts.key,
    team: facts.team ?? null,
    user: facts.user ?? null,
    tags: facts.tags,
    task: labels.task,
    task_source: labels.taskSource,
    complexity: labels.complexity,
    complexity_source: labels.complexitySource,
    input_tokens: facts.inputTokens ?? null,
    max_output_tokens: facts.maxOutputTokens ?? null,
    turn: facts.turn ?? null,
    needs: facts.needs,
    stream: facts.isStream,
    unit: unit.value,
    unit_source: unit.source,
    stored_at: stored === undefined ? null : (stored.provider ?? 'unknown'),
  }
}

function verdictJson({ name, failed }: Verdict): Readonly<Record<string, Json>> {
  return { name, failed: failed.map(({ field, expected, found }) => ({ field, expected, found })) }
}
