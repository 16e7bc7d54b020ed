import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anAttempt, anExchange, aRequest, aUsage } from '../fakes/an-exchange.ts'
import { anyExchangeAt } from '../fakes/any-exchange.ts'
import { startOtlpReceiver } from '../fakes/otlp-receiver.ts'
import { startTracingTo } from '../fakes/traced-proxy.ts'

describe('any record at all', () => {
  it('is exported as one SERVER span and one CLIENT span per attempt, names cut to a length that is safe', async () => {
    const collector = await startOtlpReceiver()
    const exchanges = fc.sample(anyExchangeAt(Date.UTC(2026, 10, 20)), { numRuns: 300, seed: 7 })
    const count = exchanges.reduce((sum, { attempts }) => sum + 1 + attempts.length, 0)
    const tracing = startTracingTo(collector.url, {
      OTEL_BSP_MAX_QUEUE_SIZE: '10000',
      OTEL_TRACES_SAMPLER: 'always_on',
    })
    for (const exchange of exchanges) tracing.observe(exchange)
    await tracing.close()
    expect(tracing.counts()).toEqual({ exported: count, failed: 0, dropped: 0, waiting: 0 })
    expect(collector.spans().filter(({ kind }) => kind === 'SERVER')).toHaveLength(exchanges.length)
    // Bytes that are no UTF-8 would be three characters each, and the end of the whole batch at a real collector.
    const names = collector.spans().map(({ name }) => name)
    const values = collector.spans().flatMap(({ attributes }) => Object.values(attributes))
    const longest = Math.max(...values.map((value) => (typeof value === 'string' ? value.length : 0)))
    expect(longest).toBeLessThanOrEqual(200)
    expect([...names, ...values].filter((value) => String(value).includes('\ufffd'.repeat(3)))).toEqual([])
    await collector.close()
  })

  it('with several attempts has them side by side below the request, each with its own outcome', async () => {
    const collector = await startOtlpReceiver()
    const tracing = startTracingTo(collector.url)
    const ids = ['0199a0b0-0000-7000-8000-0000000000a1', '0199a0b0-0000-7000-8000-0000000000a2'] as const
    tracing.observe(
      anExchange({
        request: aRequest({ api: 'messages', dialect: 'anthropic', provider: 'anthropic' }),
        attempts: [
          anAttempt({
            id: ids[0],
            outcome: { kind: 'unavailable', error: 'first_byte_timeout', mayHaveRun: true },
            usage: undefined,
          }),
          anAttempt({
            id: ids[1],
            role: 'fallback',
            fallbackReason: 'error',
            adaptations: ['dropped:temperature'],
            target: { provider: 'anthropic', model: 'claude' },
            usage: aUsage({ cacheWrite5mTokens: 7, cacheWrite1hTokens: 5, isPartial: true }),
          }),
        ],
      }),
    )
    await tracing.close()
    const [server, first, second] = collector.spans()
    expect([first?.parentSpanId, second?.parentSpanId]).toEqual([server?.spanId, server?.spanId])
    expect(first).toMatchObject({
      status: 'ERROR',
      attributes: { 'error.type': 'first_byte_timeout', 'understudy.role': 'primary' },
    })
    expect(second).toMatchObject({
      name: 'chat claude',
      status: 'UNSET',
      attributes: {
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.usage.cache_creation.input_tokens': 12,
        'gen_ai.usage.input_tokens': 1012,
        'understudy.role': 'fallback',
        'understudy.fallback_reason': 'error',
        'understudy.adaptations': ['dropped:temperature'],
        'understudy.usage_partial': true,
      },
    })
    await collector.close()
  })
})
