import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { decideRoute } from '../../src/domain/routing/decide-route.ts'
import { explainRoute } from '../../src/domain/routing/explain.ts'
import type { Decision, Refusal } from '../../src/domain/decide.ts'
import type { Facts } from '../../src/domain/routing/facts.ts'
import type { HealthView } from '../../src/domain/routing/target-health.ts'
import type { Overlay } from '../../src/domain/routing/overlay.ts'
import { readInputs, replay, writeInputs } from '../../src/domain/routing/replay.ts'
import type { Route } from '../../src/domain/routing/route.ts'
import { targetsOf } from '../../src/domain/routing/router.ts'
import type { RoutingState } from '../../src/domain/state.ts'
import { aRoutingState, decided, KNOWS_NO_MODEL, keysOf, ROUTING_PROVIDERS, someFacts } from '../fakes/a-routing.ts'
import { anyFacts, anyHealth, anyRoutingFile, type RoutingFile } from '../fakes/any-routing.ts'

const stateOf = (file: RoutingFile): RoutingState => aRoutingState(stringify(file))

function withOverlay(state: RoutingState, seed: number): RoutingState {
  return { ...state, overlay: overlayOf(state.policy.routing.routes, seed) }
}

/** Live weights of a route, made on the file's or, every third time, on others. */
function overlayOf(routes: readonly Route[], seed: number): Overlay {
  const entries = routes.flatMap(({ name, strategy }, index) => {
    if (strategy.kind !== 'weighted' && strategy.kind !== 'balance') return []
    const base = Object.fromEntries(
      strategy.targets.map(({ target, weight }) => [target.key, weight + (seed % 3 === 0 ? 1 : 0)]),
    )
    const weights = Object.fromEntries(
      strategy.targets.map(({ target }, at) => [target.key, (seed + index * 7 + at * 3) % 11]),
    )
    const turned = Object.fromEntries(Object.entries(weights).map(([key, weight]) => [key, 10 - weight]))
    const tasks = seed % 2 === 0 ? {} : { tasks: { coding: turned, unknown: turned } }
    return [[name, { weights, pins: [], ...tasks, base, actor: 'a', reason: 'b', at: 1 }] as const]
  })
  return { revision: `r${seed}`, weights: new Map(entries) }
}

/** What a decision must never be, whatever the policy; '' where it is none of it. */
function fault(facts: Facts, { policy }: RoutingState, health: HealthView, decision: Decision | Refusal): string {
  if (!('targets' in decision)) {
    return decision.rejected.every(({ why }) => why === 'no_key' || why === 'weight_zero') ? '' : 'refused without need'
  }
  const route = policy.routing.routes.find(({ name }) => name === decision.route)
  const known = route === undefined ? [] : targetsOf(route).map(({ key }) => key)
  if (route !== undefined && keysOf(decision).some((key) => !known.includes(key))) return 'a target of no one'
  const places = decision.targets.map(({ provider, model }) => `${provider}/${model}`)
  if (new Set(places).size !== places.length) return 'a target twice'
  for (const target of decision.targets) {
    const provider = policy.providers.get(target.provider)
    if (provider?.dialect !== facts.dialect) return 'another dialect'
    if (target.provider !== facts.provider && provider.apiKey === undefined) return 'a key that is not theirs'
  }
  const isIll = (key: string | undefined): boolean => !['healthy', 'probing', undefined].includes(health[key ?? ''])
  const [first, ...others] = decision.targets
  return isIll(first.key) && !others.every(({ key }) => isIll(key)) ? 'an ill target first' : ''
}

test('a thousand random policies load, and decide any request the same twice without throwing', () => {
  const requests = fc.array(anyFacts, { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(anyRoutingFile, requests, anyHealth, fc.nat(99), (file, asked, health, seed) => {
      const state = withOverlay(stateOf(file), seed)
      const { policy } = state
      const again = { ...state, policy: { ...policy, routing: { ...policy.routing } } }
      const decisions = asked.map((facts) => decideRoute(facts, state, health, KNOWS_NO_MODEL))
      expect(asked.map((facts) => decideRoute(facts, again, { ...health }, KNOWS_NO_MODEL))).toEqual(decisions)
      const faults = asked.flatMap((facts, index) => {
        const decision = decisions[index]
        return decision === undefined ? ['none'] : [fault(facts, state, health, decision)]
      })
      expect(faults.filter((text) => text !== '')).toEqual([])
    }),
    { numRuns: 1000 },
  )
}, 120_000)

test('what a stored decision rested on decides the same again, and a spoiled row decides nothing', () => {
  const requests = fc.array(anyFacts, { minLength: 10, maxLength: 10 })
  fc.assert(
    fc.property(anyRoutingFile, requests, anyHealth, fc.nat(99), (file, asked, health, seed) => {
      const state = withOverlay(stateOf(file), seed)
      const stored = asked.map((facts) => writeInputs({ facts, health }))
      expect(stored.map((text) => replay(text, state, KNOWS_NO_MODEL))).toEqual(
        asked.map((facts) => decideRoute(facts, state, health, KNOWS_NO_MODEL)),
      )
      const [inputs = ''] = stored
      const accepted = spoiledForms(inputs).filter((text) => replay(text, state, KNOWS_NO_MODEL) !== undefined)
      expect(accepted).toEqual([])
    }),
    { numRuns: 200 },
  )
}, 120_000)

/** Every way to cut a row short; and each of its fields malformed, said twice, left out and, where it may be wrong, wrong. */
function spoiledForms(inputs: string): readonly string[] {
  const fields = inputs.split('&')
  const halves = Array.from({ length: inputs.length }, (_, end) => inputs.slice(0, end))
  const spoiled = fields.flatMap((field, index) => {
    const [name = ''] = field.split('=')
    const isText = FREE_TEXTS.has(name) || /^(header|tag)[.]/.test(name)
    const instead = [
      [`${name}=%`],
      [name],
      [field, field],
      [field, 'other=1'],
      ...(isText ? [] : [[`${name}=b`]]),
      ...(REQUIRED.has(name) ? [[]] : []),
    ]
    return instead.map((some) => fields.toSpliced(index, 1, ...some).join('&'))
  })
  return [...halves, ...spoiled, '{"facts":{},"health":{}}']
}

const FREE_TEXTS = new Set([
  'provider',
  'path',
  'key',
  'unit',
  'model',
  'route_asked',
  'team',
  'user',
  'task',
  'stored',
])
const REQUIRED = new Set(['provider', 'dialect', 'api', 'path', 'key', 'at', 'unit', 'unit_source'])

test('whatever clients write, it is kept in a form that JSON need not escape, and reads back as it was', () => {
  const text = fc.string({ unit: 'grapheme' })
  const record = fc.dictionary(text, text)
  const written = fc.record({
    model: fc.option(text, { nil: undefined }),
    user: fc.option(text, { nil: undefined }),
    path: text,
    tags: record,
    headers: record,
    at: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
  })
  fc.assert(
    fc.property(written, (told) => {
      const inputs = { facts: someFacts(told), health: {} }
      const stored = writeInputs(inputs)
      expect(JSON.stringify(stored)).toBe(`"${stored}"`)
      expect(readInputs(stored)).toEqual(inputs)
    }),
    { numRuns: 1000 },
  )
})

test('explaining tells the decision itself, and for every route whether and why it does not match', () => {
  fc.assert(
    fc.property(anyRoutingFile, anyFacts, anyHealth, (file, facts, health) => {
      const state = stateOf(file)
      const decision = decideRoute(facts, state, health, KNOWS_NO_MODEL)
      const explained = explainRoute(facts, state, health, KNOWS_NO_MODEL)
      expect(explained.decision).toEqual(decision)
      const chosen = explained.routes.find(({ isChosen }) => isChosen)?.name ?? 'default'
      const firstMatch = explained.routes.find(({ failed }) => failed.length === 0)?.name ?? 'default'
      expect(chosen).toBe(decision.route)
      expect(firstMatch === chosen || decision.reasons.includes('route_asked')).toBe(true)
      const places = explained.targets.flatMap(({ place }) => place ?? [])
      expect(places.toSorted((a, b) => a - b)).toEqual(
        chosen === 'default' ? [] : keysOf(decision).map((_, i) => i + 1),
      )
    }),
    { numRuns: 100 },
  )
}, 120_000)

type Slip = {
  readonly name: string
  readonly path: string
  readonly spoil: (file: RoutingFile, route: Record<string, unknown>) => void
}

const inMatch = (name: string, path: string, fields: Record<string, unknown>): Slip => ({
  name,
  path,
  spoil: (_, route) => void (route['match'] = { ...Object(route['match']), ...fields }),
})
const inRoute = (name: string, path: string, fields: Record<string, unknown>): Slip => ({
  name,
  path,
  spoil: (_, route) => void Object.assign(route, fields),
})

/** Ways to get a good file wrong; `path`: what the fault is about. */
const SLIPS: readonly Slip[] = [
  inMatch('an unknown field', '.match.colour', { colour: 'red' }),
  inMatch('an unknown mount', '.match.mount', { mount: 'opnai' }),
  inMatch('an unknown zone', '.match.hours.zone', { hours: { between: '08:00-18:00', zone: 'Europe/Berln' } }),
  inMatch('hours that are none', '.match.hours.between', { hours: { between: '8-18', zone: 'UTC' } }),
  inMatch('a day that is none', '.match.hours.days', { hours: { between: '08:00-18:00', zone: 'UTC', days: ['fry'] } }),
  inMatch('a credential', '.match.headers.authorization', { headers: { authorization: 'x' } }),
  inMatch('an unknown task', '.match.task', { task: 'codng' }),
  inMatch('an unknown need', '.match.needs', { needs: 'wings' }),
  inMatch('an empty range', '.match.input_tokens', { input_tokens: { from: 5, below: 5 } }),
  inMatch('an empty list', '.match.team', { team: [] }),
  inMatch('a number for a name', '.match.model', { model: [4] }),
  inMatch('a key that is no subject', '.match.key', { key: 'sk-very-secret-key' }),
  inMatch('an unknown complexity', '.match.complexity', { complexity: 'hard' }),
  inRoute('an unknown provider', '.fallbacks', { fallbacks: ['opnai/x'] }),
  inRoute('a target that is none', '.fallbacks', { fallbacks: ['gpt-4o'] }),
  inRoute('a fallback twice', '.fallbacks', { fallbacks: ['openai/z', 'openai/z'] }),
  inRoute('a fallback in two dialects', '.fallbacks', { fallbacks: ['anthropic/z', 'openai/z'] }),
  inRoute('an unknown trigger', '.fallback.on', { fallback: { on: 'timeout' } }),
  inRoute('a time that is none', '.fallback.answer_timeout', { fallback: { answer_timeout: 30 } }),
  inRoute('two strategies', '', { target: 'openai/z', targets: [{ target: 'openai/y', weight: 1 }], rules: undefined }),
  inRoute('no strategy', '', { target: undefined, targets: undefined, rules: undefined, otherwise: undefined }),
  inRoute('an unknown key', '.fallbak', { fallbak: [] }),
  {
    name: 'a route that is never reached',
    path: 'routes.late',
    spoil: (file, route) => void (file.routes['late'] = structuredClone(route)),
  },
  {
    name: 'a route called default',
    path: 'routes.default',
    spoil: (file) => void (file.routes['default'] = { match: { team: 'q' }, target: 'openai/a' }),
  },
  {
    name: 'a route that begins with a digit',
    path: 'routes.9',
    spoil: (file) => void (file.routes['9'] = { match: { team: 'q' }, target: 'openai/a' }),
  },
  {
    name: 'weights that are all 0',
    path: 'routes.zero',
    spoil: (file) =>
      void (file.routes['zero'] = { match: { team: 'q' }, targets: [{ target: 'openai/a', weight: 0 }] }),
  },
  {
    name: 'a pattern that is none',
    path: 'labels.task',
    spoil: (file) => void (file.labels['task'] = [{ label: 'math', when: { pattern: '(' } }]),
  },
  {
    name: 'a pattern that looks ahead',
    path: 'labels.task',
    spoil: (file) => void (file.labels['task'] = [{ label: 'math', when: { pattern: '(a+)+(?!b)' } }]),
  },
  {
    name: 'an unknown label',
    path: 'labels.complexity',
    spoil: (file) => void (file.labels['complexity'] = [{ label: 'hard', when: {} }]),
  },
  { name: 'an alias to nowhere', path: 'aliases.fast', spoil: (file) => void (file.aliases['fast'] = 'opnai/x') },
  { name: 'a model at nobody', path: 'models.opnai/x', spoil: (file) => void (file.models['opnai/x'] = {}) },
]

test('a thousand good policies with one slip each are refused, at the line where the slip is', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(anyRoutingFile, fc.constantFrom(...SLIPS), fc.nat(5), (original, slip, at) => {
      const file = structuredClone(original)
      const names = Object.keys(file.routes)
      const name = names[at % names.length] ?? ''
      slip.spoil(file, file.routes[name] ?? {})
      const text = ROUTING_PROVIDERS + stringify(JSON.parse(JSON.stringify(file)))
      const result = parseConfig(text, 'u.yaml', {}, '/base')
      if ('config' in result) throw new Error(`${slip.name} was taken:\n${text}`)
      seen.add(slip.name)
      const path = slip.path.startsWith('.') || slip.path === '' ? `routes.${name}${slip.path}` : slip.path
      const fault = result.faults.find((one) => one.path.startsWith(path))
      if (fault === undefined)
        throw new Error(`${slip.name}: no fault at ${path} but ${result.faults.map((f) => f.path).join(', ')}`)
      expect(fault.text).toMatch(/^expected .*, found /s)
      // The key of the slip stands in its line, or in one right above where a list or a mapping is meant.
      const lines = text.split('\n').slice(Math.max(0, fault.line - 5), fault.line)
      expect(lines.join('\n')).toContain(
        fault.path
          .split('.')
          .at(-1)
          ?.replace(/\[\d+\]$/, ''),
      )
      expect(JSON.stringify(result.faults)).not.toContain('very-secret')
    }),
    { numRuns: 1000 },
  )
  expect(SLIPS.filter(({ name }) => !seen.has(name))).toEqual([])
}, 120_000)

const UNITS = 100_000

function assigned(weights: readonly [number, number, number]): Uint8Array {
  const [a, b, c] = weights
  const state = aRoutingState(
    `routes: { r: { targets: [{ target: openai/a, weight: ${a} }, { target: openai/b, weight: ${b} }, { target: second/c, weight: ${c} }] } }\n`,
  )
  const places = ['openai/a', 'openai/b', 'second/c']
  return Uint8Array.from({ length: UNITS }, (_, index) =>
    places.indexOf(keysOf(decided(state, someFacts({ unit: { value: `unit-${index}`, source: 'session' } })))[0] ?? ''),
  )
}

test('of a hundred thousand units each target gets its weight, and a raised weight moves units to its target alone', () => {
  const before = assigned([70, 20, 10])
  const after = assigned([70, 20, 20])
  for (const [units, shares] of [
    [before, [0.7, 0.2, 0.1]],
    [after, [70 / 110, 20 / 110, 20 / 110]],
  ] as const) {
    for (const [place, share] of shares.entries()) {
      const count = units.filter((unit) => unit === place).length
      // Five standard deviations of the binomial: once in two million runs, and the hash does not change.
      expect(Math.abs(count - UNITS * share)).toBeLessThan(5 * Math.sqrt(UNITS * share * (1 - share)))
    }
  }
  const moved = [...before.keys()].filter((index) => before[index] !== after[index])
  expect(moved.filter((index) => after[index] !== 2)).toEqual([])
  const least = UNITS * (20 / 110 - 0.1)
  expect(Math.abs(moved.length - least)).toBeLessThan(5 * Math.sqrt(least))
}, 120_000)
