import { describe, expect, test } from 'vitest'
import { changeWeights, isChangeable } from '../../src/domain/changes/change-weights.ts'
import type { ConfigEvent, StoredEvent } from '../../src/domain/changes/config-event.ts'
import { foldChange, NO_CHANGES, overlayOf } from '../../src/domain/changes/fold-changes.ts'
import { lastChanges, standingIds } from '../../src/domain/changes/last-changes.ts'
import { effectivePolicy, weightsViews } from '../../src/domain/changes/weights-view.ts'
import { aRoutingState } from '../fakes/a-routing.ts'

const YAML = `routes:
  chat: { match: { model: gpt-* }, strategy: weighted, targets: [{ target: openai/a, weight: 9 }, { target: second/b, weight: 1 }] }
  fixed: { match: { model: o1 }, target: openai/o1 }
`
const { policy } = aRoutingState(YAML)
const BASE = { 'openai/a': 9, 'second/b': 1 }

function setTo(weight: number, changes: Partial<StoredEvent> = {}): StoredEvent {
  const now = { weights: { ...BASE, 'second/b': weight }, pins: [] }
  return {
    id: `set-${weight}`,
    at: weight,
    instance: 'here',
    actor: 'ada',
    reason: '',
    policyVersion: 'v',
    after: (changes.revision ?? 1) - 1,
    revision: 1,
    change: { kind: 'weights_set', route: 'chat', base: BASE, ...now },
    before: { weights: BASE, pins: [] },
    now,
    ...changes,
  }
}

function overlayAfter(...events: readonly StoredEvent[]) {
  return overlayOf(events.reduce(foldChange, NO_CHANGES), [])
}

describe('changing weights', () => {
  test('what is not named stays as it is in force, pins too', () => {
    const first = changeWeights(policy, undefined, 'chat', { weights: { 'second/b': 5 }, pins: ['second/b'] })
    if ('fault' in first || first.change.kind !== 'weights_set') throw new Error('refused')
    const overlay = overlayAfter(setTo(5, { change: first.change, now: first.now }))
    expect(changeWeights(policy, overlay, 'chat', { weights: { 'openai/a': 2 }, pins: undefined })).toEqual({
      change: {
        kind: 'weights_set',
        route: 'chat',
        weights: { 'openai/a': 2, 'second/b': 5 },
        pins: ['second/b'],
        base: BASE,
      },
      before: { weights: { 'openai/a': 9, 'second/b': 5 }, pins: ['second/b'] },
      now: { weights: { 'openai/a': 2, 'second/b': 5 }, pins: ['second/b'] },
    })
  })

  test('weights of single tasks stay while only pins change, and go with a change of the weights that does not name them', () => {
    const tasks = { math: { 'openai/a': 0, 'second/b': 1 } }
    const set = changeWeights(policy, undefined, 'chat', { weights: {}, pins: undefined, tasks })
    if ('fault' in set || set.change.kind !== 'weights_set') throw new Error('refused')
    expect(set.now).toEqual({ weights: BASE, pins: [], tasks })
    const overlay = overlayAfter(setTo(5, { change: set.change, now: set.now }))
    expect(changeWeights(policy, overlay, 'chat', { weights: {}, pins: ['second/b'] })).toMatchObject({
      now: { tasks },
    })
    const other = changeWeights(policy, overlay, 'chat', { weights: { 'second/b': 2 }, pins: undefined })
    expect('now' in other && other.now.tasks).toBeUndefined()
    const without = changeWeights(policy, overlay, 'chat', { weights: {}, pins: undefined, tasks: {} })
    expect('now' in without && without.now.tasks).toBeUndefined()
  })

  test.each([
    { math: { 'openai/a': 1 } },
    { math: { 'openai/a': 1, 'second/c': 1 } },
    { math: { 'openai/a': 0, 'second/b': 0 } },
    { math: { 'openai/a': -1, 'second/b': 2 } },
  ])('weights of a task are of every target of the route: %j', (tasks) => {
    expect(changeWeights(policy, undefined, 'chat', { weights: {}, pins: undefined, tasks })).toMatchObject({
      fault: expect.stringMatching(/^chat: .*expected a weight/),
    })
  })

  test.each([
    ['nobody', {}, 'There is no route "nobody". Known: chat, fixed.'],
    ['fixed', {}, 'fixed: expected a route with weights (weighted or balance), found fixed.'],
    ['chat', { 'openai/z': 1 }, 'chat: unknown target "openai/z". Known: openai/a, second/b.'],
    ['chat', { __proto__: 1, constructor: 1 }, 'chat: unknown target "constructor". Known: openai/a, second/b.'],
    ['chat', { 'openai/a': Number.NaN }, 'chat: openai/a: expected a weight of 0 or more, found NaN.'],
    [
      'chat',
      { 'openai/a': Number.POSITIVE_INFINITY },
      'chat: openai/a: expected a weight of 0 or more, found Infinity.',
    ],
    ['chat', { 'openai/a': 0, 'second/b': 0 }, 'chat: expected at least one weight above 0, found none.'],
  ])('of %s to %j is refused and says why', (route, weights, fault) => {
    expect(changeWeights(policy, undefined, route, { weights, pins: undefined })).toMatchObject({ fault })
  })

  test('an unknown pin is refused as well', () => {
    expect(changeWeights(policy, undefined, 'chat', { weights: {}, pins: ['x/y'] })).toMatchObject({
      fault: 'chat: unknown target "x/y". Known: openai/a, second/b.',
    })
  })
})

describe('the last change of a route', () => {
  test('is the one with the highest revision, whatever the clocks of those who made them', () => {
    const overlay = overlayAfter(setTo(50, { revision: 1 }), setTo(20, { revision: 2 }))
    expect(overlay.weights.get('chat')?.weights['second/b']).toBe(20)
  })

  test('made without sight of the journal gives way to one that was made after it and came in before', () => {
    const later = setTo(50, { revision: 1 })
    expect(overlayAfter(later, setTo(20, { revision: 2, after: 0 })).weights.get('chat')?.weights['second/b']).toBe(50)
    expect(overlayAfter(later, setTo(60, { revision: 2, after: 0 })).weights.get('chat')?.weights['second/b']).toBe(60)
  })

  test('that is declared over is over, but not one that came after it', () => {
    const over = (of: string, revision: number): StoredEvent =>
      setTo(0, { id: 'over', at: 99, revision, change: { kind: 'weights_superseded', route: 'chat', of } })
    expect(overlayAfter(setTo(50), over('set-50', 2)).weights.size).toBe(0)
    expect(overlayAfter(setTo(50), setTo(60, { revision: 2 }), over('set-50', 3)).weights.size).toBe(1)
  })

  test('counts as long as the file says what it said', () => {
    const changes = lastChanges(NO_CHANGES, [setTo(5)])
    const overlay = overlayOf(NO_CHANGES, [setTo(5)])
    expect(overlay.revision).toBe('0+set-5')
    expect([...standingIds({ policy, policyVersion: 'v', overlay }, changes)]).toEqual(['set-5'])
    const edited = aRoutingState(YAML.replace('weight: 9', 'weight: 8')).policy
    expect([...standingIds({ policy: edited, policyVersion: 'w', overlay }, changes)]).toEqual([])
  })
})

test.each([
  ['weights', YAML, true],
  [
    'a shadow',
    `shadows: { s: { match: { model: gpt-* }, sample: 10%, candidates: openai/x, budget: { per_hour: 1, per_day: 1 } } }`,
    true,
  ],
  ['neither', `routes: { fixed: { match: { model: o1 }, target: openai/o1 } }`, false],
])('a policy with %s can be changed on top of its file, or cannot', (_what, yaml, can) => {
  expect(isChangeable(aRoutingState(yaml).policy)).toBe(can)
})

test('the policy in effect has the live weights, and views tell them from those of the file', () => {
  const overlay = overlayAfter(setTo(5))
  const last: ConfigEvent = setTo(5)
  const views = weightsViews(policy, overlay, () => last)
  expect(views).toEqual([
    {
      route: 'chat',
      strategy: 'weighted',
      base: BASE,
      inForce: { weights: { 'openai/a': 9, 'second/b': 5 }, pins: [] },
      areLive: true,
      last,
    },
  ])
  const [chat, fixed] = effectivePolicy(policy, views).routing.routes
  expect(chat?.strategy).toMatchObject({ targets: [{ weight: 9 }, { weight: 5 }] })
  expect(fixed).toBe(policy.routing.routes[1])
  expect(
    effectivePolicy(
      policy,
      weightsViews(policy, undefined, () => undefined),
    ),
  ).toBe(policy)
})
