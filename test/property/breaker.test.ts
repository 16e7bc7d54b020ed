import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Breaker, BreakerEvent, InUse } from '../../src/domain/routing/breaker.ts'
import { breakerAfter, isProbeDue, LATEST_CALLS, NEVER_OUT } from '../../src/domain/routing/breaker.ts'
import type { HealthPolicy } from '../../src/domain/routing/health-policy.ts'
import { createCallCounter } from '../../src/health/call-counter.ts'
import { createLatencySketch } from '../../src/health/latency-sketch.ts'

const policies: fc.Arbitrary<HealthPolicy> = fc.record({
  windowMs: fc.integer({ min: 1_000, max: 300_000 }),
  errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
  minRequests: fc.integer({ min: 1, max: 40 }),
  consecutiveFailures: fc.integer({ min: 1, max: 10 }),
  probeAfterMs: fc.integer({ min: 1, max: 10_000 }),
  probeAfterMaxMs: fc.integer({ min: 1, max: 60_000 }),
  probeTimeoutMs: fc.integer({ min: 1, max: 60_000 }),
  probes: fc.integer({ min: 1, max: 5 }),
})

const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const counts = fc
  .record({ calls: fc.nat(60), failures: fc.nat(60), latest: fc.nat(LATEST_CALLS), inARow: fc.nat(12) })
  .map(({ calls, failures, latest, inARow }) => ({
    inARow,
    latest: { calls: Math.min(LATEST_CALLS, calls), failures: Math.min(latest, failures) },
    window: { calls, failures: Math.min(calls, failures) },
  }))

type Step = { readonly afterMs: number; readonly kind: 'counted' | 'begin' | 'good' | 'bad' | 'unclear' } & {
  readonly counts: Extract<BreakerEvent, { kind: 'counted' }>['counts']
  readonly draw: number
  /** Which of the probes begun so far ends. */
  readonly which: number
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    afterMs: fc.nat(20_000),
    kind: fc.constantFrom('counted', 'begin', 'good', 'bad', 'unclear'),
    counts,
    draw: draws,
    which: fc.nat(),
  }),
  { maxLength: 120 },
)

type Moment = { readonly now: number; readonly from: Breaker; readonly to: Breaker; readonly event: BreakerEvent }

/** Every transition of a breaker that lives through `all`. */
function live(all: readonly Step[], policy: HealthPolicy): readonly Moment[] {
  let now = 0
  let breaker = NEVER_OUT
  let number = 0
  const moments: Moment[] = []
  for (const { afterMs, kind, counts: seen, draw, which } of all) {
    now += afterMs
    const event: BreakerEvent =
      kind === 'counted'
        ? { kind, counts: seen, draw }
        : kind === 'begin'
          ? { kind: 'probe_begun', number: ++number }
          : { kind: 'probe_ended', number: 1 + (which % Math.max(1, number)), verdict: kind, draw }
    const to = breakerAfter(breaker, event, now, policy)
    moments.push({ now, from: breaker, to, event })
    breaker = to
  }
  return moments
}

test('a target goes out for a reason that its counts give, and for no other', () => {
  fc.assert(
    fc.property(steps, policies, (all, policy) => {
      for (const { from, to, event } of live(all, policy).filter((moment) => moment.from.kind === 'in_use')) {
        const why = event.kind === 'counted' ? reasonFor(event.counts, policy) : undefined
        expect(to.kind === 'out' ? to.why : undefined).toBe(why)
        expect(why !== undefined || to === from).toBe(true)
      }
    }),
  )
})

function reasonFor({ inARow, latest, window }: Step['counts'], policy: HealthPolicy): string | undefined {
  if (inARow >= policy.consecutiveFailures) return 'failures_in_a_row'
  if (latest.calls === LATEST_CALLS && latest.failures >= LATEST_CALLS / 2) return 'half_failed'
  const isEnough = window.calls >= policy.minRequests
  return isEnough && window.failures > policy.errorRate * window.calls ? 'error_rate' : undefined
}

test('out for its error rate, it comes back when the window says so, and goes out for good reason when it says worse', () => {
  fc.assert(
    fc.property(steps, policies, (all, policy) => {
      for (const { from, to, event } of live(all, policy)) {
        if (from.kind === 'in_use' || event.kind !== 'counted') continue
        const why = from.why === 'error_rate' ? reasonFor(event.counts, policy) : from.why
        expect(to.kind === 'out' ? to.why : undefined).toBe(why)
      }
    }),
  )
})

test('one probe at a time has a place, none before its time, and one that does not end frees its place', () => {
  fc.assert(
    fc.property(steps, policies, (all, policy) => {
      for (const { now, from, to, event } of live(all, policy)) {
        if (event.kind !== 'probe_begun' || from.kind === 'in_use') continue
        const isFree = from.probe === undefined || now >= from.probe.until
        const mayBegin = isFree && now >= from.probeAt
        expect(isProbeDue(from, now)).toBe(mayBegin)
        const begun = { number: event.number, until: now + policy.probeTimeoutMs }
        const firstProbe = from.firstProbe ?? event.number
        expect(to).toEqual(mayBegin ? { ...from, probe: begun, firstProbe } : from)
      }
    }),
  )
})

test('it takes as many good probes of this outage as the policy says, with no bad one between them, to come back', () => {
  fc.assert(
    fc.property(steps, policies, (all, policy) => {
      let good = 0
      let begun = Infinity
      for (const { from, to, event } of live(all, policy)) {
        if (from.kind === 'in_use') begun = Infinity
        else if (event.kind === 'probe_begun' && to !== from) begun = Math.min(begun, event.number)
        else if (event.kind === 'probe_ended' && event.number >= begun) {
          good = event.verdict === 'bad' ? 0 : good + Number(event.verdict === 'good')
        }
        const isProbes = from.kind === 'out' && event.kind !== 'counted'
        expect(isProbes && to.kind === 'in_use').toBe(isProbes && good >= policy.probes)
        if (to.kind === 'in_use') good = 0
      }
    }),
  )
})

test('the wait for a probe doubles with each setback, up to the longest, and half of it is drawn', () => {
  fc.assert(
    fc.property(steps, policies, (all, policy) => {
      for (const { now, from, to, event } of live(all, policy)) {
        if (to.kind !== 'out' || (from.kind === 'out' && from.setbacks === to.setbacks)) continue
        const before = from.kind === 'out' ? from.setbacks : relapses(from, now, policy)
        const longest = Math.min(policy.probeAfterMaxMs, policy.probeAfterMs * 2 ** (before + 1))
        const draw = event.kind === 'probe_begun' ? 0 : event.draw
        expect(to.setbacks).toBe(before + 1)
        expect(to.probeAt).toBeCloseTo(now + longest * (0.5 + draw / 2), 3)
      }
    }),
  )
})

/** A target that was out before the window and one that never was begin anew. */
function relapses({ healed }: InUse, now: number, { windowMs }: HealthPolicy): number {
  return healed !== undefined && now - healed.at < windowMs ? healed.setbacks : -1
}

test('with an answer at every probe, a target that is well is back within the longest wait of when it became so', () => {
  fc.assert(
    fc.property(fc.nat(30), draws, policies, (failedProbes, draw, policy) => {
      let breaker = breakerAfter(NEVER_OUT, { kind: 'counted', counts: FIVE_FAILED, draw }, 0, {
        ...policy,
        consecutiveFailures: 5,
      })
      let number = 0
      let now = 0
      const probe = (verdict: 'good' | 'bad'): void => {
        if (breaker.kind === 'out') now = Math.max(now, breaker.probeAt)
        breaker = breakerAfter(breaker, { kind: 'probe_begun', number: ++number }, now, policy)
        breaker = breakerAfter(breaker, { kind: 'probe_ended', number, verdict, draw }, now, policy)
      }
      for (let failed = 0; failed < failedProbes; failed++) probe('bad')
      const wellAt = now
      for (let good = 0; good < policy.probes; good++) probe('good')
      expect(breaker.kind).toBe('in_use')
      expect(now - wellAt).toBeLessThanOrEqual(policy.probeAfterMaxMs)
    }),
  )
})

const FIVE_FAILED = { inARow: 5, latest: { calls: 5, failures: 5 }, window: { calls: 5, failures: 5 } }

test('the counter counts what a list of all calls would', () => {
  const calls = fc.array(fc.record({ afterMs: fc.nat(30_000), hasFailed: fc.boolean() }), { maxLength: 150 })
  fc.assert(
    fc.property(calls, fc.integer({ min: 24, max: 200_000 }), fc.nat(400_000), (all, windowMs, afterMs) => {
      const counter = createCallCounter(windowMs)
      const bucketMs = windowMs / 24
      const seen: { at: number; hasFailed: boolean }[] = []
      let now = 0
      const check = (): void => {
        const newest = Math.floor(now / bucketMs)
        const young = seen.filter(({ at }) => newest - Math.floor(at / bucketMs) < 24)
        const latest = seen.slice(-LATEST_CALLS)
        const failed = (calls: typeof seen): number => calls.filter(({ hasFailed }) => hasFailed).length
        const lastGood = seen.findLastIndex(({ hasFailed }) => !hasFailed)
        expect(counter.counts).toEqual({
          inARow: seen.length - 1 - lastGood,
          latest: { calls: latest.length, failures: failed(latest) },
          window: { calls: young.length, failures: failed(young) },
        })
      }
      for (const { afterMs: pause, hasFailed } of all) {
        now += pause
        seen.push({ at: now, hasFailed })
        counter.count(hasFailed, now)
        check()
      }
      now += afterMs
      counter.slide(now)
      check()
    }),
  )
})

test('calls of the past go where they belong, whatever their order, and none that is too old', () => {
  const past = fc.array(fc.record({ agoMs: fc.nat(300_000), hasFailed: fc.boolean() }), { maxLength: 100 })
  fc.assert(
    // The clock of a process that has just started is nearly at its zero, and what was before is below it.
    fc.property(past, fc.constantFrom(0, 5_000, 60_000, 1_000_000), (all, now) => {
      const counter = createCallCounter(120_000)
      for (const { agoMs, hasFailed } of all) counter.addPast(hasFailed, now - agoMs, now)
      const young = all.filter(({ agoMs }) => now / 5_000 - Math.floor((now - agoMs) / 5_000) < 24)
      expect(counter.counts.window).toEqual({
        calls: young.length,
        failures: young.filter(({ hasFailed }) => hasFailed).length,
      })
      for (let step = 1; step <= 24; step++) counter.slide(now + step * 5_000)
      expect(counter.counts.window).toEqual({ calls: 0, failures: 0 })
    }),
  )
})

test('percentiles are within 5 % of the exact ones', () => {
  const times = fc.array(fc.double({ min: 1, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(times, (all) => {
      const sketch = createLatencySketch()
      for (const time of all) sketch.add(time, 0)
      const sorted = all.toSorted((a, b) => a - b)
      const found = sketch.percentiles(0)
      for (const [share, value] of [
        [0.5, found?.p50],
        [0.95, found?.p95],
        [0.99, found?.p99],
      ] as const) {
        const exact = sorted[Math.max(0, Math.ceil(share * all.length - 1e-9) - 1)] ?? 0
        expect((value ?? 0) / exact).toBeGreaterThan(0.952)
        expect((value ?? 0) / exact).toBeLessThan(1.048)
      }
    }),
  )
})
