import { expect, test } from 'vitest'
import type { LlmRequest } from '../../src/domain/request.ts'
import { drawFor } from '../../src/domain/routing/draws.ts'
import type { PromptFacts } from '../../src/domain/routing/facts.ts'
import { routerOf } from '../../src/domain/routing/router.ts'
import { stickyUnit } from '../../src/domain/routing/sticky-unit.ts'
import { requestFacts } from '../../src/gateway/request-facts.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { anExchange } from '../fakes/an-exchange.ts'

const REQUEST: LlmRequest = anExchange({}).request
const PLAIN: LlmRequest = {
  ...REQUEST,
  controls: { route: undefined, session: undefined, user: undefined, team: undefined, tags: {}, task: undefined },
  shape: {
    ...REQUEST.shape,
    endUser: undefined,
    conversation: undefined,
    hasTools: false,
    hasSchema: false,
    unreadable: undefined,
  },
}
const prompt = (conversationHash: string | undefined): PromptFacts => ({
  lastUserText: '',
  inputTokens: 0,
  maxOutputTokens: undefined,
  turn: 1,
  needs: [],
  hasCode: false,
  conversationHash,
  namesStored: false,
})

test('the unit is the session, else the conversation, else the first turn under the key, else the user, else the request', () => {
  const all: LlmRequest = {
    ...PLAIN,
    controls: { ...PLAIN.controls, session: 's', user: 'u' },
    shape: { ...PLAIN.shape, conversation: 'c', endUser: 'e' },
  }
  const without = (request: LlmRequest, field: 'session' | 'user'): LlmRequest => ({
    ...request,
    controls: { ...request.controls, [field]: undefined },
  })
  const noSession = without(all, 'session')
  const noConversation = { ...noSession, shape: { ...noSession.shape, conversation: undefined } }
  const noUser = without(noConversation, 'user')
  const nobody = { ...noUser, shape: { ...noUser.shape, endUser: undefined } }
  const units = [
    stickyUnit(all, prompt('h')),
    stickyUnit(noSession, prompt('h')),
    stickyUnit(noConversation, prompt('h')),
    stickyUnit(noConversation, undefined),
    stickyUnit(noUser, prompt(undefined)),
    stickyUnit(nobody, prompt(undefined)),
  ]
  expect(units.map(({ source }) => source)).toEqual(['session', 'conversation', 'first_turn', 'user', 'user', 'none'])
  expect(units.at(-1)?.value).toBe(REQUEST.id)
  expect(new Set(units.map(({ value }) => value)).size).toBe(units.length)
  for (const { value } of units.slice(0, -1)) expect(value).toMatch(/^[\da-f]{16}$/)
})

test('the same first turn under another key is another conversation, and the same session of two keys is one', () => {
  const under = (keySubject: string): LlmRequest => ({ ...PLAIN, client: { ...PLAIN.client, keySubject } })
  expect(stickyUnit(under('a'), prompt('h'))).not.toEqual(stickyUnit(under('b'), prompt('h')))
  const session = (request: LlmRequest): LlmRequest => ({ ...request, controls: { ...request.controls, session: 's' } })
  expect(stickyUnit(session(under('a')), undefined)).toEqual(stickyUnit(session(under('b')), undefined))
})

test('the turns of a conversation have one unit, whatever is added at its end', () => {
  const router = routerOf(
    aRoutingState('routes: { chat: { strategy: balance, targets: [openai/a, second/b] } }\n').policy.routing,
  )
  const unitOf = (messages: readonly { role: string; content: string }[]): unknown =>
    requestFacts({ ...PLAIN, api: 'chat_completions' }, {}, Buffer.from(JSON.stringify({ messages })), router, 0).unit
  const first = [
    { role: 'system', content: 'You help.' },
    { role: 'user', content: 'Hello' },
  ]
  const later = [...first, { role: 'assistant', content: 'Hi' }, { role: 'user', content: 'More' }]
  expect(unitOf(later)).toEqual(unitOf(first))
  expect(unitOf([{ role: 'user', content: 'Hello' }])).not.toEqual(unitOf(first))
})

test('facts hold no header but those that a route matches on, and of those no more than 256 characters', () => {
  const router = routerOf(
    aRoutingState('routes: { chat: { match: { headers: { X-Env: a } }, target: openai/a } }\n').policy.routing,
  )
  const headers = { authorization: 'Bearer sk-secret', 'x-env': 'e'.repeat(300), 'x-other': 'o' }
  expect(requestFacts(PLAIN, headers, Buffer.from('{}'), router, 0).headers).toEqual({ 'x-env': 'e'.repeat(256) })
})

test('what no route asks of the prompt is not told as if it were known', () => {
  const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] }))
  const factsOf = (yaml: string) =>
    requestFacts({ ...PLAIN, api: 'chat_completions' }, {}, body, routerOf(aRoutingState(yaml).policy.routing), 0)
  expect(factsOf('routes: { chat: openai/a }\n')).toMatchObject({ inputTokens: undefined, turn: undefined })
  expect(factsOf('routes: { chat: { target: openai/a, fallbacks: second/b } }\n')).toMatchObject({
    inputTokens: expect.any(Number),
    turn: undefined,
  })
  expect(factsOf('routes: { chat: { match: { turn: { from: 1 } }, target: openai/a } }\n')).toMatchObject({
    inputTokens: undefined,
    turn: 1,
  })
})

test('a draw is the same for the same request and purpose, another for another, and even over [0, 1)', () => {
  expect(drawFor('id', 'jitter')).toBe(drawFor('id', 'jitter'))
  expect(drawFor('id', 'jitter')).not.toBe(drawFor('id', 'shadow'))
  const draws = Array.from({ length: 10_000 }, (_, index) => drawFor(`id-${index}`, 'jitter'))
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...draws)).toBeLessThan(1)
  // Five standard deviations of a mean of ten thousand even draws.
  expect(Math.abs(draws.reduce((sum, draw) => sum + draw, 0) / draws.length - 0.5)).toBeLessThan(
    5 * Math.sqrt(1 / 12 / 10_000),
  )
})
