import { expect, test } from 'vitest'
import { connectionVerdict, targetVerdict } from '../../src/domain/routing/call-verdict.ts'
import {
  aKeeper,
  answered,
  BROKEN,
  CANCELLED,
  CLIENTS_FAULT,
  endedCall,
  UNREACHABLE,
  WELL,
  STARTED_AT,
  type TestKeeper,
} from '../fakes/a-keeper.ts'

function times(count: number, act: () => void): void {
  for (let done = 0; done < count; done++) act()
}

/** Waits until the next request is a probe. */
function untilProbe(test: TestKeeper): number {
  const since = test.now()
  while (test.state() !== 'probing') {
    if (test.now() - since > 60_000) throw new Error(`no probe within a minute: ${test.state()}`)
    test.wait(10)
  }
  return test.now() - since
}

test('five failures in a row shut a target out; four, and a good call between them, do not', () => {
  const one = aKeeper()
  times(4, () => one.call(BROKEN))
  one.call(WELL)
  times(4, () => one.call(BROKEN))
  expect(one.state()).toBe('healthy')
  one.call(BROKEN)
  expect(one.state()).toBe('open')
  expect(one.state('openai/gpt-4o-mini')).toBe('healthy')
})

test('half of the last twenty failed: out, also where no five were in a row', () => {
  const one = aKeeper({ errorRate: 1 })
  times(9, () => {
    one.call(WELL)
    one.call(BROKEN)
  })
  one.call(WELL)
  expect(one.state()).toBe('healthy')
  one.call(BROKEN)
  expect(one.state()).toBe('open')
  expect(one.lines).toEqual([['target_out', { target: 'openai/gpt-4o', state: 'open', why: 'half_failed' }]])
})

test('more than 5 % of at least twenty calls failed: left for last, until the calls are two minutes old', () => {
  const one = aKeeper()
  times(2, () => one.call(BROKEN))
  times(17, () => one.call(WELL))
  expect(one.state()).toBe('healthy')
  one.call(WELL)
  expect(one.state()).toBe('degraded')
  const rare = aKeeper()
  rare.call(BROKEN)
  times(19, () => rare.call(WELL))
  expect(rare.state()).toBe('healthy')
  one.wait(120_000)
  expect(one.state()).toBe('healthy')
})

test('an error rate rises by time alone, when the good calls are older than the bad ones', () => {
  const one = aKeeper({ consecutiveFailures: 9 })
  times(100, () => one.call(WELL))
  one.wait(60_000)
  times(5, () => one.call(BROKEN))
  times(20, () => one.call(WELL))
  expect(one.state()).toBe('healthy')
  one.wait(61_000)
  expect(one.state()).toBe('degraded')
})

test('shut out, it comes back by three good probes, one at a time, and its window begins anew', () => {
  const one = aKeeper()
  times(5, () => one.call(BROKEN))
  const waited = untilProbe(one)
  expect(waited).toBeGreaterThanOrEqual(490)
  expect(waited).toBeLessThanOrEqual(1_010)
  const first = one.keeper.begun('openai/gpt-4o', one.now())
  expect(first).toBe(1)
  // Everyone else is told that the place is taken, and a call that is made all the same is no probe.
  expect(one.state()).toBe('open')
  expect(one.keeper.begun('openai/gpt-4o', one.now())).toBeUndefined()
  one.keeper.ended(endedCall({ endedAt: one.now() }))
  expect(one.state()).toBe('open')
  one.keeper.ended(endedCall({ probe: first, endedAt: one.now() }))
  expect(one.state()).toBe('probing')
  one.call(WELL)
  expect(one.state()).toBe('probing')
  one.call(WELL)
  expect(one.state()).toBe('healthy')
  expect(one.keeper.report().targets[0]).toMatchObject({
    state: 'healthy',
    window: { calls: 0, failures: 0 },
    changes: { open: 1, healthy: 1, degraded: 0, throttled: 0 },
  })
  expect(one.lines.map(([event]) => event)).toEqual(['target_out', 'target_back'])
})

test('a degraded target comes back by probes, too, and sooner than its window', () => {
  const one = aKeeper()
  times(30, () => one.call(WELL))
  times(3, () => one.call(BROKEN))
  expect(one.state()).toBe('degraded')
  untilProbe(one)
  times(3, () => one.call(WELL))
  expect(one.state()).toBe('healthy')
})

test('a bad probe lengthens the wait, to five seconds at most', () => {
  const one = aKeeper()
  times(5, () => one.call(BROKEN))
  const waits = [1, 2, 4, 5, 5, 5].map((longestSeconds) => {
    const waited = untilProbe(one)
    one.call(BROKEN)
    return waited / (longestSeconds * 1_000)
  })
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(0.49)
  expect(Math.max(...waits)).toBeLessThanOrEqual(1.01)
})

test('however long it was gone, it is in use within ten seconds of its return', () => {
  const one = aKeeper()
  times(5, () => one.call(UNREACHABLE))
  times(40, () => {
    untilProbe(one)
    one.call(UNREACHABLE)
  })
  const backAt = one.now()
  untilProbe(one)
  times(3, () => one.call({ ...WELL, durationMs: 1_000 }))
  expect(one.state()).toBe('healthy')
  expect(one.now() - backAt).toBeLessThanOrEqual(10_000)
})

test('one that goes out again soon waits longer each time, one that held for two minutes begins anew', () => {
  const one = aKeeper({ probeAfterMaxMs: 60_000 })
  const relapse = (): number => {
    times(5, () => one.call(BROKEN))
    const waited = untilProbe(one)
    times(3, () => one.call(WELL))
    return waited
  }
  const waits = [relapse(), relapse(), relapse(), relapse()]
  expect(waits[3]).toBeGreaterThanOrEqual(3_990)
  one.wait(120_000)
  expect(relapse()).toBeLessThanOrEqual(1_010)
})

test('a probe that never ends frees its place, and its late result counts all the same', () => {
  const one = aKeeper()
  times(5, () => one.call(BROKEN))
  untilProbe(one)
  const lost = one.keeper.begun('openai/gpt-4o', one.now())
  one.wait(9_990)
  expect(one.state()).toBe('open')
  one.wait(10)
  expect(one.state()).toBe('probing')
  const slow = one.keeper.begun('openai/gpt-4o', one.now())
  one.keeper.ended(endedCall({ probe: lost, endedAt: one.now() }))
  expect(one.state()).toBe('open')
  expect(one.keeper.report().targets[0]?.outage).toMatchObject({ passedProbes: 1, nextProbeAt: undefined })
  one.keeper.ended(endedCall({ probe: slow, endedAt: one.now() }))
  one.call(WELL)
  expect(one.state()).toBe('healthy')
})

test('a probe that tells nothing makes way for the next at once', () => {
  const one = aKeeper()
  times(5, () => one.call(BROKEN))
  untilProbe(one)
  for (const ending of [CANCELLED, CLIENTS_FAULT]) {
    one.call(ending)
    expect(one.state()).toBe('probing')
  }
  expect(one.keeper.report().targets[0]?.outage?.passedProbes).toBe(0)
})

test('calls that began before a target came back do not shut it out again', () => {
  const one = aKeeper()
  const hung = Array.from({ length: 20 }, () => one.keeper.begun('openai/gpt-4o', one.now()))
  one.wait(1)
  times(5, () => one.call(BROKEN))
  untilProbe(one)
  times(3, () => one.call(WELL))
  one.wait(5_000)
  for (const probe of hung) one.keeper.ended(endedCall({ ...BROKEN, probe, endedAt: one.now(), durationMs: 10_000 }))
  expect(one.state()).toBe('healthy')
  times(5, () => one.call(BROKEN))
  expect(one.state()).toBe('open')
})

test('connections that fail shut out every target of the provider, and one probe for all of them brings it back', () => {
  const one = aKeeper()
  times(3, () => one.call(UNREACHABLE))
  times(2, () => one.call({ ...UNREACHABLE, key: 'openai/gpt-4o-mini' }))
  expect(one.state()).toBe('open')
  expect(one.state('openai/gpt-4o-mini')).toBe('open')
  expect(one.state('second/*')).toBe('healthy')
  expect(one.keeper.report().targets[0]?.outage).toBeUndefined()
  expect(one.keeper.report().providers).toMatchObject([
    { provider: 'openai', state: 'open', outage: { why: 'failures_in_a_row' } },
    { provider: 'second', state: 'healthy' },
  ])
  untilProbe(one)
  const probe = one.keeper.begun('openai/gpt-4o', one.now())
  expect(one.state('openai/gpt-4o-mini')).toBe('open')
  one.keeper.ended(endedCall({ probe, endedAt: one.now() }))
  // Any answer shows that there is a connection.
  times(2, () => one.call({ ...CLIENTS_FAULT, key: 'openai/gpt-4o-mini' }))
  expect(one.state()).toBe('healthy')
  expect(one.lines.map(([event]) => event)).toEqual(['provider_out', 'provider_back'])
})

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

test('worse counts more: open before throttled before degraded before probing', () => {
  const one = aKeeper()
  times(20, () => one.call(WELL))
  times(2, () => one.call(BROKEN))
  expect(one.state()).toBe('degraded')
  one.call(answered(429, 'rate_limit', 60_000))
  expect(one.state()).toBe('throttled')
  times(5, () => one.call(BROKEN))
  expect(one.state()).toBe('open')
  one.wait(30_000)
  expect(one.state()).toBe('throttled')
  one.wait(30_000)
  expect(one.state()).toBe('probing')
})

const UNAVAILABLE = { kind: 'unavailable', mayHaveRun: false } as const
const verdicts = [
  ['an answer', WELL, 'good', 'good'],
  ['a 500', answered(500, 'error'), 'bad', 'good'],
  ['a lack of capacity (503)', answered(503, 'rate_limit'), 'bad', 'good'],
  ["Anthropic's overloaded (529)", answered(529, 'rate_limit'), 'bad', 'good'],
  ["Groq's capacity (498)", answered(498, 'rate_limit'), 'bad', 'good'],
  ['a 429', answered(429, 'rate_limit'), 'unclear', 'good'],
  ['no credit (402)', answered(402, 'rate_limit'), 'unclear', 'good'],
  ['a 400', CLIENTS_FAULT, 'unclear', 'good'],
  ['a prompt that is too long', answered(400, 'context_window'), 'unclear', 'good'],
  ['a refused prompt', answered(400, 'refusal'), 'unclear', 'good'],
  [
    'an answer that is no JSON',
    { ...WELL, fault: { trigger: 'invalid_json', retryAfterMs: undefined } },
    'good',
    'good',
  ],
  ['no connection', UNREACHABLE, 'bad', 'bad'],
  [
    'no connection in time',
    { outcome: { ...UNAVAILABLE, error: 'connect_timeout' }, fault: { trigger: 'error', retryAfterMs: undefined } },
    'bad',
    'bad',
  ],
  [
    'no answer in time',
    {
      outcome: { ...UNAVAILABLE, error: 'first_byte_timeout' },
      fault: { trigger: 'slow_answer', retryAfterMs: undefined },
    },
    'bad',
    'unclear',
  ],
  [
    'no first token in time',
    {
      outcome: { kind: 'cancelled', status: 200 },
      fault: { trigger: 'slow_first_token', retryAfterMs: undefined },
    },
    'bad',
    'good',
  ],
  [
    'no free slot on our side',
    { outcome: { ...UNAVAILABLE, error: 'overloaded' }, fault: { trigger: 'rate_limit', retryAfterMs: undefined } },
    'unclear',
    'unclear',
  ],
  [
    'a cut answer',
    {
      outcome: { kind: 'interrupted', status: 200, error: 'upstream_cut' },
      fault: { trigger: 'error', retryAfterMs: undefined },
    },
    'bad',
    'good',
  ],
  [
    'overloaded in mid-stream',
    {
      outcome: { kind: 'interrupted', status: 200, error: 'upstream_stream_error' },
      fault: { trigger: 'rate_limit', retryAfterMs: undefined },
    },
    'bad',
    'good',
  ],
  ['a client that left', CANCELLED, 'unclear', 'unclear'],
] as const

test.each(verdicts)('%s: of the target %s …', (_name, call, target, connection) => {
  expect(targetVerdict(call)).toBe(target)
  expect(connectionVerdict(call.outcome)).toBe(connection)
})

test('what is over at the client says nothing: no number of 400s or of clients that left changes a state', () => {
  const one = aKeeper()
  times(100, () => one.call(CLIENTS_FAULT))
  times(100, () => one.call(CANCELLED))
  expect(one.state()).toBe('healthy')
  expect(one.keeper.report().targets[0]?.window.calls).toBe(0)
})

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
