import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ReloadOutcome } from '../../src/config/reload.ts'
import { aPolicy, aPolicyView } from '../fakes/admin-ports.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

const fault = {
  file: 'PUT',
  line: 3,
  column: 5,
  path: 'providers.openai.dialect',
  text: 'expected openai, found opnai',
}

describe('GET /admin/policy', () => {
  it('shows the policy in force, without a single secret', async () => {
    const policy = aPolicy({
      apiKey: 'sk-secret-0123456789',
      baseUrl: new URL('https://user:secret@api.openai.com/base?key=secret'),
      headers: new Map([['x-extra-key', 'secret']]),
    })
    const rates = {
      uncachedInput: 250_000,
      cacheRead: 25_000,
      cacheWrite5m: undefined,
      cacheWrite1h: undefined,
      audioInput: undefined,
      textOutput: 2_000_000,
      reasoning: 2_000_000,
      audioOutput: undefined,
      webSearch: 10_000_000_000,
    }
    const view = aPolicyView({ policy: { ...policy, prices: [{ provider: '*', model: 'gpt-*', rates }] } })
    const { port } = await openAdmin({ policyView: () => view })
    const { body, json } = await ask(port, '/admin/policy')
    expect(body).not.toContain('secret')
    expect(json).toEqual({
      version: '0123456789abcdef',
      live: { revision: '', weights: [] },
      file: 'understudy.yaml',
      applied_at: '2026-11-20T12:00:00.000Z',
      rejected: null,
      restart_needed: [],
      effective: {
        providers: {
          openai: {
            kind: 'openai',
            dialect: 'openai',
            base_url: 'https://api.openai.com/base',
            api_key: 'set',
            auth: 'bearer',
            priced_as: 'openai',
            supports_include_usage: true,
            paths: [{ client: '/v1', upstream: '/v1', names_model: false }],
            stated_cost: null,
            rate_limit_headers: 'openai',
            refuses: ['logit_bias'],
            headers: { 'x-extra-key': 'set' },
            trace_context: 'forward',
            max_concurrent: 256,
            max_queued: 512,
            queue_timeout_ms: 10_000,
            connect_timeout_ms: 5_000,
            first_byte_timeout_ms: 600_000,
            idle_timeout_ms: 300_000,
          },
        },
        limits: { max_body_bytes: 33_554_432, body_timeout_ms: 60_000 },
        content: {
          mode: 'off',
          providers: {},
          routes: {},
          head_chars: 2_000,
          tail_chars: 1_000,
          max_bytes: 262_144,
          redact: { built_in: ['credentials', 'email', 'card', 'phone', 'iban'], patterns: [], json_paths: [] },
        },
        access: { allowed_origins: ['https://app.example'], allowed_hosts: ['llm.example'] },
        prices: [
          {
            provider: '*',
            model: 'gpt-*',
            service_tier: null,
            usd_per_million_tokens: {
              uncached_input: 0.25,
              cache_read: 0.025,
              cache_write_5m: null,
              cache_write_1h: null,
              audio_input: null,
              text_output: 2,
              reasoning: 2,
              audio_output: null,
            },
            usd_per_web_search: 0.01,
          },
        ],
        routes: [],
        aliases: {},
        labels: { task: [], complexity: [] },
        models: {},
        shadows: [],
        rollouts: [],
        scoring: null,
        audits: [],
        health: {
          error_rate: 0.05,
          window_ms: 120_000,
          min_requests: 20,
          consecutive_failures: 5,
          probe_after_ms: 1_000,
          probe_after_max_ms: 5_000,
          probe_timeout_ms: 10_000,
          probes: 3,
        },
        retention: {
          traces_days: 90,
          attempts_days: 90,
          contents_days: 14,
          quarantine_days: 30,
          rollup_minutes_days: 90,
          rollup_hours_days: 730,
        },
        log: { level: 'info', requests: true },
      },
    })
  })

  it('says that a provider has no key', async () => {
    const { port } = await openAdmin()
    expect((await ask(port, '/admin/policy')).json).toMatchObject({
      effective: { providers: { openai: { api_key: 'unset' } } },
    })
  })
})

describe('PUT /admin/policy', () => {
  const put = (body: string | Uint8Array, headers: Record<string, string> = { 'content-type': 'text/yaml' }) => ({
    method: 'PUT',
    headers,
    body,
  })
  const recording = (applied: ReloadOutcome = { kind: 'applied', version: 'v2', restartNeeded: [] }) => {
    const calls: string[][] = []
    const applyPolicy = async (text: string, actor: string) => {
      calls.push([text, actor])
      return applied
    }
    return { calls, applyPolicy }
  }

  it('hands over the text as it came, with who asked', async () => {
    const { calls, applyPolicy } = recording({ kind: 'applied', version: 'v2', restartNeeded: ['admin.listen'] })
    const { port } = await openAdmin({ applyPolicy })
    const yaml = '# é 🙂\r\nproviders: {}\n'
    const answered = await ask(port, '/admin/policy', put(yaml))
    expect(answered).toMatchObject({
      status: 200,
      json: { result: 'applied', version: 'v2', restart_needed: ['admin.listen'] },
    })
    expect(calls).toEqual([[yaml, 'unauthenticated@127.0.0.1']])
  })

  it('answers every fault at once, for programs and for people', async () => {
    const faults = [fault, { ...fault, line: 9, path: '', text: 'expected a mapping, found a list' }]
    const { port } = await openAdmin(recording({ kind: 'rejected', faults }))
    expect(await ask(port, '/admin/policy', put('providers: ['))).toMatchObject({
      status: 422,
      json: {
        error: { code: 'invalid_policy' },
        faults,
        text:
          'PUT:3:5 providers.openai.dialect: expected openai, found opnai\n' +
          'PUT:9:5 expected a mapping, found a list',
      },
    })
  })

  it('tells a text that is in force already from one that is new', async () => {
    const { port } = await openAdmin(recording({ kind: 'unchanged', version: 'v1', restartNeeded: [] }))
    const { json } = await ask(port, '/admin/policy', put('a: b'))
    expect(json).toEqual({ result: 'unchanged', version: 'v1', restart_needed: [] })
  })

  it.each([
    [true, /EROFS.*nothing changed/],
    [false, /EROFS.*damaged/],
  ])(
    'says so when the file of a sound policy cannot be written, and whether it is intact: %s',
    async (isIntact, said) => {
      const { port } = await openAdmin(recording({ kind: 'unwritable', code: 'EROFS', isIntact }))
      expect(await ask(port, '/admin/policy', put('a: b'))).toMatchObject({
        status: 500,
        json: { error: { code: 'unwritable', message: expect.stringMatching(said) } },
      })
    },
  )

  it.each([
    ['a body of more than a megabyte', put('#'.repeat(1024 * 1024 + 1)), 413, 'too_large'],
    ['JSON', put('{}', { 'content-type': 'application/json' }), 415, 'unsupported_type'],
    ['a body of no type', put('a: b', {}), 415, 'unsupported_type'],
    [
      'a compressed body, which may be a bomb',
      put(gzipSync('a: b'), { 'content-type': 'text/yaml', 'content-encoding': 'gzip' }),
      415,
      'unsupported_type',
    ],
    ['broken UTF-8', put(Buffer.from([0x61, 0xff, 0xfe])), 400, 'bad_request'],
  ])('refuses %s and applies nothing', async (_, asked, status, code) => {
    const { calls, applyPolicy } = recording()
    const { port } = await openAdmin({ applyPolicy })
    expect(await ask(port, '/admin/policy', asked)).toMatchObject({ status, json: { error: { code } } })
    expect(calls).toEqual([])
  })
})
