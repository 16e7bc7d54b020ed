import { expect, test } from 'vitest'
import { aKeeper, BROKEN, endedCall, times } from '../fakes/a-keeper.ts'
import { aProvider } from '../fakes/a-provider.ts'

const ofRequests = (remaining: number, reset = '20ms'): readonly string[] =>
  [
    ['x-ratelimit-limit-requests', '100'],
    ['x-ratelimit-remaining-requests', String(remaining)],
    ['x-ratelimit-reset-requests', reset],
  ].flat()

const openai = aProvider({ name: 'openai', rateLimitHeaders: 'openai' })

test('the least share of a provider counts, of all its models and keys, routed or not', () => {
  const { keeper, now, call } = aKeeper()
  call({ headers: ofRequests(50) })
  keeper.heard(endedCall({ key: 'openai/not-routed', headers: ofRequests(12), endedAt: now() }))
  keeper.heard(endedCall({ key: 'openai/not-routed', clientKey: 'cafe', headers: ofRequests(80), endedAt: now() }))
  expect(keeper.headroom()).toEqual([{ provider: 'openai', requests: 0.12, tokens: undefined }])
  keeper.heard(endedCall({ key: 'openai/not-routed', headers: ofRequests(90), endedAt: now() }))
  expect(keeper.headroom()).toEqual([{ provider: 'openai', requests: 0.5, tokens: undefined }])
})

test('requests and tokens are two limits, and the least of each may be of another model', () => {
  const { keeper, now } = aKeeper()
  const tokens = ['x-ratelimit-limit-tokens', '1000', 'x-ratelimit-remaining-tokens', '900']
  keeper.heard(endedCall({ key: 'openai/a', headers: [...ofRequests(30), ...tokens], endedAt: now() }))
  keeper.heard(endedCall({ key: 'openai/b', headers: ofRequests(70), endedAt: now() }))
  expect(keeper.headroom()).toEqual([{ provider: 'openai', requests: 0.3, tokens: 0.9 }])
})

test('what was said holds for a minute, and longer while the limit is not whole again', () => {
  const { keeper, now, wait } = aKeeper()
  keeper.heard(endedCall({ key: 'openai/soon', headers: ofRequests(12), endedAt: now() }))
  keeper.heard(endedCall({ key: 'openai/late', headers: ofRequests(40, '6m0s'), endedAt: now() }))
  wait(59_000)
  expect(keeper.headroom()[0]?.requests).toBe(0.12)
  wait(1_000)
  expect(keeper.headroom()[0]?.requests).toBe(0.4)
  wait(300_000)
  expect(keeper.headroom()).toEqual([])
})

test('an error page says nothing of limits, a 429 does', () => {
  const { keeper, now } = aKeeper()
  keeper.heard(endedCall({ headers: ofRequests(30), endedAt: now() }))
  keeper.heard(endedCall({ ...BROKEN, headers: ofRequests(99), endedAt: now() }))
  expect(keeper.headroom()[0]?.requests).toBe(0.3)
  const refused = { kind: 'refused', status: 429, error: 'upstream_error', errorType: undefined } as const
  keeper.heard(endedCall({ outcome: refused, headers: ofRequests(0), endedAt: now() }))
  expect(keeper.headroom()[0]?.requests).toBe(0)
})

test('a call that no route has to do with leaves the health of a target of that name as it is', () => {
  const { keeper, now, state } = aKeeper()
  keeper.begun('openai/gpt-4o', now())
  times(9, () => keeper.heard(endedCall({ ...BROKEN, endedAt: now() })))
  expect(state()).toBe('healthy')
  expect(keeper.report().targets[0]).toMatchObject({ active: 1, window: { calls: 0 } })
})

test('clients cannot fill the memory with models, and a provider that is gone is forgotten', () => {
  const { keeper, policy, now } = aKeeper()
  keeper.heard(endedCall({ key: 'openai/first', headers: ofRequests(1), endedAt: now() }))
  for (let model = 0; model < 127; model += 1) {
    keeper.heard(endedCall({ key: `openai/${model}`, headers: ofRequests(50), endedAt: now() }))
  }
  expect(keeper.headroom()[0]?.requests).toBe(0.01)
  keeper.heard(endedCall({ key: 'openai/last', headers: ofRequests(50), endedAt: now() }))
  expect(keeper.headroom()[0]?.requests).toBe(0.5)
  keeper.heard(
    endedCall({ key: 'gone/m', provider: { ...openai, name: 'gone' }, headers: ofRequests(2), endedAt: now() }),
  )
  expect(keeper.headroom().map(({ provider }) => provider)).toEqual(['openai', 'gone'])
  keeper.setPolicy(policy)
  expect(keeper.headroom().map(({ provider }) => provider)).toEqual(['openai'])
})
