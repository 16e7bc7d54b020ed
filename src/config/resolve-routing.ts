import type {
  FallbackRules,
  Hours,
  LabelRules,
  Match,
  Route,
  RouteTarget,
  RoutingPolicy,
  Strategy,
  TextMatch,
} from '../domain/routing/route.ts'
import type { Provider } from '../domain/policy.ts'
import type { ConfigFile } from './schema.ts'

type RouteEntry = ConfigFile['routes'][string]
type MatchEntry = RouteEntry['match']
type TextMatchEntry = ConfigFile['labels']['task'][number]['when']

/** The routing that a checked file means. */
export function resolveRouting(
  file: Pick<ConfigFile, 'routes' | 'aliases' | 'labels' | 'models'>,
  providers: ReadonlyMap<string, Provider>,
): RoutingPolicy {
  return {
    routes: Object.entries(file.routes).map(([name, entry]) => resolveRoute(name, entry, providers)),
    aliases: new Map(Object.entries(file.aliases)),
    labels: resolveLabels(file.labels),
    models: new Map(
      Object.entries(file.models).map(([name, { context_tokens, max_output_tokens, lacks, refuses }]) => [
        name,
        {
          ...(context_tokens === undefined ? {} : { contextTokens: context_tokens }),
          ...(max_output_tokens === undefined ? {} : { maxOutputTokens: max_output_tokens }),
          ...(lacks === undefined ? {} : { lacks: new Set(lacks) }),
          ...(refuses === undefined ? {} : { refuses }),
        },
      ]),
    ),
  }
}

function resolveRoute(name: string, entry: RouteEntry, providers: ReadonlyMap<string, Provider>): Route {
  const strategy = resolveStrategy(name, entry)
  return {
    name,
    dialect: providers.get(anyTarget(strategy).provider)?.dialect ?? 'openai',
    match: resolveMatch(entry.match),
    strategy,
    fallbacks: entry.fallbacks ?? [],
    fallback: resolveFallback(entry.fallback),
    ...resolveFeedback(entry.feedback, strategy),
  }
}

/** The checks have seen to it that the strategy is given whole; what they refuse never comes here. */
function resolveStrategy(name: string, { strategy, target, targets, rules, otherwise }: RouteEntry): Strategy {
  if (target !== undefined) return { kind: 'fixed', target }
  if (targets !== undefined) {
    const weighted = targets.map((entry) => ({ target: entry.target, weight: entry.weight ?? 1 }))
    return { kind: strategy === 'balance' ? 'balance' : 'weighted', targets: weighted, salt: name }
  }
  if (rules === undefined || otherwise === undefined) throw new TypeError(`routes.${name} has no strategy`)
  return {
    kind: 'rules',
    rules: rules.map((rule) => ({ name: rule.name, when: resolveMatch(rule.when), target: rule.target })),
    otherwise,
  }
}

function anyTarget(strategy: Strategy): RouteTarget {
  switch (strategy.kind) {
    case 'fixed':
      return strategy.target
    case 'rules':
      return strategy.otherwise
    case 'weighted':
    case 'balance': {
      const [first] = strategy.targets
      if (first === undefined) throw new TypeError('a weighted route has no target')
      return first.target
    }
  }
}

/** The conditions that a checked `match` means. */
export function resolveMatch(entry: MatchEntry): Match {
  return {
    models: entry.model,
    mounts: entry.mount,
    dialects: entry.dialect,
    apis: entry.api,
    paths: entry.path,
    headers: mapOf(entry.headers, (name) => name.toLowerCase()),
    keys: entry.key,
    teams: entry.team,
    users: entry.user,
    tags: mapOf(entry.tags, (name) => name),
    flags: entry.flag,
    tasks: entry.task,
    complexities: entry.complexity,
    inputTokens: entry.input_tokens,
    turns: entry.turn,
    needs: entry.needs,
    isStream: entry.stream,
    hours: entry.hours === undefined ? undefined : resolveHours(entry.hours),
  }
}

function mapOf(
  record: Readonly<Record<string, readonly string[]>> | undefined,
  name: (key: string) => string,
): ReadonlyMap<string, readonly string[]> | undefined {
  return record === undefined ? undefined : new Map(Object.entries(record).map(([key, values]) => [name(key), values]))
}

function resolveHours({ between, zone, days }: NonNullable<MatchEntry['hours']>): Hours {
  return {
    ...between,
    zone,
    days: days === undefined ? undefined : [...new Set(days.flat())].toSorted((a, b) => a - b),
  }
}

function resolveFallback(entry: RouteEntry['fallback']): FallbackRules {
  return {
    on: new Set(entry.on),
    answerTimeoutMs: entry.answer_timeout,
    firstTokenTimeoutMs: entry.first_token_timeout,
    maxAttempts: entry.max_attempts,
    retries: entry.retries,
  }
}

function resolveFeedback(entry: RouteEntry['feedback'], strategy: Strategy): Pick<Route, 'feedback'> {
  if (entry.mode === 'off' || (strategy.kind !== 'weighted' && strategy.kind !== 'balance')) return {}
  const { mode, reference = { kind: 'arm', key: anyTarget(strategy).key }, delta, point_value, floor, ceiling } = entry
  return { feedback: { mode, reference, delta, pointUsd: Number(point_value) / 1e12, floor, ceiling } }
}

function resolveLabels({ task, complexity }: ConfigFile['labels']): LabelRules {
  return {
    task: task.map(({ label, when }) => ({ label, when: resolveTextMatch(when) })),
    complexity: complexity.map(({ label, when }) => ({ label, when: resolveTextMatch(when) })),
  }
}

function resolveTextMatch(when: TextMatchEntry): TextMatch {
  return {
    keywords: when.keywords,
    pattern: when.pattern,
    inputTokens: when.input_tokens,
    turns: when.turn,
    needs: when.needs,
    hasCode: when.has_code,
  }
}
