import { expect, test } from 'vitest'
import type { Facts } from '../../src/domain/routing/facts.ts'
import { zoneClock } from '../../src/domain/routing/zone-clock.ts'
import { aRoutingState, decided, someFacts } from '../fakes/a-routing.ts'

function routeOf(match: string, facts: Facts): string {
  return decided(aRoutingState(`routes:\n  chat: { match: ${match}, target: openai/x }\n`), facts).route
}

const labels = someFacts().labels

test.each<[match: string, taken: Partial<Facts>, left: Partial<Facts>]>([
  ['{ model: gpt-4* }', { model: 'gpt-4o' }, { model: 'o3' }],
  ['{ model: [a, b] }', { model: 'b' }, { model: 'c' }],
  ['{ model: a }', { model: 'a' }, { model: 'A' }],
  ['{ model: a*b*c }', { model: 'axbxc' }, { model: 'acb' }],
  ['{ model: "*" }', { model: '' }, { model: undefined }],
  ['{ mount: second }', { provider: 'second' }, { provider: 'openai' }],
  ['{ api: embeddings }', { api: 'embeddings' }, { api: 'chat_completions' }],
  ['{ path: "/openai/*" }', { path: '/openai/v1/x' }, { path: '/p/openai/v1/x' }],
  ['{ headers: { X-Env: prod* } }', { headers: { 'x-env': 'production' } }, { headers: {} }],
  ['{ headers: { constructor: "*" } }', { headers: { constructor: '' } }, { headers: {} }],
  ['{ key: "0123456789abcdef" }', { key: '0123456789abcdef' }, { key: '' }],
  ['{ team: [a, b*] }', { team: 'bx' }, { team: 'xa' }],
  ['{ user: ann }', { user: 'ann' }, { user: undefined }],
  ['{ tags: { app: [a, b] } }', { tags: { app: 'b' } }, { tags: { app: 'c' } }],
  ['{ tags: { app: "*", env: x } }', { tags: { app: '', env: 'x' } }, { tags: { env: 'x' } }],
  ['{ flag: [new, old] }', { tags: { flags: 'a+new' } }, { tags: { flags: 'newer' } }],
  ['{ flag: new }', { tags: { flags: 'x new' } }, { tags: {} }],
  ['{ task: coding }', { labels: { ...labels, task: 'coding' } }, {}],
  ['{ complexity: [simple, moderate] }', { labels: { ...labels, complexity: 'simple' } }, {}],
  ['{ input_tokens: { from: 10, below: 20 } }', { inputTokens: 10 }, { inputTokens: 20 }],
  ['{ input_tokens: { below: 20 } }', { inputTokens: 0 }, { inputTokens: undefined }],
  ['{ turn: { from: 2 } }', { turn: 2 }, { turn: 1 }],
  ['{ needs: [tools, images] }', { needs: ['images', 'json', 'tools'] }, { needs: ['tools'] }],
  ['{ stream: false }', { isStream: false }, { isStream: true }],
  ['{ team: a, user: b }', { team: 'a', user: 'b' }, { team: 'a', user: 'c' }],
])('%s takes what it says and leaves the rest', (match, taken, left) => {
  expect(routeOf(match, someFacts(taken))).toBe('chat')
  expect(routeOf(match, someFacts(left))).toBe('default')
})

test('a model matches before and after its alias', () => {
  const state = aRoutingState(
    'aliases: { fast: gpt-mini }\nroutes:\n  chat: { match: { model: [gpt-mini, quick] }, target: openai/x }\n',
  )
  expect(decided(state, someFacts({ model: 'fast' })).route).toBe('chat')
  expect(decided(state, someFacts({ model: 'quick' })).route).toBe('chat')
  expect(decided(state, someFacts({ model: 'gpt-max' })).route).toBe('default')
})

test('the first route that matches takes the request, in the order of the file', () => {
  const state = aRoutingState('routes:\n  b: { match: { team: x }, target: openai/b }\n  a: openai/a\n')
  expect(decided(state, someFacts({ team: 'x' })).route).toBe('b')
  expect(decided(state, someFacts()).route).toBe('a')
})

test('a route takes no request of another dialect, and embeddings only where it names them', () => {
  const state = aRoutingState(
    'routes: { all: openai/gpt-4o, vectors: { match: { api: embeddings }, target: second/v } }\n',
  )
  expect(decided(state, someFacts({ dialect: 'anthropic', provider: 'anthropic', api: 'messages' })).route).toBe(
    'default',
  )
  expect(decided(state, someFacts({ api: 'embeddings' })).route).toBe('vectors')
})

test.each<[hours: string, at: string, isTaken: boolean]>([
  // Berlin is an hour ahead of UTC in winter and two in summer.
  ['{ between: 08:00-18:00, zone: Europe/Berlin }', '2026-11-20T07:00:00Z', true],
  ['{ between: 08:00-18:00, zone: Europe/Berlin }', '2026-11-20T06:59:59Z', false],
  ['{ between: 08:00-18:00, zone: Europe/Berlin }', '2026-11-20T16:59:59Z', true],
  ['{ between: 08:00-18:00, zone: Europe/Berlin }', '2026-11-20T17:00:00Z', false],
  ['{ between: 08:00-18:00, zone: Europe/Berlin }', '2026-07-20T06:00:00Z', true],
  ['{ between: 08:00-18:00, zone: Europe/Berlin }', '2026-07-20T16:00:00Z', false],
  ['{ between: 00:00-24:00, zone: UTC, days: fri }', '2026-11-20T23:59:59Z', true],
  ['{ between: 00:00-24:00, zone: UTC, days: fri }', '2026-11-21T00:00:00Z', false],
  ['{ between: 08:00-18:00, zone: UTC, days: [mon-thu] }', '2026-11-20T12:00:00Z', false],
  ['{ between: 08:00-18:00, zone: UTC, days: [sat-sun, fri] }', '2026-11-20T12:00:00Z', true],
  // Past midnight the hours are those of the evening on which they began.
  ['{ between: 22:00-06:00, zone: UTC, days: fri }', '2026-11-21T05:59:00Z', true],
  ['{ between: 22:00-06:00, zone: UTC, days: fri }', '2026-11-20T05:59:00Z', false],
  ['{ between: 22:00-06:00, zone: UTC, days: sun }', '2026-11-23T05:59:00Z', true],
  ['{ between: 22:00-06:00, zone: UTC, days: fri }', '2026-11-20T22:00:00Z', true],
  ['{ between: 08:00-18:00, zone: Asia/Kathmandu }', '2026-11-20T02:15:00Z', true],
  ['{ between: 08:00-18:00, zone: Asia/Kathmandu }', '2026-11-20T02:14:59Z', false],
])('hours %s at %s', (hours, at, isTaken) => {
  expect(routeOf(`{ hours: ${hours} }`, someFacts({ at: Date.parse(at) }))).toBe(isTaken ? 'chat' : 'default')
})

test('a wall clock is that of the zone through both changes of the clocks', () => {
  for (const zone of [
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
    'UTC',
    'America/St_Johns',
  ]) {
    const clock = zoneClock(zone)
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 2_999_999) {
      const { minute, day } = clock(at)
      const weekday = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][day - 1]
      const time = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
      expect(`${weekday} ${time}`).toBe(format.format(at).replace(',', ''))
    }
  }
})
