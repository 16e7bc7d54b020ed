import { rateHeadroom } from '../dialects/rate-headroom.ts'
import type {
  HeadroomReport,
  OutageReport,
  ProviderReport,
  TargetReport,
  WindowReport,
} from '../domain/routing/health-report.ts'
import type { EpochMs, MonotonicMs } from '../domain/units.ts'
import type { Circuit } from './circuit.ts'
import type { ProviderRecord, TargetRecord } from './target-record.ts'

/** The same moment on both clocks. */
type Clock = { readonly now: MonotonicMs; readonly at: EpochMs }

export function targetReport(record: TargetRecord, instance: string, clock: Clock): TargetReport {
  const { circuit, throttles, duration, firstToken } = record
  const state = record.state(clock.now)
  return {
    target: record.key,
    instance,
    state,
    outage: outageReport(circuit, clock),
    throttledUntil: throttles.isOn(clock.now, undefined) ? epoch(throttles.until(), clock) : undefined,
    window: windowReport(circuit, clock),
    durationMs: duration.percentiles(clock.now),
    firstTokenMs: firstToken.percentiles(clock.now),
    headroom: headroomReport(record, clock),
    active: record.active,
    changes: { ...record.changes },
  }
}

export function providerReport(record: ProviderRecord, instance: string, clock: Clock): ProviderReport {
  const { provider, circuit, active } = record
  const state = circuit.state(clock.now)
  return {
    provider,
    instance,
    state,
    outage: outageReport(circuit, clock),
    window: windowReport(circuit, clock),
    active,
  }
}

function outageReport(circuit: Circuit, clock: Clock): OutageReport | undefined {
  const breaker = circuit.breaker()
  if (breaker.kind === 'in_use') return undefined
  const { why, since, passed, probeAt } = breaker
  const isProbing = breaker.probe !== undefined && clock.now < breaker.probe.until
  return {
    since: epoch(since, clock),
    why,
    nextProbeAt: isProbing ? undefined : epoch(probeAt, clock),
    passedProbes: passed,
  }
}

function windowReport(circuit: Circuit, clock: Clock): WindowReport {
  const { calls, failures } = circuit.window(clock.now)
  return { calls, failures, errorRate: calls === 0 ? 0 : failures / calls }
}

function headroomReport(record: TargetRecord, clock: Clock): HeadroomReport | undefined {
  const last = record.limits()
  if (last?.provider.rateLimitHeaders === undefined) return undefined
  const at = epoch(last.endedAt, clock)
  const headroom = rateHeadroom(last.provider.rateLimitHeaders, last.headers, at)
  return headroom === undefined ? undefined : { ...headroom, at }
}

function epoch(at: MonotonicMs, clock: Clock): EpochMs {
  return Math.round(clock.at + (at - clock.now))
}
