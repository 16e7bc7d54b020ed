import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { createRequestLine } from '../../src/telemetry/request-line.ts'
import { anAttempt, anExchange, aRequest } from '../fakes/an-exchange.ts'

function linesOf(
  exchanges: readonly Exchange[],
  settings: Policy['log'] = { level: 'info', requests: true },
): string[] {
  const lines: string[] = []
  const observe = createRequestLine({ settings: () => settings, write: (line) => lines.push(line) })
  for (const exchange of exchanges) observe(exchange)
  return lines
}

const unavailable = anExchange({
  attempts: [
    anAttempt({
      outcome: { kind: 'unavailable', error: 'connect_failed', mayHaveRun: false },
      usage: undefined,
      firstTokenMs: undefined,
      servedModel: undefined,
      cost: { kind: 'unpriced', why: 'no_usage' },
    }),
  ],
  outcome: 'unavailable',
  error: 'connect_failed',
  status: 502,
})

describe('the line of a request', () => {
  it('holds these fields and no others', () => {
    const [line = ''] = linesOf([anExchange()])
    expect(line.endsWith('}\n')).toBe(true)
    expect(JSON.parse(line)).toEqual({
      ts: '2026-11-20T12:00:01.234Z',
      level: 'info',
      event: 'request',
      trace_id: '0199a0b0-0000-7000-8000-000000000001',
      route: 'default',
      api: 'chat_completions',
      provider: 'openai',
      model: 'gpt-5-mini',
      model_served: 'gpt-5-mini-2026-08-07',
      stream: false,
      status: 200,
      outcome: 'completed',
      error: null,
      input_tokens: 1000,
      output_tokens: 200,
      cache_read_tokens: 100,
      cost_usd: 0.002,
      latency_ms: 1234.568,
      ttft_ms: 221.25,
      overhead_ms: 0.25,
      attempts: 1,
      request_bytes: 800,
      response_bytes: 5000,
    })
  })

  it('has the same fields when nothing is known, with null for each unknown', () => {
    const rejected = anExchange({
      request: aRequest({ model: undefined }),
      attempts: [],
      outcome: 'rejected',
      error: 'unknown_provider',
      status: 404,
    })
    const [whole, bare] = linesOf([anExchange(), rejected]).map((line): object => JSON.parse(line))
    expect(Object.keys(bare ?? {})).toEqual(Object.keys(whole ?? {}))
    expect(bare).toMatchObject({ model: null, model_served: null, cost_usd: null, input_tokens: null, ttft_ms: null })
  })

  it('stays one line of JSON whatever the client calls its model', () => {
    const model = `"},\n\r\u2028{"level":"error\ud800${'x'.repeat(10_000)}`
    const [line = ''] = linesOf([anExchange({ request: aRequest({ model }) })])
    expect(line.split('\n')).toHaveLength(2)
    expect(line.length).toBeLessThan(1_500)
    expect(JSON.parse(line)).toMatchObject({ level: 'info', model: model.slice(0, 200) })
  })

  it('says null for the cost when one billable attempt has no price', () => {
    const unpriced = anAttempt({ cost: { kind: 'unpriced', why: 'unknown_model' } })
    const [line = ''] = linesOf([anExchange({ attempts: [anAttempt(), unpriced] })])
    expect(JSON.parse(line)).toMatchObject({ cost_usd: null, input_tokens: 2000 })
  })

  it('sums the cost over attempts when those without a price cannot be billed', () => {
    const [line = ''] = linesOf([anExchange({ attempts: [...unavailable.attempts, anAttempt(), anAttempt()] })])
    expect(JSON.parse(line)).toMatchObject({ cost_usd: 0.004, attempts: 3 })
  })

  it('is a warning when the client got no whole answer, an error when the proxy failed', () => {
    const levels = linesOf([
      unavailable,
      anExchange({ outcome: 'interrupted', error: 'upstream_cut' }),
      anExchange({ outcome: 'rejected', error: 'internal', attempts: [] }),
      anExchange({ outcome: 'cancelled', error: 'client_closed' }),
      anExchange({ outcome: 'refused', error: 'upstream_error' }),
    ]).map((line) => JSON.parse(line).level)
    expect(levels).toEqual(['warn', 'warn', 'error', 'info', 'info'])
  })

  it('follows the level and the switch from one request to the next', () => {
    const lines: string[] = []
    let settings: Policy['log'] = { level: 'warn', requests: true }
    const observe = createRequestLine({ settings: () => settings, write: (line) => lines.push(line) })
    observe(anExchange())
    expect(lines).toHaveLength(0)
    observe(unavailable)
    expect(lines).toHaveLength(1)
    settings = { level: 'debug', requests: true }
    observe(anExchange())
    expect(lines).toHaveLength(2)
    settings = { level: 'debug', requests: false }
    observe(anExchange())
    expect(lines).toHaveLength(2)
  })

  it('cannot carry a key, a path, a header or a free text of the exchange', () => {
    const planted = 'sk-planted-0123456789'
    const request = aRequest({
      path: `/openai/v1/${planted}`,
      upstreamPath: `/v1/x?key=${planted}`,
      method: planted,
      controls: { route: planted, session: planted, user: planted, team: planted, tags: { a: planted }, task: planted },
      client: {
        keySubject: planted,
        userAgent: planted,
        sdkRetry: 1,
        sdkTimeoutSeconds: 2,
        traceParent: { traceId: planted, spanId: planted, flags: 1, state: planted },
      },
      shape: { ...aRequest().shape, endUser: planted, conversation: planted },
    })
    const attempt = anAttempt({
      outcome: { kind: 'refused', status: 401, error: 'upstream_error', errorType: planted },
      providerRequestId: planted,
      responseId: planted,
      finishReason: planted,
    })
    const [line] = linesOf([anExchange({ request, attempts: [attempt] })])
    expect(line).not.toContain('planted')
  })
})
