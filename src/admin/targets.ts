import type {
  HeadroomReport,
  OutageReport,
  Percentiles,
  ProviderReport,
  TargetReport,
  WindowReport,
} from '../domain/routing/health-report.ts'
import type { EpochMs } from '../domain/units.ts'
import type { AdminPorts, Json } from './ports.ts'
import { queryFault } from './query.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'

/**
 * `GET /admin/targets`: how the targets of the routes are, `{"targets": […], "providers": […]}`, an entry for each
 * process that serves, which `instance` names. `state` is what routing goes by; `outage` (null while in use) is since
 * when and why the target itself is out, and when the next request may probe it; a provider's state is that of its
 * connections alone. Times are ISO 8601, null where there is none.
 */
export function showTargets(ports: AdminPorts): Handler {
  return async ({ query }) => {
    const fault = queryFault(query, [])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const { targets, providers } = await ports.health()
    return { status: 200, json: { targets: targets.map(targetJson), providers: providers.map(providerJson) } }
  }
}

function targetJson(report: TargetReport): Json {
  return {
    target: report.target,
    instance: report.instance,
    state: report.state,
    outage: outageJson(report.outage),
    throttled_until: timeJson(report.throttledUntil),
    window: windowJson(report.window),
    duration_ms: percentilesJson(report.durationMs),
    first_token_ms: percentilesJson(report.firstTokenMs),
    headroom: headroomJson(report.headroom),
    active_calls: report.active,
    changes: report.changes,
  }
}

function providerJson(report: ProviderReport): Json {
  return {
    provider: report.provider,
    instance: report.instance,
    state: report.state,
    outage: outageJson(report.outage),
    window: windowJson(report.window),
    active_calls: report.active,
  }
}

function outageJson(outage: OutageReport | undefined): Json {
  if (outage === undefined) return null
  return {
    since: timeJson(outage.since),
    why: outage.why,
    next_probe_at: timeJson(outage.nextProbeAt),
    passed_probes: outage.passedProbes,
  }
}

function windowJson({ calls, failures, errorRate }: WindowReport): Json {
  return { calls, failures, error_rate: Number(errorRate.toFixed(4)) }
}

/** `calls` is a sum of weights: calls of a minute ago count half. */
function percentilesJson(percentiles: Percentiles | undefined): Json {
  if (percentiles === undefined) return null
  const { p50, p95, p99, calls } = percentiles
  return { p50: tenths(p50), p95: tenths(p95), p99: tenths(p99), calls: tenths(calls) }
}

function headroomJson(headroom: HeadroomReport | undefined): Json {
  if (headroom === undefined) return null
  return {
    requests_remaining: headroom.requestsRemaining ?? null,
    requests_limit: headroom.requestsLimit ?? null,
    tokens_remaining: headroom.tokensRemaining ?? null,
    tokens_limit: headroom.tokensLimit ?? null,
    reset_at: timeJson(headroom.resetAt),
    at: timeJson(headroom.at),
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

function timeJson(at: EpochMs | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}
