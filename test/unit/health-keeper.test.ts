import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  aKeeper,
  answered,
  BROKEN,
  CANCELLED,
  CLIENTS_FAULT,
  endedCall,
  times,
  UNREACHABLE,
  untilProbe,
  WELL,
} from '../fakes/a-keeper.ts'

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

test('what is over at the client says nothing: no number of 400s or of clients that left changes a state', () => {
  const one = aKeeper()
  times(100, () => one.call(CLIENTS_FAULT))
  times(100, () => one.call(CANCELLED))
  expect(one.state()).toBe('healthy')
  expect(one.keeper.report().targets[0]?.window.calls).toBe(0)
})

test('while all targets are well none is looked at for itself, and none that is not goes unseen', () => {
  const keys = ['openai/gpt-4o', 'openai/gpt-4o-mini', 'second/*']
  const endings = [WELL, WELL, WELL, BROKEN, UNREACHABLE, CLIENTS_FAULT, CANCELLED, answered(429, 'rate_limit', 9_000)]
  const step = fc.record({
    key: fc.constantFrom(...keys),
    parts: fc.constantFrom(...endings),
    waitMs: fc.constantFrom(0, 0, 0, 10, 5_000, 130_000),
    times: fc.integer({ min: 1, max: 6 }),
    clientKey: fc.constantFrom(undefined, 'poor', 'rich'),
    asks: fc.constantFrom(undefined, 'poor', 'rich'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const [whole, single] = [aKeeper(), aKeeper()]
      for (const { key, parts, waitMs, times: count, clientKey, asks } of steps) {
        for (const one of [whole, single]) {
          one.wait(waitMs)
          times(count, () => one.call({ ...parts, key, clientKey }))
        }
        // Asked for fewer than all, a keeper does not know that all are well, and looks.
        const looked = keys.map((name) => single.keeper.view([name], single.now(), asks)[name] ?? 'healthy')
        const view = whole.keeper.view(keys, whole.now(), asks)
        expect(keys.map((name) => view[name] ?? 'healthy')).toEqual(looked)
      }
    }),
    { numRuns: 300 },
  )
})
