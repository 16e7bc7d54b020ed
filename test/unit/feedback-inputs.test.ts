import { describe, expect, it } from 'vitest'
import { NO_MEMORY } from '../../src/domain/feedback/decision-record.ts'
import { readingsOf, routeInputs } from '../../src/domain/feedback/route-inputs.ts'
import { FEEDBACK_RULE, ruleAtSpeed } from '../../src/domain/feedback/rule.ts'
import type { LivePhase } from '../../src/domain/rollout/phase.ts'
import type { RouteWeights } from '../../src/domain/routing/overlay.ts'
import { NOW, someCosts, someScores } from '../fakes/a-feedback.ts'
import { aRollout, aStateAt } from '../fakes/a-rollout.ts'
import { aRoutingState } from '../fakes/a-routing.ts'

const YAML = `routes:
  chat: { match: { model: gpt-* }, targets: [{ target: openai/a, weight: 1 }, { target: second/b, weight: 1 }], feedback: apply }
  plain: { match: { model: o1 }, targets: [{ target: openai/a, weight: 1 }, { target: second/b, weight: 1 }] }
quality: { minimum: { coding: 0.8 } }
`
const BASE = { 'openai/a': 1, 'second/b': 1 }
const LIVE: RouteWeights = {
  weights: { 'openai/a': 3, 'second/b': 1 },
  pins: ['second/b'],
  tasks: { math: { 'openai/a': 1, 'second/b': 0 } },
  base: BASE,
  actor: 'understudy',
  reason: '',
  at: NOW - 1_000,
}

function inputsOf(live: Partial<RouteWeights> | undefined, memory = NO_MEMORY, name = 'chat') {
  const overlay = {
    revision: '1',
    weights: new Map(live === undefined ? [] : [['chat', { ...LIVE, ...live }] as const]),
  }
  const state = aRoutingState(YAML, overlay)
  const route = state.policy.routing.routes.find((each) => each.name === name)
  if (route === undefined) throw new Error('no route')
  return routeInputs(state, route, memory, FEEDBACK_RULE, NOW)
}

describe('a decision about weights rests on', () => {
  const memory = {
    changedAt: { '': NOW - 9_000, math: NOW - 8_000, gone: NOW - 7_000 },
    quarantined: { math: { 'second/b': NOW - 8_000 } },
  }

  it('what is in force, the least quality of each task, and what is remembered of tasks that still have weights', () => {
    expect(inputsOf({}, memory)).toMatchObject({
      weights: { weights: LIVE.weights, pins: ['second/b'], tasks: LIVE.tasks },
      minimum: { coding: 0.8 },
      changedAt: { '': NOW - 9_000, math: NOW - 8_000 },
      quarantined: memory.quarantined,
      rollout: [],
    })
    expect(Object.keys(inputsOf({}, memory)?.changedAt ?? {})).toEqual(['', 'math'])
    expect(inputsOf(undefined, memory)?.weights).toEqual({ weights: BASE, pins: [] })
  })

  it('a change by hand as the last one', () => {
    expect(inputsOf({ actor: 'ada' }, memory)?.changedAt).toEqual({ '': NOW - 1_000, math: NOW - 1_000 })
    expect(inputsOf({ actor: 'ada', at: NOW - 8_500 }, memory)?.changedAt).toEqual({
      '': NOW - 8_500,
      math: NOW - 8_000,
    })
    // The file was edited since: the change counts no more.
    expect(inputsOf({ actor: 'ada', base: {} }, memory)?.changedAt).toEqual({ '': NOW - 9_000 })
  })

  it('going back to the file by hand as a change by hand, which the overlay shows nothing of', () => {
    const state = aRoutingState(YAML)
    const [route] = state.policy.routing.routes
    if (route === undefined) throw new Error('no route')
    const change = { kind: 'weights_reset', route: 'chat' } as const
    const after = (actor: string) =>
      routeInputs(state, route, memory, FEEDBACK_RULE, NOW, { change, actor, at: NOW - 500 })?.changedAt
    expect(after('ada')).toEqual({ '': NOW - 500 })
    expect(after('config file')).toEqual({ '': NOW - 500 })
    expect(after('understudy')).toEqual({ '': NOW - 9_000 })
  })

  it('nothing where a route does not ask for it', () => {
    expect(inputsOf({}, memory, 'plain')).toBeUndefined()
  })

  it.each<[LivePhase, readonly string[]]>([
    [{ kind: 'shadow' }, []],
    [{ kind: 'ramping', percent: 5 }, ['openai/a', 'second/new']],
    [{ kind: 'baking' }, ['openai/a', 'second/new']],
  ])('what a rollout deals out just now: %j', (phase, arms) => {
    const { policy } = aRoutingState(YAML)
    const [route] = policy.routing.routes
    if (route === undefined) throw new Error('no route')
    const rollout = aRollout({
      stable: { key: 'openai/a', provider: 'openai', model: 'a' },
      candidate: { key: 'second/new', provider: 'second', model: 'new' },
    })
    const states = new Map([[rollout.name, aStateAt(rollout, phase)]])
    const own = { ...route, rollouts: [rollout] }
    expect(routeInputs({ policy, rollouts: states }, own, NO_MEMORY, FEEDBACK_RULE, NOW)?.rollout).toEqual(arms)
    expect(routeInputs({ policy }, own, NO_MEMORY, FEEDBACK_RULE, NOW)?.rollout).toEqual([])
  })

  it('readings of its own targets, and of no more than a hundred tasks', () => {
    const tasks = Array.from({ length: 120 }, (_, index) => `t${index}`)
    const quality = tasks.map((task, index) => someScores('a/large', 1 + index, 0.5, { task }))
    const costs = tasks.map((task) => someCosts('a/large', 1, { task }))
    const kept = readingsOf(
      { asOf: NOW, quality: [...quality, someScores('x/other', 9_999, 1)], costs: [...costs, someCosts('x/other', 1)] },
      ['a/large'],
    )
    expect(kept.quality.map(({ task }) => task)).toEqual(tasks.slice(20))
    expect(kept.costs.map(({ task }) => task)).toEqual(tasks.slice(20))
  })
})

it('a rule in which times pass faster counts as many scores', () => {
  const { minGapMs, halfLifeMs, minScores, step } = ruleAtSpeed(FEEDBACK_RULE, 60)
  expect([minGapMs, halfLifeMs / 86_400_000, minScores, step]).toEqual([60_000, 7 / 60, 200, 0.1])
})
