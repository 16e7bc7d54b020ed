import type { Breaker, BreakerEvent, CallCounts } from '../domain/routing/breaker.ts'
import { breakerAfter, isOverRate, isProbeDue, NEVER_OUT } from '../domain/routing/breaker.ts'
import type { CallVerdict } from '../domain/routing/call-verdict.ts'
import type { HealthPolicy } from '../domain/routing/health-policy.ts'
import type { MonotonicMs, Unit } from '../domain/units.ts'
import { createCallCounter } from './call-counter.ts'
import type { CallCounter } from './call-counter.ts'

/** What a circuit lets through. */
export type CircuitState = 'healthy' | 'degraded' | 'open' | 'probing'

/** The breaker of a target or of a provider's address, and the counts it goes by. */
export type Circuit = {
  readonly breaker: () => Breaker
  /** What has been counted within the window. */
  readonly window: (now: MonotonicMs) => CallCounts['window']
  readonly state: (now: MonotonicMs) => CircuitState
  /** Healthy without a failure in sight: only a call that ends can change it, never time alone. */
  readonly isSpotless: () => boolean
  /** A call begins; true when it is a probe with this number. */
  readonly begun: (number: number, now: MonotonicMs) => boolean
  readonly ended: (call: CircuitCall) => void
  /** These two as `CallCounter` has them. */
  readonly addPast: CallCounter['addPast']
  readonly setWindow: CallCounter['setWindow']
}

export type CircuitCall = {
  readonly verdict: CallVerdict
  readonly startedAt: MonotonicMs
  readonly endedAt: MonotonicMs
  /** Number of the probe that it was. */
  readonly probe: number | undefined
}

export type CircuitOptions = {
  readonly policy: () => HealthPolicy
  /** Asked only when a wait is made. */
  readonly draw: () => Unit
  readonly changed: (from: Breaker, to: Breaker) => void
}

export function createCircuit({ policy, draw, changed }: CircuitOptions): Circuit {
  const counter = createCallCounter(policy().windowMs)
  const { counts } = counter
  let breaker = NEVER_OUT

  function apply(event: BreakerEvent, now: MonotonicMs): void {
    const from = breaker
    breaker = breakerAfter(from, event, now, policy())
    if (breaker === from) return
    if (breaker.kind === 'in_use') counter.clear()
    changed(from, breaker)
  }

  /** Time alone changes an error rate, too: the good calls may be older than the bad ones. */
  function slide(now: MonotonicMs): void {
    counter.slide(now)
    const isOver = isOverRate(counts.window, policy())
    if (breaker.kind === 'in_use' ? isOver : breaker.why === 'error_rate' && !isOver) recount(now)
  }

  function recount(now: MonotonicMs): void {
    // An open breaker goes by its probes alone.
    if (breaker.kind === 'in_use' || breaker.why === 'error_rate') {
      apply({ kind: 'counted', counts, draw: draw() }, now)
    }
  }

  function isSpotless(): boolean {
    return breaker.kind === 'in_use' && counts.window.failures === 0
  }

  return {
    breaker: () => breaker,
    isSpotless,
    window: (now) => {
      slide(now)
      return counts.window
    },
    state: (now) => {
      // The usual case first. Sliding takes failures away and never adds one.
      if (isSpotless()) return 'healthy'
      slide(now)
      if (breaker.kind === 'in_use') return 'healthy'
      if (isProbeDue(breaker, now)) return 'probing'
      return breaker.why === 'error_rate' ? 'degraded' : 'open'
    },
    begun: (number, now) => {
      if (breaker.kind === 'in_use' || !isProbeDue(breaker, now)) return false
      apply({ kind: 'probe_begun', number }, now)
      return true
    },
    ended: ({ verdict, startedAt, endedAt, probe }) => {
      // A call that began before the target came back tells of how it was then.
      const isStale = breaker.kind === 'in_use' && breaker.healed !== undefined && startedAt < breaker.healed.at
      if (verdict !== 'unclear' && !isStale) {
        counter.count(verdict === 'bad', endedAt)
        if (verdict === 'bad') recount(endedAt)
      }
      if (probe !== undefined) apply({ kind: 'probe_ended', number: probe, verdict, draw: draw() }, endedAt)
    },
    addPast: (hasFailed, at, now) => {
      // One that has been out since the start is known better than that.
      if (breaker === NEVER_OUT) counter.addPast(hasFailed, at, now)
    },
    setWindow: counter.setWindow,
  }
}
