import { NO_WORDS } from '../dialects/error-words.ts'
import { retryAfterMs } from '../dialects/retry-after.ts'
import type { Log } from '../domain/ports.ts'
import type { Breaker } from '../domain/routing/breaker.ts'
import type { CallVerdict } from '../domain/routing/call-verdict.ts'
import { isAccountLimit, throttleMs } from '../domain/routing/call-verdict.ts'
import type { EndedCall } from '../domain/routing/ended-call.ts'
import type { ChangedState } from '../domain/routing/health-report.ts'
import type { PastCall } from '../domain/routing/past-call.ts'
import type { TargetHealth } from '../domain/routing/target-health.ts'
import type { EpochMs, MonotonicMs } from '../domain/units.ts'
import { createCircuit } from './circuit.ts'
import type { Circuit, CircuitOptions } from './circuit.ts'
import { createLatencySketch } from './latency-sketch.ts'
import type { LatencySketch } from './latency-sketch.ts'
import { statesLimits } from './states-limits.ts'
import { createThrottles } from './throttles.ts'
import type { Throttles } from './throttles.ts'

/** A provider's address: one record for all targets behind it. */
export type ProviderRecord = { readonly provider: string; readonly circuit: Circuit; active: number }

/** All that is known of one target. */
export type TargetRecord = {
  readonly key: string
  readonly owner: ProviderRecord
  readonly circuit: Circuit
  readonly throttles: Throttles
  readonly duration: LatencySketch
  readonly firstToken: LatencySketch
  readonly changes: Record<ChangedState, number>
  /** Calls under way. */
  active: number
  /** The last answer with rate-limit headers of its provider's form; read when somebody asks, not for every call. */
  readonly limits: () => Pick<EndedCall, 'provider' | 'headers' | 'endedAt'> | undefined
  /** Its own state and its provider's, whichever is worse. `clientKey` as of `HealthSource.view`. */
  readonly state: (now: MonotonicMs, clientKey?: string) => TargetHealth
  /** As of `Circuit`, its provider's and its throttle's together. */
  readonly isSpotless: (now: MonotonicMs) => boolean
  /** What a call tells beside its verdict. */
  readonly note: (call: EndedCall, verdict: CallVerdict) => void
  readonly addPast: (call: PastCall, at: MonotonicMs, now: MonotonicMs) => void
}

export type RecordOptions = Pick<CircuitOptions, 'policy' | 'draw'> & {
  readonly log: Log
  readonly epoch: () => EpochMs
}

export function createTargetRecord(
  key: string,
  owner: ProviderRecord,
  { policy, draw, log, epoch }: RecordOptions,
): TargetRecord {
  const changes = { healthy: 0, degraded: 0, open: 0, throttled: 0 }
  const circuit = createCircuit({ policy, draw, changed: (from, to) => countChange(key, from, to, changes, log) })
  const throttles = createThrottles()
  const duration = createLatencySketch()
  const firstToken = createLatencySketch()
  let limits: EndedCall | undefined
  /** No throttle lasts longer: asked after every call, when going over those of all keys would take long. */
  let throttledUntil = Number.NEGATIVE_INFINITY

  return {
    key,
    owner,
    circuit,
    throttles,
    duration,
    firstToken,
    changes,
    active: 0,
    limits: () => limits,
    state: (now, clientKey) => {
      const own = circuit.state(now)
      const providers = owner.circuit.state(now)
      if (own === 'open' || providers === 'open') return 'open'
      if (throttles.isOn(now, clientKey)) return 'throttled'
      if (own === 'degraded' || providers === 'degraded') return 'degraded'
      return own === 'probing' ? own : providers
    },
    isSpotless: (now) => circuit.isSpotless() && owner.circuit.isSpotless() && now >= throttledUntil,
    note: (call, verdict) => {
      if (call.provider.rateLimitHeaders !== undefined && statesLimits(call)) limits = call
      if (verdict === 'good') {
        throttles.good(call.endedAt - call.durationMs, call.clientKey)
        duration.add(call.durationMs, call.endedAt)
        if (call.isStream && call.firstTokenMs !== undefined) firstToken.add(call.firstTokenMs, call.endedAt)
      }
      if (call.fault === undefined) return
      const throttle = throttles.of(isAccountLimit(call) ? call.clientKey : undefined)
      const waitMs = throttleMs(call, askedMs(call, epoch()), throttle.repeats())
      if (waitMs === undefined) return
      throttledUntil = Math.max(throttledUntil, call.endedAt + waitMs)
      if (!throttle.start(waitMs, call.endedAt)) return
      changes.throttled += 1
      log.warn('target_throttled', { target: key, for_ms: waitMs })
    },
    addPast: ({ hasFailed, durationMs, firstTokenMs }, at, now) => {
      circuit.addPast(hasFailed, at, now)
      if (hasFailed) return
      duration.add(durationMs, now)
      if (firstTokenMs !== undefined) firstToken.add(firstTokenMs, now)
    },
  }
}

/** Whoever did not hold the answer back has not looked at what it asks for. */
function askedMs({ fault, headers, outcome }: EndedCall, now: EpochMs): number | undefined {
  if (fault?.retryAfterMs !== undefined) return fault.retryAfterMs
  const mayAsk = fault?.trigger === 'rate_limit' || (outcome.kind === 'refused' && outcome.status === 503)
  return mayAsk && headers.length > 0 ? retryAfterMs(headers, NO_WORDS, now) : undefined
}

function countChange(
  target: string,
  from: Breaker,
  to: Breaker,
  changes: Record<ChangedState, number>,
  log: Log,
): void {
  if (to.kind === 'in_use') {
    if (from.kind === 'in_use') return
    changes.healthy += 1
    log.info('target_back', { target, after: from.why, out_ms: Math.round((to.healed?.at ?? from.since) - from.since) })
  } else if (from.kind === 'in_use' || from.why !== to.why) {
    const state = to.why === 'error_rate' ? 'degraded' : 'open'
    changes[state] += 1
    log.warn('target_out', { target, state, why: to.why })
  }
}
