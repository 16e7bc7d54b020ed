import { expect, test } from 'vitest'
import { routingJson } from '../../src/admin/routing-json.ts'
import { describeRoute } from '../../src/config/describe-route.ts'
import { aRoutingState } from '../fakes/a-routing.ts'

const TARGETS = 'targets: [{ target: openai/a, weight: 1 }, { target: second/b, weight: 1 }]'

function feedbackOf(feedback: string) {
  const { policy } = aRoutingState(`routes: { chat: { ${TARGETS}, ${feedback} } }\n`)
  const [route] = policy.routing.routes
  if (route === undefined) throw new Error('no route')
  return { feedback: route.feedback, shown: routingJson(policy.routing)['routes'], line: describeRoute(route) }
}

test('evidence moves no weights unless a route says so', () => {
  for (const text of ['fallbacks: openai/c', 'feedback: off', 'feedback: { floor: 1% }']) {
    expect(feedbackOf(text).feedback).toBeUndefined()
    expect(feedbackOf(text).shown).toMatchObject([{ feedback: 'off' }])
  }
})

test('a mode alone goes by the first target, and by money alone', () => {
  const { feedback, shown, line } = feedbackOf('feedback: apply')
  expect(line).toBe('chat: weighted openai/a (1), second/b (1); feedback: apply')
  expect(feedback).toEqual({
    mode: 'apply',
    reference: { kind: 'arm', key: 'openai/a' },
    delta: 0.05,
    pointUsd: 0,
    floor: 0.05,
    ceiling: 1,
  })
  expect(shown).toMatchObject([{ feedback: { mode: 'apply', reference: 'openai/a', point_value: 0 } }])
})

test('all of it can be said', () => {
  const text = 'feedback: { mode: suggest, reference: 0.75, delta: 0.02, point_value: 0.0001, floor: 2%, ceiling: 90% }'
  expect(feedbackOf(text).feedback).toEqual({
    mode: 'suggest',
    reference: { kind: 'quality', value: 0.75 },
    delta: 0.02,
    pointUsd: 0.0001,
    floor: 0.02,
    ceiling: 0.9,
  })
})
