import { expect, test } from 'vitest'
import { NO_CONTENT } from '../../src/domain/content.ts'
import { DEFAULT_HEALTH } from '../../src/domain/routing/health-policy.ts'
import { NO_ROUTING } from '../../src/domain/routing/route.ts'
import { configOf, faultsOf, PROVIDERS } from '../fakes/a-config.ts'

test('a file with providers alone is a whole config', () => {
  const { boot, policy } = configOf(PROVIDERS)
  expect(boot).toEqual({
    data: { host: '127.0.0.1', port: 8787 },
    workers: 1,
    admin: { host: '127.0.0.1', port: 8788, token: undefined, readToken: undefined },
    dataDir: '/base/.understudy',
    store: { kind: 'embedded', port: 8123, maxMemoryBytes: 2_000_000_000 },
    spool: { maxBytes: 4_000_000_000 },
    shutdownDeadlineMs: 30_000,
    decider: { tickMs: 60_000, speed: 1 },
  })
  expect(policy).toEqual({
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
          paths: undefined,
          statedCost: undefined,
          rateLimitHeaders: 'openai',
          refuses: [],
          headers: new Map(),
          traceContext: 'forward',
          maxConcurrent: 512,
          maxQueued: 512,
          queueTimeoutMs: 10_000,
          connectTimeoutMs: 10_000,
          firstByteTimeoutMs: 600_000,
          idleTimeoutMs: 300_000,
        },
      ],
    ]),
    limits: { maxBodyBytes: 64_000_000, bodyTimeoutMs: 120_000 },
    content: NO_CONTENT,
    access: { allowedOrigins: new Set(), allowedHosts: new Set() },
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
  })
})

test('a reasoning call of two minutes passes the default time-outs', () => {
  const provider = configOf(PROVIDERS).policy.providers.get('openai')
  expect(provider?.firstByteTimeoutMs).toBeGreaterThan(120_000)
  expect(provider?.idleTimeoutMs).toBeGreaterThan(120_000)
})

test('what makes a target ill can be said otherwise, also by variables', () => {
  const text = 'health: { error_rate: 0.2, window: 1m, min_requests: 5, consecutive_failures: 9, probe_after: 2s, '
  const more = `probe_after_max: 1m, probe_timeout: 30s, probes: '${'$'}{PROBES}' }`
  expect(configOf(PROVIDERS + text + more, { PROBES: '7' }).policy.health).toEqual({
    windowMs: 60_000,
    errorRate: 0.2,
    minRequests: 5,
    consecutiveFailures: 9,
    probeAfterMs: 2_000,
    probeAfterMaxMs: 60_000,
    probeTimeoutMs: 30_000,
    probes: 7,
  })
  expect(configOf(`${PROVIDERS}health: { error_rate: '${'$'}{RATE}' }`, { RATE: '0.5' }).policy.health.errorRate).toBe(
    0.5,
  )
  for (const [wrong, found] of [
    ['5', '5'],
    ['-0.1', '-0.1'],
    ['5%', 'a text'],
    ['high', '"high"'],
  ] as const) {
    expect(faultsOf(`${PROVIDERS}health: { error_rate: ${wrong} }`)).toEqual([
      `u.yaml:5:23 health.error_rate: expected a share from 0 to 1, such as 0.05 for 5 %, found ${found}`,
    ])
  }
})

test('workers are a number or auto, and nothing else', () => {
  expect(configOf(`${PROVIDERS}workers: 3`).boot.workers).toBe(3)
  expect(configOf(`${PROVIDERS}workers: auto`).boot.workers).toBe('auto')
  expect(configOf(`${PROVIDERS}workers: ${'$'}{CORES}`, { CORES: '2' }).boot.workers).toBe(2)
  for (const wrong of ['0', '257', '1.5', 'many']) {
    expect(faultsOf(`${PROVIDERS}workers: ${wrong}`)).toEqual([
      expect.stringContaining('workers: expected a whole number from 1 to 256, or auto, found'),
    ])
  }
})

test('a relative data directory starts from the base, an absolute one stays', () => {
  expect(configOf(`${PROVIDERS}data_dir: var/data`).boot.dataDir).toBe('/base/var/data')
  expect(configOf(`${PROVIDERS}data_dir: /srv/understudy`).boot.dataDir).toBe('/srv/understudy')
})

test('a base URL keeps its path and loses the slash at its end', () => {
  const text = PROVIDERS.replace('https://api.openai.com', 'https://host.example/a/openai/')
  expect(configOf(text).policy.providers.get('openai')?.baseUrl.href).toBe('https://host.example/a/openai')
})

test('usage is asked for by default only where the provider is known to understand it', () => {
  const text = `${PROVIDERS}
  other: { dialect: openai, base_url: 'https://api.openai.com.example' }
  told: { dialect: openai, base_url: 'http://host.example', include_usage: true }
  anthropic: { dialect: anthropic, base_url: 'https://api.anthropic.com' }`
  const usage = [...configOf(text).policy.providers.values()].map((p) => [p.name, p.supportsIncludeUsage])
  expect(usage).toEqual([
    ['openai', true],
    ['other', false],
    ['told', true],
    ['anthropic', false],
  ])
})

test('prices are whole pico-dollars, exactly as written', () => {
  const text = `${PROVIDERS}prices:
  - { model: 'gpt-*', input: 0.1, cache_read: 0.000001, output: 1.100000, web_search: 12.5 }
  - { model: m, service_tier: flex, provider: openai, output: 0.3, reasoning: 0.6, audio_input: 1000000 }`
  const none = undefined
  expect(configOf(text).policy.prices).toEqual([
    {
      provider: '*',
      model: 'gpt-*',
      serviceTier: none,
      rates: {
        uncachedInput: 100_000,
        cacheRead: 1,
        cacheWrite5m: none,
        cacheWrite1h: none,
        audioInput: none,
        textOutput: 1_100_000,
        reasoning: 1_100_000,
        audioOutput: none,
        webSearch: 12_500_000_000,
      },
    },
    {
      provider: 'openai',
      model: 'm',
      serviceTier: 'flex',
      rates: {
        uncachedInput: none,
        cacheRead: none,
        cacheWrite5m: none,
        cacheWrite1h: none,
        audioInput: 1_000_000_000_000,
        textOutput: 300_000,
        reasoning: 600_000,
        audioOutput: none,
        webSearch: none,
      },
    },
  ])
})

test('the store is a server where a URL is given, embedded by default, and none on demand', () => {
  const store = (text: string): unknown => configOf(`${PROVIDERS}${text}`).boot.store
  expect(store('store: { url: "http://clickhouse:8123/", username: app, password: pw }')).toEqual({
    kind: 'url',
    url: 'http://clickhouse:8123',
    username: 'app',
    password: 'pw',
    database: 'understudy',
  })
  expect(store('store: none')).toEqual({ kind: 'none' })
  expect(store('store: { kind: none }')).toEqual({ kind: 'none' })
  expect(store('store: { max_memory: 3GiB, port: 0 }')).toEqual({
    kind: 'embedded',
    port: 0,
    maxMemoryBytes: 3_221_225_472,
  })
})

test('values from the environment become numbers and flags where those belong', () => {
  const text = `${PROVIDERS}    include_usage: \${USAGE}
    limits: { max_concurrent: "\${MAX}" }
store: { url: 'http://h:1', password: '\${PASSWORD}' }
prices: [{ model: m, input: "\${PRICE}" }]`
  const { boot, policy } = configOf(text, { USAGE: 'false', MAX: '7', PASSWORD: '0012', PRICE: '2.50' })
  expect(policy.providers.get('openai')).toMatchObject({ supportsIncludeUsage: false, maxConcurrent: 7 })
  expect(boot.store).toMatchObject({ password: '0012' })
  expect(policy.prices[0]?.rates.uncachedInput).toBe(2_500_000)
})

test('an empty key is no key, so that ${KEY:-} makes it optional', () => {
  const text = `${PROVIDERS}    api_key: \${KEY:-}\nadmin: { token: '' }`
  expect(configOf(text).policy.providers.get('openai')?.apiKey).toBeUndefined()
  expect(configOf(text).boot.admin.token).toBeUndefined()
  expect(configOf(text, { KEY: 'k' }).policy.providers.get('openai')?.apiKey).toBe('k')
})

test('anchors, aliases and merge keys save repetition, and a key of its own wins', () => {
  const text = `${PROVIDERS}    timeouts: &slow { connect: 1s, idle: 9m }
  other: { dialect: openai, base_url: http://h.example, timeouts: { <<: *slow, connect: 2s } }
  third: { dialect: openai, base_url: http://h.example, timeouts: *slow }`
  const timeouts = [...configOf(text).policy.providers.values()].map((p) => [p.connectTimeoutMs, p.idleTimeoutMs])
  expect(timeouts).toEqual([
    [1_000, 540_000],
    [2_000, 540_000],
    [1_000, 540_000],
  ])
})

test('headers are kept in lower case', () => {
  const text = `${PROVIDERS}    headers: { OpenAI-Organization: org-1 }`
  expect(configOf(text).policy.providers.get('openai')?.headers).toEqual(new Map([['openai-organization', 'org-1']]))
})

test('an admin port that other machines can reach is fine with a token', () => {
  expect(faultsOf(`${PROVIDERS}admin: { listen: '0.0.0.0:8788', token: "\${T}" }`, { T: 'token' })).toEqual([])
})

test('port 0 for both ports is no conflict', () => {
  expect(faultsOf(`${PROVIDERS}listen: 127.0.0.1:0\nadmin: { listen: '127.0.0.1:0' }`)).toEqual([])
})
