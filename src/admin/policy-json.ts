import type { Fault } from '../config/fault.ts'
import type { Rates } from '../domain/cost.ts'
import type { Policy, Provider } from '../domain/policy.ts'
import type { EpochMs } from '../domain/units.ts'
import { auditsJson } from './audits-json.ts'
import { contentJson } from './content-json.ts'
import type { ConfigFacts, Json } from './ports.ts'
import { policyRolloutsJson } from './policy-rollouts-json.ts'
import { routingJson } from './routing-json.ts'
import { scoringJson } from './scoring-json.ts'
import { shadowsJson } from './shadows-json.ts'

/**
 * The policy in force, every field named here and no other, so that a secret added to the policy stays inside until
 * someone writes it down. Keys are `set` or `unset`; header values may be keys, so only their names are shown; user,
 * password and query of a URL are left out.
 */
export function policyJson(policy: Policy): Json {
  const {
    providers,
    limits,
    content,
    access,
    prices,
    routing,
    shadows,
    rollouts,
    scoring,
    audits,
    health,
    retention,
    log,
  } = policy
  return {
    providers: Object.fromEntries([...providers].map(([name, provider]) => [name, providerJson(provider)])),
    limits: { max_body_bytes: limits.maxBodyBytes, body_timeout_ms: limits.bodyTimeoutMs },
    content: contentJson(content),
    access: { allowed_origins: [...access.allowedOrigins], allowed_hosts: [...access.allowedHosts] },
    prices: prices.map((price) => ({
      provider: price.provider,
      model: price.model,
      service_tier: price.serviceTier ?? null,
      ...ratesJson(price.rates),
    })),
    ...routingJson(routing),
    shadows: shadowsJson(shadows),
    rollouts: policyRolloutsJson(rollouts),
    scoring: scoringJson(scoring),
    audits: auditsJson(audits),
    health: {
      error_rate: health.errorRate,
      window_ms: health.windowMs,
      min_requests: health.minRequests,
      consecutive_failures: health.consecutiveFailures,
      probe_after_ms: health.probeAfterMs,
      probe_after_max_ms: health.probeAfterMaxMs,
      probe_timeout_ms: health.probeTimeoutMs,
      probes: health.probes,
    },
    retention: {
      traces_days: retention.tracesDays,
      attempts_days: retention.attemptsDays,
      contents_days: retention.contentsDays,
      quarantine_days: retention.quarantineDays,
      rollup_minutes_days: retention.rollupMinutesDays,
      rollup_hours_days: retention.rollupHoursDays,
    },
    log: { level: log.level, requests: log.requests },
  }
}

function providerJson(provider: Provider): Json {
  return {
    kind: provider.kind ?? null,
    dialect: provider.dialect,
    base_url: `${provider.baseUrl.origin}${provider.baseUrl.pathname}`,
    api_key: provider.apiKey === undefined ? 'unset' : 'set',
    auth: provider.auth,
    priced_as: provider.pricedAs,
    supports_include_usage: provider.supportsIncludeUsage,
    paths:
      provider.paths?.map(({ client, upstream, namesModel }) => ({
        client,
        upstream,
        names_model: namesModel,
      })) ?? null,
    stated_cost: provider.statedCost ?? null,
    rate_limit_headers: provider.rateLimitHeaders ?? null,
    refuses: provider.refuses,
    headers: Object.fromEntries([...provider.headers.keys()].map((name) => [name, 'set'])),
    trace_context: provider.traceContext,
    max_concurrent: provider.maxConcurrent,
    max_queued: provider.maxQueued,
    queue_timeout_ms: provider.queueTimeoutMs,
    connect_timeout_ms: provider.connectTimeoutMs,
    first_byte_timeout_ms: provider.firstByteTimeoutMs,
    idle_timeout_ms: provider.idleTimeoutMs,
  }
}

/** Pico-dollars per token are millionths of a dollar per million tokens. */
function ratesJson({ webSearch, ...perToken }: Rates): Readonly<Record<string, Json>> {
  const usd = (picoUsd: number | undefined, unit: number): number | null =>
    picoUsd === undefined ? null : picoUsd / unit
  return {
    usd_per_million_tokens: {
      uncached_input: usd(perToken.uncachedInput, 1e6),
      cache_read: usd(perToken.cacheRead, 1e6),
      cache_write_5m: usd(perToken.cacheWrite5m, 1e6),
      cache_write_1h: usd(perToken.cacheWrite1h, 1e6),
      audio_input: usd(perToken.audioInput, 1e6),
      text_output: usd(perToken.textOutput, 1e6),
      reasoning: usd(perToken.reasoning, 1e6),
      audio_output: usd(perToken.audioOutput, 1e6),
    },
    usd_per_web_search: usd(webSearch, 1e12),
  }
}

/** Which policy is in force and since when, and the newer file that was refused: `rejected` is null when none was. */
export function configJson({
  version,
  file,
  appliedAt,
  rejected,
  restartNeeded,
}: ConfigFacts): Readonly<Record<string, Json>> {
  return {
    version,
    file,
    applied_at: timeJson(appliedAt),
    rejected:
      rejected === undefined ? null : { since: timeJson(rejected.since), faults: rejected.faults.map(faultJson) },
    restart_needed: restartNeeded,
  }
}

export function faultJson({ file, line, column, path, text }: Fault): Json {
  return { file, line, column, path, text }
}

/** ISO 8601 in UTC, with milliseconds. */
export function timeJson(at: EpochMs): string {
  return new Date(at).toISOString()
}
