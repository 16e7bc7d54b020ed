import { expect, test } from 'vitest'
import { aKeeper, answered, endedCall, times, WELL } from '../fakes/a-keeper.ts'

test('over a limit, a target is left alone for as long as it asks, and no longer', () => {
  const one = aKeeper()
  one.call(answered(429, 'rate_limit', 7_000))
  expect(one.state()).toBe('throttled')
  one.wait(6_999)
  expect(one.state()).toBe('throttled')
  one.wait(1)
  expect(one.state()).toBe('healthy')
})

test('a storm of 429 never opens the breaker, and is one line of the log', () => {
  const one = aKeeper()
  times(100, () => {
    one.call(answered(429, 'rate_limit', 1_000))
    one.wait(500)
  })
  expect(one.state()).toBe('throttled')
  expect(one.keeper.report().targets[0]).toMatchObject({
    outage: undefined,
    window: { calls: 0 },
    changes: { throttled: 1 },
  })
  expect(one.lines).toEqual([['target_throttled', { target: 'openai/gpt-4o', for_ms: 1_000 }]])
})

test('a limit without a word about its end lasts a second, then twice as long each time, until a call goes well', () => {
  const one = aKeeper()
  const waits = [1, 2, 3, 4, 5, 6, 7].map(() => {
    one.call(answered(429, 'rate_limit'))
    const since = one.now()
    while (one.state() === 'throttled') one.wait(100)
    return Math.round((one.now() - since) / 1_000)
  })
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30])
  one.call(WELL)
  // Met together: one limit, not three.
  const began = one.now()
  times(3, () => one.call(answered(429, 'rate_limit')))
  while (one.state() === 'throttled') one.wait(100)
  expect(one.now() - began).toBeLessThanOrEqual(2_000)
})

test('a call that began after a limit was met, and goes well, ends it; one that was under way does not', () => {
  const one = aKeeper()
  one.wait(100)
  one.call(answered(429, 'rate_limit', 900_000))
  one.keeper.ended(endedCall({ endedAt: one.now(), durationMs: 50 }))
  expect(one.state()).toBe('throttled')
  one.wait(1_000)
  one.call(WELL)
  expect(one.state()).toBe('healthy')
})

test('what an answer asks for in its headers counts where nobody has read it before', () => {
  const one = aKeeper()
  const unread = answered(429, 'rate_limit')
  one.call({ ...unread, headers: ['Retry-After', '12'] })
  one.wait(11_999)
  expect(one.state()).toBe('throttled')
  one.wait(1)
  expect(one.state()).toBe('healthy')
  one.call({ ...answered(503, 'error'), headers: ['Retry-After', '3'] })
  expect(one.state()).toBe('throttled')
  expect(one.keeper.report().targets[0]?.window).toMatchObject({ calls: 1, failures: 1 })
})

test('an error that asks for an hour is given a minute, a limit that does has it', () => {
  const one = aKeeper()
  one.call(answered(503, 'error', 3_600_000))
  one.wait(60_000)
  expect(one.state()).toBe('healthy')
  one.call(answered(429, 'rate_limit', 3_600_000))
  one.wait(3_599_999)
  expect(one.state()).toBe('throttled')
})

test('a limit of one client’s own key leaves the target alone for that key; one of the server’s key, for everybody', () => {
  const one = aKeeper()
  const stateFor = (clientKey: string | undefined) =>
    one.keeper.view(['openai/gpt-4o'], one.now(), clientKey)['openai/gpt-4o'] ?? 'healthy'
  one.call({ ...answered(429, 'rate_limit', 900_000), clientKey: 'poor' })
  expect([stateFor('poor'), stateFor('rich'), stateFor(undefined)]).toEqual(['throttled', 'healthy', 'throttled'])
  one.wait(10)
  one.call({ ...WELL, clientKey: 'rich' })
  expect(stateFor('poor')).toBe('throttled')
  one.call({ ...answered(429, 'rate_limit', 2_000), clientKey: 'rich' })
  one.wait(2_000)
  expect([stateFor('poor'), stateFor('rich')]).toEqual(['throttled', 'healthy'])
  one.call({ ...WELL, clientKey: 'poor' })
  expect(stateFor('poor')).toBe('healthy')
  one.call(answered(429, 'rate_limit', 2_000))
  expect([stateFor('poor'), stateFor('rich')]).toEqual(['throttled', 'throttled'])
})
