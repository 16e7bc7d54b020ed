import fc from 'fast-check'
import type { Facts } from '../../src/domain/routing/facts.ts'
import { NEEDS, TASK_TYPES } from '../../src/domain/routing/route.ts'
import type { HealthView } from '../../src/domain/routing/target-health.ts'

/** The routing keys of a config file, as mappings and lists; dialect by provider as in `ROUTING_PROVIDERS`. */
export type RoutingFile = {
  readonly routes: Record<string, Record<string, unknown>>
  readonly aliases: Record<string, string>
  readonly labels: Record<string, unknown>
  readonly models: Record<string, Record<string, unknown>>
}

const DIALECTS = ['openai', 'anthropic', 'gemini'] as const
const PROVIDERS = { openai: ['openai', 'second', 'keyless'], anthropic: ['anthropic'], gemini: ['gemini'] } as const
const APIS = {
  openai: ['chat_completions', 'responses', 'completions', 'embeddings'],
  anthropic: ['messages', 'count_tokens'],
  gemini: ['generate_content', 'embed_content'],
} as const

const MODELS = ['a', 'b', 'c', 'gpt-4o', 'meta/llama-3', '*']
const NAMES = ['x', 'y', 'prod', 'prod-1']
const GLOBS = ['*', 'x', 'prod*', '*-1', 'p*d', 'nobody']

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 })
/** As one value where it is only one: both ways of writing it. */
const oneOrMany = <T>(values: readonly T[]): fc.Arbitrary<T | T[]> =>
  fc
    .tuple(some(values), fc.boolean())
    .map(([list, isShort]) => (isShort && list[0] !== undefined && list.length === 1 ? list[0] : list))
const range = (largest: number): fc.Arbitrary<{ from?: number; below?: number }> =>
  fc.oneof(
    fc.nat(largest).map((from) => ({ from })),
    fc.integer({ min: 1, max: largest }).map((below) => ({ below })),
    fc
      .tuple(fc.nat(largest), fc.integer({ min: 1, max: largest }))
      .map(([from, size]) => ({ from, below: from + size })),
  )

const clock = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`)

const hours = fc.record(
  {
    between: fc
      .tuple(clock, clock)
      .filter(([from, to]) => from !== to)
      .map((times) => times.join('-')),
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/New_York'),
    days: oneOrMany(['mon', 'sat-sun', 'fri', 'thu-tue']),
  },
  { requiredKeys: ['between', 'zone'] },
)

/** What no dialect and no other condition can contradict. */
const freeMatch = {
  model: oneOrMany([...GLOBS, 'gpt-*']),
  path: oneOrMany(['*', '/openai/*', '/v1/*']),
  headers: fc.dictionary(fc.constantFrom('x-env', 'x-app', 'constructor'), oneOrMany(GLOBS), {
    minKeys: 1,
    maxKeys: 2,
  }),
  tags: fc.dictionary(fc.constantFrom('app', 'flags', 'constructor'), oneOrMany(GLOBS), { minKeys: 1, maxKeys: 2 }),
  flag: oneOrMany(NAMES),
  task: oneOrMany(['coding', 'math', 'unknown']),
  complexity: oneOrMany(['simple', 'moderate', 'complex', 'unknown']),
  needs: oneOrMany(NEEDS),
  stream: fc.boolean(),
  hours,
}

const route = (dialect: (typeof DIALECTS)[number], index: number): fc.Arbitrary<Record<string, unknown>> => {
  const targets = PROVIDERS[dialect].flatMap((provider) => MODELS.map((model) => `${provider}/${model}`))
  // No two routes have a team in common, so that none hides another.
  const match = fc
    .record(
      {
        ...freeMatch,
        api: oneOrMany(APIS[dialect]),
        mount: oneOrMany(PROVIDERS[dialect]),
        dialect: fc.constant(dialect),
      },
      { requiredKeys: [] },
    )
    .map((fields) => ({ ...fields, team: index % 2 === 0 ? `t${index}` : [`t${index}`, `u${index}`] }))
  const strategy = fc
    .tuple(
      fc.constantFrom('fixed', 'weighted', 'balance', 'rules'),
      fc.shuffledSubarray(targets, { minLength: 3, maxLength: 6 }),
      fc.array(fc.nat(100), { minLength: 4, maxLength: 4 }),
      fc.boolean(),
    )
    .map(([kind, chosen, weights, isNamed]) => {
      const [first, second, ...rest] = chosen
      const fallbacks = rest.length === 0 ? {} : { fallbacks: rest }
      const named = isNamed ? { strategy: kind } : {}
      const [w0 = 0, w1 = 0] = weights
      switch (kind) {
        case 'fixed':
          return { ...named, target: first, ...fallbacks }
        case 'weighted':
          return {
            ...named,
            targets: [
              { target: first, weight: w0 + 1 },
              { target: second, weight: w1 / 4 },
            ],
            ...fallbacks,
          }
        case 'balance':
          return {
            strategy: kind,
            targets: isNamed ? [first, second] : [{ target: first, weight: w0 + 1 }, second],
            ...fallbacks,
          }
        default: {
          const rules = [
            { name: 'one', when: { user: ['x'], input_tokens: { below: w0 + 1 } }, target: first },
            { name: 'two', when: { user: 'y*', turn: { from: w1 } }, target: second },
          ]
          return { ...named, rules, otherwise: first, ...fallbacks }
        }
      }
    })
  const fallback = fc.record(
    {
      on: oneOrMany(['error', 'rate_limit', 'refusal', 'invalid_json']),
      answer_timeout: fc.constantFrom('500ms', '30s', '2m'),
      max_attempts: fc.integer({ min: 1, max: 20 }),
      retries: fc.nat(5),
    },
    { requiredKeys: [] },
  )
  return fc.tuple(match, strategy, fallback).map(([m, s, f]) => ({ match: m, ...s, fallback: f }))
}

const textMatch = fc.record(
  {
    keywords: oneOrMany(['refund', 'credit note', 'ünïcode']),
    pattern: fc.constantFrom('^hello', '(a+)+$', '\\bx\\b', '[a-z]{2,5}'),
    input_tokens: range(10_000),
    turn: range(20),
    needs: oneOrMany(NEEDS),
    has_code: fc.boolean(),
  },
  { requiredKeys: [] },
)

/** A routing file without a fault. */
export const anyRoutingFile: fc.Arbitrary<RoutingFile> = fc.record({
  routes: fc
    .array(fc.constantFrom(...DIALECTS), { minLength: 1, maxLength: 4 })
    .chain((dialects) => fc.tuple(...dialects.map((dialect, index) => route(dialect, index))))
    .map((routes) => Object.fromEntries(routes.map((entry, index) => [`route-${index}`, entry]))),
  aliases: fc.dictionary(
    fc.constantFrom('gpt-4o', 'fast', 'a b'),
    fc.constantFrom('b', 'second/c', 'keyless/c', 'anthropic/d'),
  ),
  labels: fc.record(
    {
      task: fc.array(fc.record({ label: fc.constantFrom(...TASK_TYPES), when: textMatch }), { maxLength: 3 }),
      complexity: fc.array(fc.record({ label: fc.constantFrom('simple', 'complex'), when: textMatch }), {
        maxLength: 3,
      }),
    },
    { requiredKeys: [] },
  ),
  models: fc.dictionary(
    fc.constantFrom('a', 'second/b', 'gpt-4o', 'meta'),
    fc.record(
      {
        context_tokens: fc.integer({ min: 1, max: 5000 }),
        lacks: oneOrMany(NEEDS),
        refuses: oneOrMany(['logprobs', 'top_k']),
      },
      { requiredKeys: [] },
    ),
  ),
})

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const record = (keys: readonly string[]): fc.Arbitrary<Record<string, string>> =>
  fc.dictionary(fc.constantFrom(...keys), fc.oneof(fc.constantFrom(...NAMES, 'x y+z'), fc.string()), { maxKeys: 3 })

const unit = fc.record({
  value: fc.nat().map((number) => number.toString(16).padStart(16, '0')),
  source: fc.constantFrom('session', 'conversation', 'first_turn', 'user', 'none'),
})

const ofDialect = (dialect: (typeof DIALECTS)[number]): fc.Arbitrary<Facts> =>
  fc.record({
    provider: fc.constantFrom(...PROVIDERS[dialect]),
    dialect: fc.constant(dialect),
    api: fc.constantFrom(...APIS[dialect]),
    path: fc.constantFrom('/openai/v1/chat/completions', '/v1/messages', '/'),
    model: maybe(fc.oneof(fc.constantFrom(...MODELS, 'fast', 'constructor', 'a b'), fc.string())),
    routeAsked: maybe(fc.constantFrom('route-0', 'route-1', 'none', 'constructor')),
    headers: record(['x-env', 'x-app', 'constructor']),
    key: fc.constantFrom('', '0123456789abcdef'),
    team: maybe(fc.constantFrom('t0', 't1', 'u1', 't2', 't3', 'u3', 't4', 't5')),
    user: maybe(fc.oneof(fc.constantFrom('x', 'yy'), fc.string())),
    tags: record(['app', 'flags', 'constructor', '__proto__']),
    labels: fc.record({
      task: fc.constantFrom(...TASK_TYPES, 'unknown', 'whatever'),
      taskSource: fc.constantFrom('header', 'rule', 'none'),
      complexity: fc.constantFrom('simple', 'moderate', 'complex', 'unknown'),
      complexitySource: fc.constantFrom('header', 'rule', 'none'),
    }),
    inputTokens: maybe(fc.nat(10_000)),
    maxOutputTokens: maybe(fc.nat(10_000)),
    turn: maybe(fc.nat(30)),
    needs: fc.subarray([...NEEDS]),
    isStream: fc.boolean(),
    at: fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2028, 0) }),
    unit,
    stored: maybe(fc.record({ provider: maybe(fc.constantFrom(...PROVIDERS[dialect], 'gone')) })),
  })

/** Facts of any request, sensible or not. */
export const anyFacts: fc.Arbitrary<Facts> = fc.oneof(...DIALECTS.map(ofDialect))

/** Any health of any of the targets that `anyRoutingFile` may name. */
export const anyHealth: fc.Arbitrary<HealthView> = fc.dictionary(
  fc
    .tuple(fc.constantFrom('openai', 'second', 'keyless', 'anthropic', 'gemini'), fc.constantFrom(...MODELS))
    .map((parts) => parts.join('/')),
  fc.constantFrom('healthy', 'degraded', 'open', 'throttled', 'probing'),
  { maxKeys: 12 },
)
