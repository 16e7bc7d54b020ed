import type { AdminPorts, PolicyView, ReadinessFacts } from '../../src/admin/ports.ts'
import { NO_CONTENT } from '../../src/domain/content.ts'
import type { Policy, Provider } from '../../src/domain/policy.ts'
import { DEFAULT_HEALTH } from '../../src/domain/routing/health-policy.ts'
import { NO_TARGETS } from '../../src/domain/routing/health-report.ts'
import { NO_ROUTING } from '../../src/domain/routing/route.ts'

/** Ports of a proxy that is well. */
export function adminPorts(parts: Partial<AdminPorts> = {}): AdminPorts {
  return {
    readiness: () => readinessFacts(),
    prove: () => undefined,
    policyView: () => aPolicyView(),
    applyPolicy: async () => ({ kind: 'applied', version: 'fedcba9876543210', restartNeeded: [] }),
    explain: () => ({ error: 'not_routed' }),
    health: () => NO_TARGETS,
    shadows: () => [],
    audits: () => [],
    keepAudit: async () => ({ kind: 'ok', value: undefined }),
    rollouts: {
      views: () => [],
      isDecider: () => false,
      explain: async () => undefined,
      change: async () => ({ kind: 'unknown', known: [] }),
      events: async () => ({ kind: 'ok', value: [] }),
      decisions: async () => ({ kind: 'ok', value: [] }),
      estimate: async () => undefined,
    },
    weights: () => [],
    feedback: () => ({ routes: [], decisions: [] }),
    changeWeights: async () => ({ kind: 'unavailable', detail: 'not in this test' }),
    changes: async () => ({ kind: 'ok', value: [] }),
    recentTraces: async () => ({ kind: 'ok', value: [] }),
    trace: async () => ({ kind: 'ok', value: undefined }),
    summary: async () => ({ kind: 'ok', value: [] }),
    rebuildRollups: () => 'started',
    eraseUser: () => 'started',
    eraseStatus: () => ({ kind: 'running', tables: [] }),
    rebuildStatus: () => ({ kind: 'idle' }),
    keepCalibrations: async () => ({ kind: 'kept' }),
    query: async () => ({ kind: 'ok', columns: [], rows: [], isCut: false }),
    storeView: () => ({
      kind: 'embedded',
      state: 'ready',
      detail: 'ClickHouse is ready.',
      access: {
        url: 'http://127.0.0.1:8123',
        database: 'understudy',
        readOnly: { username: 'ro', password: 'ro-password' },
      },
    }),
    metrics: { expose: async () => 'up 1\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' },
    ...parts,
  }
}

export function readinessFacts(parts: Partial<ReadinessFacts> = {}): ReadinessFacts {
  return {
    isServing: true,
    isDraining: false,
    config: configFacts,
    store: { kind: 'embedded', state: 'ready', detail: 'ClickHouse is ready.' },
    spool: { rows: 0, bytes: 0, maxBytes: 1_000, oldestAt: undefined, droppedRows: 0, quarantinedRows: 0 },
    ...parts,
  }
}

export function aPolicyView(parts: Partial<PolicyView> = {}): PolicyView {
  return { ...configFacts, policy: aPolicy(), weights: [], overlayRevision: '', ...parts }
}

export function aPolicy(provider: Partial<Provider> = {}): Policy {
  return {
    providers: new Map([
      [
        'openai',
        {
          name: 'openai',
          dialect: 'openai',
          baseUrl: new URL('https://api.openai.com'),
          apiKey: undefined,
          pricedAs: 'openai',
          supportsIncludeUsage: true,
          kind: 'openai',
          auth: 'bearer',
          paths: [{ client: '/v1', upstream: '/v1', namesModel: false }],
          statedCost: undefined,
          rateLimitHeaders: 'openai',
          refuses: ['logit_bias'],
          headers: new Map(),
          traceContext: 'forward',
          maxConcurrent: 256,
          maxQueued: 512,
          queueTimeoutMs: 10_000,
          connectTimeoutMs: 5_000,
          firstByteTimeoutMs: 600_000,
          idleTimeoutMs: 300_000,
          ...provider,
        },
      ],
    ]),
    limits: { maxBodyBytes: 33_554_432, bodyTimeoutMs: 60_000 },
    content: NO_CONTENT,
    access: { allowedOrigins: new Set(['https://app.example']), allowedHosts: new Set(['llm.example']) },
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
    log: { level: 'info', requests: true },
  }
}

const configFacts = {
  version: '0123456789abcdef',
  file: 'understudy.yaml',
  appliedAt: Date.UTC(2026, 10, 20, 12),
  rejected: undefined,
  restartNeeded: [],
}
