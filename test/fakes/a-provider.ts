import type { Policy, Provider } from '../../src/domain/policy.ts'
import { NO_CONTENT } from '../../src/domain/content.ts'
import { OWN_KEY_FORM } from '../../src/domain/provider-traits.ts'
import { DEFAULT_HEALTH } from '../../src/domain/routing/health-policy.ts'
import { NO_ROUTING } from '../../src/domain/routing/route.ts'

/** A provider with roomy defaults; say only what the test is about. */
export function aProvider(changes: Partial<Provider> = {}): Provider {
  return {
    name: 'openai',
    dialect: 'openai',
    baseUrl: new URL('http://127.0.0.1:9'),
    apiKey: undefined,
    pricedAs: 'openai',
    supportsIncludeUsage: true,
    kind: undefined,
    auth: OWN_KEY_FORM[changes.dialect ?? 'openai'],
    paths: undefined,
    statedCost: undefined,
    rateLimitHeaders: undefined,
    refuses: [],
    headers: new Map(),
    traceContext: 'forward',
    maxConcurrent: 512,
    maxQueued: 1024,
    queueTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
    firstByteTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    ...changes,
  }
}

/** A policy over these providers, keyed by their names. */
export function aPolicy(providers: readonly Provider[], changes: Partial<Policy> = {}): Policy {
  return {
    providers: new Map(providers.map((provider) => [provider.name, provider])),
    limits: { maxBodyBytes: 16 * 1024 * 1024, bodyTimeoutMs: 60_000 },
    content: NO_CONTENT,
    access: { allowedOrigins: new Set(), allowedHosts: new Set(['client.example', 'x']) }, // what raw clients call it
    prices: [],
    routing: NO_ROUTING,
    shadows: [],
    audits: [],
    rollouts: [],
    health: DEFAULT_HEALTH,
    retention: {
      tracesDays: 90,
      attemptsDays: 90,
      contentsDays: 14,
      quarantineDays: 30,
      rollupMinutesDays: 90,
      rollupHoursDays: 730,
    },
    log: { level: 'error', requests: false },
    ...changes,
  }
}
