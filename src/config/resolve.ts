import { resolve } from 'node:path'
import type { Boot, Config, Policy, PriceOverride, Provider, StoreSettings } from '../domain/policy.ts'
import { OWN_KEY_FORM } from '../domain/provider-traits.ts'
import type { HealthPolicy } from '../domain/routing/health-policy.ts'
import type { ScoringPolicy } from '../domain/scoring-policy.ts'
import { resolvePaths } from './api-path.ts'
import { resolveAudits } from './resolve-audits.ts'
import { resolveContent } from './resolve-content.ts'
import { impliedAuditShadows } from './resolve-routing-audits.ts'
import { impliedShadows } from './resolve-rollout-shadows.ts'
import { resolveRollouts, withRollouts } from './resolve-rollouts.ts'
import { resolveRouting } from './resolve-routing.ts'
import { resolveScoring } from './resolve-scoring.ts'
import { resolveShadows } from './resolve-shadows.ts'
import type { ConfigFile } from './schema.ts'
import { storeKind } from './store-checks.ts'

type ProviderEntry = ConfigFile['providers'][string]
type PriceEntry = ConfigFile['prices'][number]

/** Scores are made of what somebody asks for, and nobody is paid for them. */
const EVALUATORS_ONLY: ScoringPolicy = { liveShare: 0, judge: undefined, minimum: new Map() }

/** The config a checked file means; relative paths start from `baseDir`. */
export function resolveConfig(file: ConfigFile, baseDir: string): Config {
  return { boot: resolveBoot(file, baseDir), policy: resolvePolicy(file, baseDir) }
}

function resolveBoot(file: ConfigFile, baseDir: string): Boot {
  return {
    data: file.listen,
    workers: file.workers,
    admin: { ...file.admin.listen, token: file.admin.token, readToken: file.admin.read_token },
    dataDir: resolve(baseDir, file.data_dir),
    store: resolveStore(file.store),
    spool: { maxBytes: file.spool.max_size },
    shutdownDeadlineMs: file.shutdown_deadline,
    decider: { tickMs: file.decider.tick, speed: file.decider.speed },
  }
}

function resolveStore(store: ConfigFile['store']): StoreSettings {
  const kind = storeKind(store.kind, store.url !== undefined)
  switch (kind) {
    case 'none':
      return { kind }
    case 'embedded':
      return { kind, port: store.port ?? 8123, maxMemoryBytes: store.max_memory ?? 2_000_000_000 }
    case 'url':
      return {
        kind,
        url: (store.url?.href ?? '').replace(/\/$/, ''),
        username: store.username ?? 'default',
        password: store.password ?? '',
        database: store.database ?? 'understudy',
        cluster: store.cluster === '' ? undefined : store.cluster,
      }
  }
}

function resolvePolicy(file: ConfigFile, baseDir: string): Policy {
  const { traces, attempts, contents, quarantine, rollup_minutes, rollup_hours } = file.retention
  const providers = new Map(Object.entries(file.providers).map(([name, entry]) => [name, resolveProvider(name, entry)]))
  const routing = resolveRouting(file, providers)
  const scoring = resolveScoring(file, providers)
  const filed = resolveShadows(file, providers)
  const rollouts = resolveRollouts(file, routing, scoring, filed)
  return {
    providers,
    limits: { maxBodyBytes: file.limits.max_body, bodyTimeoutMs: file.limits.body_timeout },
    content: resolveContent(file.content),
    access: {
      allowedOrigins: new Set(file.access.allowed_origins.map((origin) => origin.toLowerCase())),
      allowedHosts: new Set(file.access.allowed_hosts.map((host) => host.toLowerCase())),
    },
    prices: file.prices.map(resolvePrice),
    routing: withRollouts(routing, rollouts),
    shadows: [...filed, ...impliedShadows(file, rollouts, providers), ...impliedAuditShadows(file, routing.routes)],
    rollouts,
    // Tools and schemas are guarded by evaluators, and some rollouts go by one.
    scoring: scoring ?? (rollouts.length === 0 ? undefined : EVALUATORS_ONLY),
    audits: resolveAudits(file, baseDir),
    health: resolveHealth(file.health),
    retention: {
      tracesDays: traces,
      attemptsDays: attempts,
      contentsDays: contents,
      quarantineDays: quarantine,
      rollupMinutesDays: rollup_minutes,
      rollupHoursDays: rollup_hours,
    },
    log: file.log,
  }
}

function resolveHealth(health: ConfigFile['health']): HealthPolicy {
  return {
    windowMs: health.window,
    errorRate: health.error_rate,
    minRequests: health.min_requests,
    consecutiveFailures: health.consecutive_failures,
    probeAfterMs: health.probe_after,
    probeAfterMaxMs: health.probe_after_max,
    probeTimeoutMs: health.probe_timeout,
    probes: health.probes,
  }
}

function resolveProvider(name: string, entry: ProviderEntry): Provider {
  return {
    name,
    dialect: entry.dialect,
    baseUrl: entry.base_url,
    apiKey: entry.api_key,
    pricedAs: entry.priced_as ?? (entry.dialect === 'gemini' ? 'google' : name),
    // Where nothing is known an unknown field may be a 400, so only kinds that document it get it unasked.
    supportsIncludeUsage: entry.include_usage ?? false,
    kind: entry.kind,
    auth: entry.auth ?? OWN_KEY_FORM[entry.dialect],
    paths: resolvePaths(entry.paths),
    statedCost: entry.stated_cost === 'none' ? undefined : entry.stated_cost,
    rateLimitHeaders: entry.rate_limit_headers === 'none' ? undefined : entry.rate_limit_headers,
    refuses: entry.refuses ?? [],
    headers: new Map(Object.entries(entry.headers).map(([header, value]) => [header.toLowerCase(), value])),
    traceContext: entry.trace_context,
    maxConcurrent: entry.limits.max_concurrent,
    maxQueued: entry.limits.max_queued,
    queueTimeoutMs: entry.limits.queue_timeout,
    connectTimeoutMs: entry.timeouts.connect,
    firstByteTimeoutMs: entry.timeouts.first_byte,
    idleTimeoutMs: entry.timeouts.idle,
  }
}

function resolvePrice(entry: PriceEntry): PriceOverride {
  return {
    provider: entry.provider,
    model: entry.model,
    serviceTier: entry.service_tier,
    rates: {
      uncachedInput: entry.input,
      cacheRead: entry.cache_read,
      cacheWrite5m: entry.cache_write_5m,
      cacheWrite1h: entry.cache_write_1h,
      audioInput: entry.audio_input,
      textOutput: entry.output,
      // Every provider known to us bills reasoning as output.
      reasoning: entry.reasoning ?? entry.output,
      audioOutput: entry.audio_output,
      webSearch: entry.web_search,
    },
  }
}
