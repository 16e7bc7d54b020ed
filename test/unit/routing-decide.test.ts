import { expect, test } from 'vitest'
import { decideRoute } from '../../src/domain/routing/decide-route.ts'
import type { HealthView } from '../../src/domain/routing/target-health.ts'
import { aRoutingState, decided, keysOf, someFacts } from '../fakes/a-routing.ts'

const FIXED = 'routes:\n  chat: { target: openai/a, fallbacks: [second/b, second/c] }\n'
const BALANCE =
  'routes:\n  pool: { strategy: balance, targets: [openai/a, second/b, second/c], fallbacks: [second/d] }\n'
const WEIGHTED =
  'routes:\n  canary: { targets: [{ target: openai/a, weight: 1 }, { target: second/b, weight: 1 }], fallbacks: [openai/a, second/c] }\n'

test('what no route takes goes to the provider of its mount as it came', () => {
  const state = aRoutingState('routes:\n  chat: { match: { team: x }, target: second/b }\n')
  expect(decided(state, someFacts())).toEqual({
    route: 'default',
    arm: 'none',
    targets: [{ provider: 'openai', model: 'gpt-4o' }],
    reasons: ['default_route'],
    policyVersion: '0123456789abcdef',
    unit: { value: 'u1', source: 'session' },
  })
})

test('a fixed route goes to its target, then to its fallbacks in order, and says so', () => {
  expect(decided(aRoutingState(FIXED), someFacts())).toEqual({
    route: 'chat',
    rule: undefined,
    arm: 'none',
    targets: [
      { key: 'openai/a', provider: 'openai', model: 'a' },
      { key: 'second/b', provider: 'second', model: 'b' },
      { key: 'second/c', provider: 'second', model: 'c' },
    ],
    rejected: [],
    reasons: ['fixed'],
    policyVersion: '0123456789abcdef',
    overlayRevision: '',
    unit: { value: 'u1', source: 'session' },
  })
})

test.each<[health: HealthView, order: readonly string[], reasons: readonly string[]]>([
  [{}, ['openai/a', 'second/b', 'second/c'], ['fixed']],
  [{ 'openai/a': 'probing' }, ['openai/a', 'second/b', 'second/c'], ['fixed']],
  [{ 'openai/a': 'degraded' }, ['second/b', 'second/c', 'openai/a'], ['fixed', 'primary_degraded']],
  [{ 'openai/a': 'open' }, ['second/b', 'second/c'], ['fixed', 'primary_breaker_open']],
  [{ 'second/b': 'throttled' }, ['openai/a', 'second/c'], ['fixed']],
  [
    { 'openai/a': 'open', 'second/b': 'open', 'second/c': 'degraded' },
    ['second/c', 'openai/a', 'second/b'],
    ['fixed', 'primary_breaker_open', 'nothing_healthy'],
  ],
  // All known to be out: the first and one other, rather one that has not asked to be left alone.
  [
    { 'openai/a': 'open', 'second/b': 'throttled', 'second/c': 'open' },
    ['openai/a', 'second/c'],
    ['fixed', 'primary_breaker_open', 'nothing_healthy'],
  ],
  [
    { 'openai/a': 'throttled', 'second/b': 'throttled', 'second/c': 'throttled' },
    ['openai/a', 'second/b'],
    ['fixed', 'primary_throttled', 'nothing_healthy'],
  ],
  [{ 'openai/a': 'open', 'second/b': 'open', 'second/c': 'probing' }, ['second/c'], ['fixed', 'primary_breaker_open']],
])('with %j the order is %j', (health, order, reasons) => {
  const decision = decided(aRoutingState(FIXED), someFacts(), health)
  expect(keysOf(decision)).toEqual(order)
  expect(decision.reasons).toEqual(reasons)
  const ill = Object.entries(health).filter(([, state]) => state !== 'probing')
  expect(decision.rejected?.map(({ target }) => target).toSorted()).toEqual(ill.map(([key]) => key).toSorted())
})

test('a target at another provider than that of the mount needs a key of the server', () => {
  const state = aRoutingState('routes:\n  chat: { target: keyless/a, fallbacks: [openai/b] }\n')
  const decision = decided(state, someFacts())
  expect(keysOf(decision)).toEqual(['openai/b'])
  expect(decision.rejected).toEqual([{ target: 'keyless/a', why: 'no_key' }])
  expect(keysOf(decided(state, someFacts({ provider: 'keyless' })))).toEqual(['keyless/a', 'openai/b'])
})

test('a route whose every target lacks a key refuses, rather than sending the request somewhere else', () => {
  const state = aRoutingState('routes:\n  chat: keyless/a\n')
  expect(decided(state, someFacts())).toMatchObject({
    refused: 'no_usable_target',
    route: 'chat',
    rejected: [{ target: 'keyless/a', why: 'no_key' }],
  })
})

test('a target that cannot hold prompt and answer is passed over, and so is one that lacks what is needed', () => {
  const state = aRoutingState(`${FIXED}models:\n  openai/a: { context_tokens: 1000 }\n  b: { lacks: [images] }\n`)
  expect(keysOf(decided(state, someFacts({ inputTokens: 600, maxOutputTokens: 400 })))[0]).toBe('openai/a')
  const tooLong = decided(state, someFacts({ inputTokens: 601, maxOutputTokens: 400, needs: ['images', 'tools'] }))
  expect(keysOf(tooLong)).toEqual(['second/c'])
  expect(tooLong.rejected).toEqual([
    { target: 'openai/a', why: 'context_window' },
    { target: 'second/b', why: 'needs_images' },
  ])
})

test('what a provider keeps is looked for there: others do not stand by, and are tried only where it has no target', () => {
  const state = aRoutingState(`${FIXED}models: { b: { lacks: [tools] }, c: { lacks: [tools] } }\n`)
  const kept = (provider: string | undefined, needs: readonly 'tools'[] = []) =>
    decided(state, someFacts({ stored: { provider }, needs }))
  const elsewhere = (...targets: readonly string[]) => targets.map((target) => ({ target, why: 'stored_elsewhere' }))
  expect(keysOf(kept('openai'))).toEqual(['openai/a'])
  expect(kept('openai').rejected).toEqual(elsewhere('second/b', 'second/c'))
  expect(keysOf(kept('second'))).toEqual(['second/b', 'second/c'])
  expect(keysOf(kept('second', ['tools']))).toEqual(['second/b', 'second/c'])
  expect(keysOf(kept('keyless'))).toEqual(['openai/a', 'second/b', 'second/c'])
  expect(keysOf(kept(undefined))).toEqual(['openai/a', 'second/b', 'second/c'])
  expect(kept(undefined).reasons).toContain('keeper_unknown')
  expect(keysOf(decided(state, someFacts({ stored: { provider: 'openai' } }), { 'openai/a': 'open' }))).toEqual([
    'openai/a',
  ])
})

test('where no target can do it all are tried: whether it is an error is the provider’s say', () => {
  const state = aRoutingState(
    'routes: { chat: { target: openai/a, fallbacks: second/a } }\nmodels: { a: { lacks: tools } }\n',
  )
  const decision = decided(state, someFacts({ needs: ['tools'] }))
  expect(keysOf(decision)).toEqual(['openai/a', 'second/a'])
  expect(decision.reasons).toContain('nothing_fits')
})

test('the operator’s word on a model stands before the catalogue’s, field by field', () => {
  const state = aRoutingState(`${FIXED}models: { openai/a: { context_tokens: 1000 } }\n`)
  const known = () => ({ contextTokens: 10, lacks: new Set(['audio'] as const), refuses: [] })
  const decision = decideRoute(someFacts({ inputTokens: 500, needs: ['audio'] }), state, {}, known)
  expect(decision.rejected).toEqual([
    { target: 'openai/a', why: 'needs_audio' },
    { target: 'second/b', why: 'context_window' },
    { target: 'second/c', why: 'context_window' },
  ])
})

test('a target that asks for the model as the client does gets it by its alias', () => {
  const state = aRoutingState('aliases: { fast: gpt-mini, far: second/gpt-max }\nroutes: { chat: "second/*" }\n')
  const modelOf = (model: string | undefined): unknown => {
    const decision = decided(state, someFacts({ model }))
    return 'targets' in decision ? decision.targets[0] : undefined
  }
  expect(modelOf('fast')).toEqual({ key: 'second/*', provider: 'second', model: 'gpt-mini' })
  expect(modelOf('far')).toEqual({ key: 'second/*', provider: 'second', model: 'gpt-max' })
  expect(modelOf('other')).toEqual({ key: 'second/*', provider: 'second', model: 'other' })
  expect(modelOf(undefined)).toEqual({ key: 'second/*', provider: 'second', model: undefined })
})

test('an alias holds on the default route too, in its own dialect, and never without a key', () => {
  const state = aRoutingState('aliases: { far: second/b, near: c, keyless: keyless/d, other: anthropic/e }\n')
  const targetsOf = (model: string): unknown => {
    const decision = decided(state, someFacts({ model }))
    return 'targets' in decision ? decision.targets : decision.rejected
  }
  expect(targetsOf('far')).toEqual([{ provider: 'second', model: 'b' }])
  expect(targetsOf('near')).toEqual([{ provider: 'openai', model: 'c' }])
  expect(targetsOf('keyless')).toEqual([{ target: 'keyless/d', why: 'no_key' }])
  expect(targetsOf('other')).toEqual([{ provider: 'openai', model: 'other' }])
  expect(targetsOf('constructor')).toEqual([{ provider: 'openai', model: 'constructor' }])
})

test('two ways to write one target are one target', () => {
  const state = aRoutingState('routes: { chat: { target: "openai/*", fallbacks: [openai/gpt-4o, second/b] } }\n')
  expect(keysOf(decided(state, someFacts({ model: 'gpt-4o' })))).toEqual(['openai/*', 'second/b'])
})

test('x-understudy-route takes the route whatever it matches; a name that is none is told and changes nothing', () => {
  const state = aRoutingState(
    'routes:\n  a: { match: { team: x }, target: openai/a }\n  b: openai/b\n  c: anthropic/c\n',
  )
  const ask = (routeAsked: string): unknown => {
    const { route, reasons } = decided(state, someFacts({ routeAsked }))
    return [route, reasons[0]]
  }
  expect(ask('a')).toEqual(['a', 'route_asked'])
  expect(ask('none')).toEqual(['b', 'asked_route_unknown'])
  expect(ask('c')).toEqual(['b', 'asked_route_other_dialect'])
})

test('rules are asked in order, and none is the last', () => {
  const state = aRoutingState(
    `routes:
  chat:
    rules:
      - { name: short, when: { input_tokens: { below: 100 } }, target: openai/a }
      - { name: tools, when: { needs: tools }, target: second/b }
    otherwise: openai/c
    fallbacks: second/d
`,
  )
  const ask = (changes: Parameters<typeof someFacts>[0]): unknown => {
    const decision = decided(state, someFacts(changes))
    return [decision.rule, keysOf(decision), decision.reasons]
  }
  expect(ask({ inputTokens: 99, needs: ['tools'] })).toEqual(['short', ['openai/a', 'second/d'], ['rule_held']])
  expect(ask({ inputTokens: 100, needs: ['tools'] })).toEqual(['tools', ['second/b', 'second/d'], ['rule_held']])
  expect(ask({})).toEqual([undefined, ['openai/c', 'second/d'], ['no_rule_held']])
})

test('a weighted unit stays where it is when its target is ill: only its fallbacks step in', () => {
  const state = aRoutingState(WEIGHTED)
  const unit = { value: 'u3', source: 'session' } as const
  const well = keysOf(decided(state, someFacts({ unit })))
  expect(well).toEqual(['second/b', 'openai/a', 'second/c'])
  expect(keysOf(decided(state, someFacts({ unit }), { 'second/b': 'open' }))).toEqual(['openai/a', 'second/c'])
  expect(keysOf(decided(state, someFacts({ unit }), { 'second/b': 'degraded' }))).toEqual([
    'openai/a',
    'second/c',
    'second/b',
  ])
})

test('what a weighted target cannot do falls to the others by their weights, and back once it is asked no more', () => {
  const state = aRoutingState(`${WEIGHTED}models: { second/b: { lacks: tools } }\n`)
  for (let index = 0; index < 50; index++) {
    const facts = someFacts({ unit: { value: `u${index}`, source: 'session' }, needs: ['tools'] })
    const decision = decided(state, facts)
    expect(keysOf(decision)).toEqual(['openai/a', 'second/c'])
    expect(keysOf(decided(state, { ...facts, needs: [] }))).toEqual(keysOf(decided(aRoutingState(WEIGHTED), facts)))
  }
})

test('a balanced unit moves only while its target is ill, and the others stand by before the fallbacks', () => {
  const state = aRoutingState(BALANCE)
  for (let index = 0; index < 200; index++) {
    const facts = someFacts({ unit: { value: `u${index}`, source: 'session' } })
    const order = keysOf(decided(state, facts))
    expect(order.toSorted()).toEqual(['openai/a', 'second/b', 'second/c', 'second/d'])
    expect(order.at(-1)).toBe('second/d')
    for (const ill of ['openai/a', 'second/b', 'second/c']) {
      const [first] = keysOf(decided(state, facts, { [ill]: 'open' }))
      expect(first).toBe(order[0] === ill ? order[1] : order[0])
    }
  }
})

test('what one ill target of a balanced route leaves is spread over the others', () => {
  const state = aRoutingState(BALANCE)
  const firsts = new Map<string, number>()
  for (let index = 0; index < 3000; index++) {
    const facts = someFacts({ unit: { value: `u${index}`, source: 'session' } })
    if (keysOf(decided(state, facts))[0] !== 'openai/a') continue
    const next = keysOf(decided(state, facts, { 'openai/a': 'open' }))[0] ?? ''
    firsts.set(next, (firsts.get(next) ?? 0) + 1)
  }
  // A thousand units or so fall to either side of two; 400 is six standard deviations away.
  expect(firsts.get('second/b')).toBeGreaterThan(400)
  expect(firsts.get('second/c')).toBeGreaterThan(400)
})

test('a weight of 0 is never the first choice, and is named', () => {
  const state = aRoutingState(
    'routes: { chat: { targets: [{ target: openai/a, weight: 0 }, { target: second/b, weight: 1 }], fallbacks: openai/a } }\n',
  )
  expect(keysOf(decided(state, someFacts()))).toEqual(['second/b', 'openai/a'])
  const without = aRoutingState(
    'routes: { chat: { targets: [{ target: openai/a, weight: 0 }, { target: second/b, weight: 1 }] } }\n',
  )
  expect(decided(without, someFacts())).toMatchObject({ rejected: [{ target: 'openai/a', why: 'weight_zero' }] })
})

test('live weights hold while the file says what it said under them', () => {
  const live = (base: Readonly<Record<string, number>>) =>
    aRoutingState(WEIGHTED, {
      revision: 'r7',
      weights: new Map([
        ['canary', { weights: { 'openai/a': 0, 'second/b': 1 }, pins: [], base, actor: 'a', reason: 'b', at: 1 }],
      ]),
    })
  for (let index = 0; index < 50; index++) {
    const facts = someFacts({ unit: { value: `u${index}`, source: 'session' } })
    const decision = decided(live({ 'openai/a': 1, 'second/b': 1 }), facts)
    expect(keysOf(decision)[0]).toBe('second/b')
    expect(decision).toMatchObject({ reasons: ['weighted', 'live_weights'], overlayRevision: 'r7' })
    for (const base of [
      { 'openai/a': 2, 'second/b': 1 },
      { 'openai/a': 1, 'second/b': 1, 'second/gone': 1 },
      { 'openai/a': 1 },
    ]) {
      const edited = live(base)
      expect(decided(edited, facts)).toMatchObject({ reasons: ['weighted'] })
      expect(keysOf(decided(edited, facts))).toEqual(keysOf(decided(aRoutingState(WEIGHTED), facts)))
    }
  }
})

test('a task that has live weights of its own goes by them, every other by those of the route', () => {
  const base = { 'openai/a': 1, 'second/b': 1 }
  const tasks = Object.fromEntries(
    ['math', 'constructor'].map((task) => [task, { 'openai/a': 0, 'second/b': 1 }] as const),
  )
  const weights = { weights: { 'openai/a': 1, 'second/b': 0 }, pins: [], tasks, base, actor: 'a', reason: 'b', at: 1 }
  const of = (task: string, file = WEIGHTED) => {
    const labels = { task, taskSource: 'header', complexity: 'unknown', complexitySource: 'none' } as const
    const decision = decided(
      aRoutingState(file, { revision: 'r8', weights: new Map([['canary', weights]]) }),
      someFacts({ labels }),
    )
    return [keysOf(decision)[0], 'reasons' in decision ? decision.reasons.at(-1) : undefined]
  }
  expect(of('math')).toEqual(['second/b', 'task_weights'])
  expect(of('constructor')).toEqual(['second/b', 'task_weights'])
  for (const task of ['coding', 'unknown', 'toString', '__proto__'])
    expect(of(task)).toEqual(['openai/a', 'live_weights'])
  expect(of('math', WEIGHTED.replace('weight: 1', 'weight: 2'))[1]).toBe('weighted')
})
