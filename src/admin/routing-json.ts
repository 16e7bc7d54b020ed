import type {
  LabelRule,
  Match,
  ModelFacts,
  Route,
  RoutingPolicy,
  Strategy,
  TextMatch,
} from '../domain/routing/route.ts'
import type { Json } from './ports.ts'

/** The routing in force, with every default filled in; what a match leaves open is left out. */
export function routingJson({ routes, aliases, labels, models }: RoutingPolicy): Readonly<Record<string, Json>> {
  return {
    routes: routes.map(routeJson),
    aliases: Object.fromEntries(
      [...aliases].map(([name, { provider, model }]) => [
        name,
        provider === undefined ? model : `${provider}/${model}`,
      ]),
    ),
    labels: { task: labels.task.map(labelJson), complexity: labels.complexity.map(labelJson) },
    models: Object.fromEntries([...models].map(([name, facts]) => [name, modelJson(facts)])),
  }
}

function routeJson({ name, dialect, match, strategy, fallbacks, fallback, feedback }: Route): Json {
  return {
    name,
    dialect,
    match: matchJson(match),
    ...strategyJson(strategy),
    fallbacks: fallbacks.map(({ key }) => key),
    fallback: {
      on: [...fallback.on],
      answer_timeout_ms: fallback.answerTimeoutMs,
      first_token_timeout_ms: fallback.firstTokenTimeoutMs,
      max_attempts: fallback.maxAttempts,
      retries: fallback.retries,
    },
    feedback: feedbackJson(feedback),
  }
}

/** `off`, or what evidence may do with the weights. */
function feedbackJson(feedback: Route['feedback']): Json {
  if (feedback === undefined) return 'off'
  const { mode, reference, delta, pointUsd, floor, ceiling } = feedback
  return {
    mode,
    reference: reference.kind === 'arm' ? reference.key : reference.value,
    delta,
    point_value: pointUsd,
    floor,
    ceiling,
  }
}

function strategyJson(strategy: Strategy): Readonly<Record<string, Json>> {
  switch (strategy.kind) {
    case 'fixed':
      return { strategy: 'fixed', target: strategy.target.key }
    case 'weighted':
    case 'balance':
      return {
        strategy: strategy.kind,
        targets: strategy.targets.map(({ target, weight }) => ({ target: target.key, weight })),
      }
    case 'rules':
      return {
        strategy: 'rules',
        rules: strategy.rules.map(({ name, when, target }) => ({ name, when: matchJson(when), target: target.key })),
        otherwise: strategy.otherwise.key,
      }
  }
}

/** The conditions of a match; what it leaves open is left out. */
export function matchJson(match: Match): Json {
  return given({
    model: match.models,
    mount: match.mounts,
    dialect: match.dialects,
    api: match.apis,
    path: match.paths,
    headers: match.headers === undefined ? undefined : Object.fromEntries(match.headers),
    key: match.keys,
    team: match.teams,
    user: match.users,
    tags: match.tags === undefined ? undefined : Object.fromEntries(match.tags),
    flag: match.flags,
    task: match.tasks,
    complexity: match.complexities,
    input_tokens: match.inputTokens === undefined ? undefined : given(match.inputTokens),
    turn: match.turns === undefined ? undefined : given(match.turns),
    needs: match.needs,
    stream: match.isStream,
    hours:
      match.hours === undefined
        ? undefined
        : given({
            from_minute: match.hours.fromMinute,
            to_minute: match.hours.toMinute,
            zone: match.hours.zone,
            days: match.hours.days,
          }),
  })
}

function labelJson({ label, when }: LabelRule<string>): Json {
  return { label, when: textMatchJson(when) }
}

function textMatchJson(when: TextMatch): Json {
  return given({
    keywords: when.keywords,
    pattern: when.pattern?.source,
    input_tokens: when.inputTokens === undefined ? undefined : given(when.inputTokens),
    turn: when.turns === undefined ? undefined : given(when.turns),
    needs: when.needs,
    has_code: when.hasCode,
  })
}

function modelJson({ contextTokens, maxOutputTokens, lacks, refuses }: Partial<ModelFacts>): Json {
  return given({
    context_tokens: contextTokens,
    max_output_tokens: maxOutputTokens,
    lacks: lacks === undefined ? undefined : [...lacks],
    refuses,
  })
}

/** The entries that say something. */
function given(fields: Readonly<Record<string, Json | undefined>>): Json {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
