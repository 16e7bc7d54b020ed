import type { MonotonicMs, Unit } from '../units.ts'
import type { CallVerdict } from './call-verdict.ts'
import type { HealthPolicy } from './health-policy.ts'

/**
 * Whether a target, or a provider's address, is in use. It goes out when too many calls fail, and comes back by probes:
 * calls of clients let through one at a time.
 */
export type Breaker = InUse | Out

export type InUse = {
  readonly kind: 'in_use'
  /** The last time it came back, and how often its probes had failed by then; undefined: it was never out. */
  readonly healed: { readonly at: MonotonicMs; readonly setbacks: number } | undefined
}

export type Out = {
  readonly kind: 'out'
  readonly why: OutReason
  readonly since: MonotonicMs
  /** Failed probes, and returns that did not last: each doubles the wait for the next probe. */
  readonly setbacks: number
  /** Good probes since the last bad one. */
  readonly passed: number
  /** No probe before. */
  readonly probeAt: MonotonicMs
  /** The probe under way, which has its place until `until`. */
  readonly probe: { readonly number: number; readonly until: MonotonicMs } | undefined
  /** Number of the first probe of this outage; probes of earlier ones count no more. */
  readonly firstProbe: number | undefined
}

/** `error_rate` leaves the target for last; the other two open the breaker. */
export type OutReason = 'failures_in_a_row' | 'half_failed' | 'error_rate'

/** The calls that were counted lately. */
export type CallCounts = {
  /** Failures since the last good call. */
  readonly inARow: number
  /** Of the last `LATEST_CALLS`, or as many as there are. */
  readonly latest: { readonly calls: number; readonly failures: number }
  /** Within `windowMs`. */
  readonly window: { readonly calls: number; readonly failures: number }
}

/** Half of these failed: the breaker opens. */
export const LATEST_CALLS = 20

export const NEVER_OUT: Breaker = { kind: 'in_use', healed: undefined }

/** `number`s of probes grow. `draw` spreads the waits of several proxies. */
export type BreakerEvent =
  /** The counts have changed, by a call or by time alone. */
  | { readonly kind: 'counted'; readonly counts: CallCounts; readonly draw: Unit }
  | { readonly kind: 'probe_begun'; readonly number: number }
  | { readonly kind: 'probe_ended'; readonly number: number; readonly verdict: CallVerdict; readonly draw: Unit }

/** The breaker after `event`; the same value where nothing has changed. Counts begin anew when it comes back. */
export function breakerAfter(breaker: Breaker, event: BreakerEvent, now: MonotonicMs, policy: HealthPolicy): Breaker {
  switch (event.kind) {
    case 'counted':
      return afterCount(breaker, event.counts, event.draw, now, policy)
    case 'probe_begun':
      if (breaker.kind === 'in_use' || !isProbeDue(breaker, now)) return breaker
      return {
        ...breaker,
        probe: { number: event.number, until: now + policy.probeTimeoutMs },
        firstProbe: breaker.firstProbe ?? event.number,
      }
    case 'probe_ended':
      if (breaker.kind === 'in_use' || event.number < (breaker.firstProbe ?? Infinity)) return breaker
      return afterProbe(breaker, event.number, event.verdict, event.draw, now, policy)
  }
}

/** Whether the next call is a probe. */
export function isProbeDue({ probeAt, probe }: Out, now: MonotonicMs): boolean {
  return now >= probeAt && (probe === undefined || now >= probe.until)
}

/** Whether the error rate alone is reason enough to leave the target out. */
export function isOverRate({ calls, failures }: CallCounts['window'], policy: HealthPolicy): boolean {
  return calls >= policy.minRequests && failures > calls * policy.errorRate
}

function afterCount(breaker: Breaker, counts: CallCounts, draw: Unit, now: MonotonicMs, policy: HealthPolicy): Breaker {
  const why = reasonIn(counts, policy)
  if (breaker.kind === 'in_use') {
    if (why === undefined) return breaker
    const { healed } = breaker
    const setbacks = healed === undefined || now - healed.at >= policy.windowMs ? 0 : healed.setbacks + 1
    const probeAt = now + waitMs(setbacks, draw, policy)
    return { kind: 'out', why, since: now, setbacks, passed: 0, probeAt, probe: undefined, firstProbe: undefined }
  }
  if (breaker.why !== 'error_rate' || why === 'error_rate') return breaker
  // Nothing has gone wrong within the window but what happened too seldom to say anything.
  if (why === undefined) return { kind: 'in_use', healed: { at: now, setbacks: breaker.setbacks } }
  return { ...breaker, why, since: now }
}

/** A probe's result counts even after it has lost its place, or a slow target would never come back. */
function afterProbe(
  out: Out,
  number: number,
  verdict: CallVerdict,
  draw: Unit,
  now: MonotonicMs,
  policy: HealthPolicy,
): Breaker {
  const probe = out.probe?.number === number ? undefined : out.probe
  switch (verdict) {
    case 'unclear':
      return { ...out, probe }
    case 'good': {
      const passed = out.passed + 1
      if (passed >= policy.probes) return { kind: 'in_use', healed: { at: now, setbacks: out.setbacks } }
      return { ...out, passed, probe }
    }
    case 'bad': {
      const setbacks = out.setbacks + 1
      return { ...out, passed: 0, setbacks, probe, probeAt: now + waitMs(setbacks, draw, policy) }
    }
  }
}

function reasonIn(counts: CallCounts, policy: HealthPolicy): OutReason | undefined {
  const { inARow, latest, window } = counts
  if (inARow >= policy.consecutiveFailures) return 'failures_in_a_row'
  if (latest.calls >= LATEST_CALLS && latest.failures * 2 >= LATEST_CALLS) return 'half_failed'
  return isOverRate(window, policy) ? 'error_rate' : undefined
}

/** Half of the wait is fixed, half drawn ("equal jitter", AWS Architecture Blog, 2015): never at once, never in step. */
function waitMs(setbacks: number, draw: Unit, { probeAfterMs, probeAfterMaxMs }: HealthPolicy): number {
  return Math.min(probeAfterMaxMs, probeAfterMs * 2 ** setbacks) * (0.5 + draw / 2)
}
