import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { anAttempt, anExchange, aRequest, aUsage } from '../fakes/an-exchange.ts'
import { metricsWith, scrape } from '../fakes/metrics-with.ts'
import { sampleOf } from '../fakes/parse-exposition.ts'
import type { ScrapedFamily } from '../fakes/parse-exposition.ts'

const call = { provider: 'openai', api: 'chat_completions', model: 'gpt-5-mini', route: 'default' }

/** An exchange whose request and attempt name `model`, answered with `status`. */
function forModel(model: string, status = 200): Exchange {
  const outcome =
    status < 400
      ? ({ kind: 'completed', status } as const)
      : ({ kind: 'refused', status, error: 'upstream_error', errorType: undefined } as const)
  return anExchange({
    request: aRequest({ model }),
    attempts: [anAttempt({ target: { provider: 'openai', model }, outcome })],
    status,
    outcome: outcome.kind,
    error: status < 400 ? undefined : 'upstream_error',
  })
}

function modelsIn(families: ReadonlyMap<string, ScrapedFamily>): ReadonlySet<string | undefined> {
  return new Set(families.get('understudy_requests_total')?.samples.map(({ labels }) => labels['model']))
}

describe('metrics of a request', () => {
  it('count it with its tokens, cost and times under its target', async () => {
    const metrics = metricsWith()
    metrics.observe(anExchange())
    metrics.observe(anExchange())
    const families = await scrape(metrics)
    const read = (name: string, labels: Record<string, string>) => sampleOf(families, name, labels)
    expect(read('understudy_requests_total', { ...call, outcome: 'completed', status: '200' })).toBe(2)
    expect(read('understudy_tokens_total', { ...call, bucket: 'uncached_input' })).toBe(1800)
    expect(read('understudy_tokens_total', { ...call, bucket: 'cache_read' })).toBe(200)
    expect(read('understudy_tokens_total', { ...call, bucket: 'text_output' })).toBe(300)
    expect(read('understudy_tokens_total', { ...call, bucket: 'reasoning' })).toBe(100)
    expect(read('understudy_tokens_total', { ...call, bucket: 'audio_input' })).toBeUndefined()
    expect(read('understudy_cost_usd_total', call)).toBe(0.004)
    expect(read('understudy_request_duration_seconds_bucket', { ...call, stream: 'false', le: '1' })).toBe(0)
    expect(read('understudy_request_duration_seconds_bucket', { ...call, stream: 'false', le: '2' })).toBe(2)
    expect(read('understudy_request_duration_seconds_sum', { ...call, stream: 'false' })).toBeCloseTo(2.4691356, 9)
    expect(read('understudy_overhead_seconds_count', { api: 'chat_completions', stream: 'false' })).toBe(2)
    expect(families.get('understudy_errors_total')?.samples).toEqual([])
    expect(families.get('understudy_unpriced_total')?.samples).toEqual([])
  })

  it('measure the time to the first token of streams only', async () => {
    const metrics = metricsWith()
    metrics.observe(anExchange())
    metrics.observe(anExchange({ request: aRequest({ isStream: true }), attempts: [anAttempt({ streamEvents: 50 })] }))
    expect(sampleOf(await scrape(metrics), 'understudy_time_to_first_token_seconds_count', call)).toBe(1)
  })

  it('count a call without a known price as unpriced, never as free', async () => {
    const metrics = metricsWith()
    metrics.observe(anExchange({ attempts: [anAttempt({ cost: { kind: 'unpriced', why: 'unknown_model' } })] }))
    const families = await scrape(metrics)
    expect(sampleOf(families, 'understudy_unpriced_total', { ...call, why: 'unknown_model' })).toBe(1)
    expect(families.get('understudy_cost_usd_total')?.samples).toEqual([])
  })

  it('leave errors that no provider bills out of the unpriced calls', async () => {
    const metrics = metricsWith()
    const attempt = anAttempt({
      outcome: { kind: 'refused', status: 429, error: 'upstream_error', errorType: 'rate_limit_error' },
      usage: undefined,
      cost: { kind: 'unpriced', why: 'no_usage' },
    })
    metrics.observe(anExchange({ attempts: [attempt], status: 429, outcome: 'refused', error: 'upstream_error' }))
    const families = await scrape(metrics)
    expect(families.get('understudy_unpriced_total')?.samples).toEqual([])
    const error = { provider: 'openai', api: 'chat_completions', code: 'upstream_error' }
    expect(sampleOf(families, 'understudy_errors_total', error)).toBe(1)
  })

  it('put the tokens and cost of each attempt under the target that it went to', async () => {
    const metrics = metricsWith()
    const primary = anAttempt({
      outcome: { kind: 'interrupted', status: 200, error: 'upstream_cut' },
      usage: aUsage({ uncachedInputTokens: 7 }),
    })
    const target = { provider: 'anthropic', model: 'claude-haiku-5' }
    const fallback = anAttempt({ role: 'fallback', target, usage: aUsage({ uncachedInputTokens: 5 }) })
    metrics.observe(anExchange())
    metrics.observe(anExchange({ attempts: [primary, fallback] }))
    const families = await scrape(metrics)
    const onFallback = { ...call, ...target }
    expect(sampleOf(families, 'understudy_tokens_total', { ...call, bucket: 'uncached_input' })).toBe(907)
    expect(sampleOf(families, 'understudy_tokens_total', { ...onFallback, bucket: 'uncached_input' })).toBe(5)
    const ended = { outcome: 'completed', status: '200' }
    expect(sampleOf(families, 'understudy_requests_total', { ...call, ...ended })).toBe(1)
    expect(sampleOf(families, 'understudy_requests_total', { ...onFallback, ...ended })).toBe(1)
  })

  it('count each call that was made because the one before had failed, by the provider left and why', async () => {
    const metrics = metricsWith()
    const target = { provider: 'spare', model: 'm' }
    const again = anAttempt({ fallbackReason: 'rate_limit' })
    const fallback = anAttempt({ role: 'fallback', target, fallbackReason: 'slow_answer' })
    metrics.observe(anExchange())
    metrics.observe(anExchange({ attempts: [anAttempt(), again, fallback] }))
    const counted = (await scrape(metrics)).get('understudy_fallbacks_total')?.samples
    const route = anExchange().decision.route
    expect(counted?.map(({ labels, value }) => [labels, value])).toEqual([
      [{ route, provider: 'openai', next_provider: 'openai', reason: 'rate_limit' }, 1],
      [{ route, provider: 'openai', next_provider: 'spare', reason: 'slow_answer' }, 1],
    ])
  })

  it('sum costs exactly: a million calls of a tenth of a microdollar', async () => {
    const metrics = metricsWith()
    const attempt = anAttempt()
    const cost = { ...attempt.cost, picoUsd: 100_000n }
    const exchange = anExchange({ attempts: [anAttempt({ cost: { ...attempt.cost, ...cost } })] })
    for (let call = 0; call < 1_000_000; call++) metrics.observe(exchange)
    expect(sampleOf(await scrape(metrics), 'understudy_cost_usd_total', call)).toBe(0.1)
  })
})

describe('label values', () => {
  it('survive any text: quotes, line breaks, bars, half surrogates, with one series for each name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.oneof(
            fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
            fc.string({
              unit: fc.constantFrom('"', '\\', '\n', 'n', '|', '{', '}', ',', '=', '\r', '\ud800', 'é'),
              minLength: 1,
            }),
          ),
          { maxLength: 12 },
        ),
        async (models) => {
          const metrics = metricsWith()
          for (const model of models) metrics.observe(forModel(model))
          const families = await scrape(metrics)
          expect(modelsIn(families)).toEqual(new Set(models.map((model) => model.toWellFormed())))
          const total = families.get('understudy_requests_total')?.samples.reduce((sum, { value }) => sum + value, 0)
          expect(total).toBe(models.length)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('never mix two calls whose values read alike when joined', async () => {
    const metrics = metricsWith()
    const inRoute = (route: string, model: string): Exchange => {
      const exchange = forModel(model)
      return { ...exchange, decision: { ...exchange.decision, route } }
    }
    metrics.observe(inRoute('a', 'b|c'))
    metrics.observe(inRoute('b|c', 'a'))
    metrics.observe(inRoute('a|b', 'c'))
    expect((await scrape(metrics)).get('understudy_requests_total')?.samples.map(({ value }) => value)).toEqual([
      1, 1, 1,
    ])
  })

  it('do not grow with the names that clients invent: unserved models share one series', async () => {
    const metrics = metricsWith()
    for (let index = 0; index < 5_000; index++) metrics.observe(forModel(`invented-${index}`, 404))
    metrics.observe(forModel('gpt-5-mini'))
    const families = await scrape(metrics)
    expect(modelsIn(families)).toEqual(new Set(['other', 'gpt-5-mini']))
    const other = { ...call, model: 'other', outcome: 'refused', status: '404' }
    expect(sampleOf(families, 'understudy_requests_total', other)).toBe(5_000)
  })

  it('are capped even where a provider serves every name', async () => {
    const metrics = metricsWith()
    for (let index = 0; index < 5_000; index++) metrics.observe(forModel(`served-${index}`))
    metrics.observe(forModel('served-0'))
    const families = await scrape(metrics)
    expect(modelsIn(families).size).toBe(201)
    const first = { ...call, model: 'served-0', outcome: 'completed', status: '200' }
    expect(sampleOf(families, 'understudy_requests_total', first)).toBe(2)
    const other = { ...call, model: 'other', outcome: 'completed', status: '200' }
    expect(sampleOf(families, 'understudy_requests_total', other)).toBe(4_800)
  })

  it('never hold a name of 10 KB', async () => {
    const metrics = metricsWith()
    metrics.observe(forModel('m"\n'.repeat(3_500)))
    expect(modelsIn(await scrape(metrics))).toEqual(new Set(['other']))
    expect((await metrics.expose()).split('\n').every((line) => line.length < 1_000)).toBe(true)
  })

  it('never hold the provider that a refused path invents', async () => {
    const metrics = metricsWith()
    for (let index = 0; index < 300; index++) {
      metrics.observe(
        anExchange({
          request: aRequest({ provider: `invented-${index}`, model: undefined, api: 'passthrough' }),
          attempts: [],
          status: 404,
          outcome: 'rejected',
          error: 'unknown_provider',
        }),
      )
    }
    const labels = { provider: 'none', api: 'passthrough', code: 'unknown_provider' }
    expect(sampleOf(await scrape(metrics), 'understudy_errors_total', labels)).toBe(300)
  })

  it('name the provider of a call that its full queue turned away', async () => {
    const metrics = metricsWith()
    metrics.observe(anExchange({ attempts: [], status: 503, outcome: 'rejected', error: 'overloaded' }))
    const labels = { provider: 'openai', api: 'chat_completions', code: 'overloaded' }
    expect(sampleOf(await scrape(metrics), 'understudy_errors_total', labels)).toBe(1)
  })
})
