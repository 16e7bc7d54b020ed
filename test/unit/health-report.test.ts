import { expect, test } from 'vitest'
import { aKeeper, BROKEN, endedCall, STARTED_AT, times, untilProbe, WELL } from '../fakes/a-keeper.ts'

test('a reload keeps what is known of targets that stay, forgets others, and new limits hold at once', () => {
  const one = aKeeper()
  times(5, () => one.call(BROKEN))
  const [route] = one.policy.routing.routes
  if (route === undefined) throw new Error('no route')
  const routing = { ...one.policy.routing, routes: [{ ...route, fallbacks: [] }] }
  one.keeper.setPolicy({ ...one.policy, routing, health: { ...one.policy.health, probes: 1 } })
  expect(one.keeper.report().targets.map(({ target, state }) => [target, state])).toEqual([['openai/gpt-4o', 'open']])
  expect(one.keeper.begun('second/*', one.now())).toBeUndefined()
  one.keeper.ended(endedCall({ key: 'second/*', endedAt: one.now() }))
  untilProbe(one)
  one.call(WELL)
  expect(one.state()).toBe('healthy')
})

test('another window holds at once, and begins empty', () => {
  const one = aKeeper()
  times(30, () => one.call(WELL))
  times(2, () => one.call(BROKEN))
  expect(one.state()).toBe('degraded')
  one.keeper.setPolicy({ ...one.policy, health: { ...one.policy.health, windowMs: 10_000 } })
  expect(one.state()).toBe('healthy')
  times(30, () => one.call(WELL))
  times(2, () => one.call(BROKEN))
  expect(one.state()).toBe('degraded')
  one.wait(10_000)
  expect(one.state()).toBe('healthy')
})

test('a target that no route names is healthy, and takes no place in memory', () => {
  const one = aKeeper()
  times(10, () => one.call({ ...BROKEN, key: 'openai/made-up' }))
  expect(one.state('openai/made-up')).toBe('healthy')
  expect(one.keeper.report().targets).toHaveLength(3)
})

test('calls under way are counted, per target and per provider', () => {
  const one = aKeeper()
  one.keeper.begun('openai/gpt-4o', one.now())
  one.keeper.begun('openai/gpt-4o-mini', one.now())
  one.keeper.begun('openai/gpt-4o-mini', one.now())
  one.keeper.ended(endedCall({ key: 'openai/gpt-4o-mini', endedAt: one.now() }))
  const { targets, providers } = one.keeper.report()
  expect(targets.map(({ active }) => active)).toEqual([1, 1, 0])
  expect(providers.map(({ active }) => active)).toEqual([2, 0])
})

test('percentiles and headroom are those of the last calls', () => {
  const one = aKeeper()
  const headers = [
    ['x-ratelimit-limit-requests', '500'],
    ['x-ratelimit-remaining-requests', '125'],
    ['x-ratelimit-reset-requests', '12s'],
  ].flat()
  times(99, () => one.call({ durationMs: 100, isStream: true, firstTokenMs: 20, headers }))
  one.call({ durationMs: 1_000, headers })
  // An error page of something in between has no limits to tell of.
  one.call({ ...BROKEN, headers: ['server', 'nginx'] })
  one.wait(2_000)
  const [report] = one.keeper.report().targets
  expect(report?.durationMs?.p50).toBeCloseTo(100, -1)
  expect(report?.durationMs?.p99).toBeCloseTo(100, -1)
  expect(report?.firstTokenMs?.p95).toBeCloseTo(20, 0)
  expect(report?.headroom).toMatchObject({ requestsRemaining: 125, requestsLimit: 500, tokensLimit: undefined })
  expect((report?.headroom?.resetAt ?? 0) - (report?.headroom?.at ?? 0)).toBe(12_000)
})

test('warmed by calls of the last two minutes, a target that was failing is known to be', () => {
  const one = aKeeper()
  const past = (model: string, agoMs: number, hasFailed: boolean) => ({
    provider: model === 'gpt-4o' ? 'openai' : 'second',
    model,
    endedAt: STARTED_AT - agoMs,
    hasFailed,
    durationMs: 300,
    firstTokenMs: undefined,
  })
  one.keeper.warm([
    ...Array.from({ length: 25 }, (_, index) => past('gpt-4o', 1_000 + index * 100, index < 4)),
    ...Array.from({ length: 25 }, () => past('any-model', 200_000, true)),
    past('any-model', 5_000, false),
  ])
  expect(one.state()).toBe('degraded')
  expect(one.state('second/*')).toBe('healthy')
  expect(one.keeper.report().targets[2]).toMatchObject({ window: { calls: 1 }, durationMs: { calls: 1 } })
})

test('a target that nobody calls any more has an empty window', () => {
  const one = aKeeper()
  times(10, () => one.call(WELL))
  one.wait(120_000)
  const { targets, providers } = one.keeper.report()
  expect([targets[0]?.window.calls, providers[0]?.window.calls]).toEqual([0, 0])
})

test('what was before the start says nothing of a target that has been out since', () => {
  const one = aKeeper()
  times(5, () => one.call(BROKEN))
  untilProbe(one)
  times(3, () => one.call(WELL))
  const call = { provider: 'openai', model: 'gpt-4o', hasFailed: true, durationMs: 1, firstTokenMs: undefined }
  one.keeper.warm(Array.from({ length: 50 }, () => ({ ...call, endedAt: STARTED_AT - 10_000 })))
  expect(one.state()).toBe('healthy')
})
