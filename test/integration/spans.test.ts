import { afterEach, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { anExchange, anAttempt, aRequest, aUsage } from '../fakes/an-exchange.ts'
import { anyExchangeAt } from '../fakes/any-exchange.ts'
import { startOtlpReceiver } from '../fakes/otlp-receiver.ts'
import type { DecodedSpan } from '../fakes/otlp-decode.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'
import { startTracedProxy, startTracingTo } from '../fakes/traced-proxy.ts'
import type { TracedProxy } from '../fakes/traced-proxy.ts'

const CHAT = '/openai/v1/chat/completions'
const PRIVATE = 'what the user said in confidence'
const ANSWER = {
  id: 'chatcmpl-9',
  object: 'chat.completion',
  model: 'gpt-5-mini-2026-08-07',
  service_tier: 'default',
  choices: [{ index: 0, message: { role: 'assistant', content: PRIVATE }, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: 100,
    completion_tokens: 30,
    total_tokens: 130,
    prompt_tokens_details: { cached_tokens: 40 },
    completion_tokens_details: { reasoning_tokens: 10 },
  },
}
const CHUNK = { id: 'chatcmpl-9', object: 'chat.completion.chunk', model: 'gpt-5-mini-2026-08-07' }
const FIRST = { ...CHUNK, choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' } }] }
const LAST = { ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }

const data = (text: string): string => `data: ${text}\n\n`

let stage: TracedProxy | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

async function onStage(...options: Parameters<typeof startTracedProxy>): Promise<TracedProxy> {
  stage = await startTracedProxy(...options)
  return stage
}

function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-private', ...headers },
    body: JSON.stringify({ model: 'gpt-5-mini', messages: [{ role: 'user', content: PRIVATE }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** Milliseconds of the record as nanoseconds on the wire, to the microsecond that a double still holds. */
function nanos(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n
}

function only(spans: readonly DecodedSpan[]): DecodedSpan {
  const [span, ...more] = spans
  if (span === undefined || more.length > 0) throw new Error(`expected one span, have ${spans.length}`)
  return span
}

describe('a request is a SERVER span with a CLIENT span below it for each call to a provider', () => {
  it('with ids, times, names and usage of an answered request, and not a word of what was said', async () => {
    const { proxy, upstream, collector, spansOfOne } = await onStage()
    upstream.serve(
      (call) =>
        void call.write(
          plain(JSON.stringify(ANSWER), 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_7'),
        ),
    )
    const answer = await post(
      `${proxy.url}${CHAT}?api-version=private`,
      {},
      { 'x-understudy-team': 'search', 'x-understudy-session': 's-1', 'user-agent': 'test/1' },
    )
    await answer.text()
    const { server, clients, exchange } = await spansOfOne()
    const client = only(clients)
    const [attempt] = exchange.attempts
    const id = exchange.request.id
    expect(answer.headers.get('x-understudy-trace-id')).toBe(id)
    expect(server).toMatchObject({
      traceId: id.replaceAll('-', ''),
      spanId: id.replaceAll('-', '').slice(16),
      parentSpanId: '',
      name: `POST ${CHAT}`,
      kind: 'SERVER',
      startNs: nanos(exchange.receivedAt),
      endNs: nanos(exchange.receivedAt + exchange.durationMs),
      status: 'UNSET',
      links: 0,
      resource: { 'service.name': 'understudy', 'service.version': '1.2.3', 'service.instance.id': 'host:8787' },
      scope: { name: 'understudy', version: '1.2.3', schemaUrl: 'https://opentelemetry.io/schemas/1.41.0' },
    })
    expect(server.attributes).toEqual({
      'http.request.method': 'POST',
      'url.path': CHAT,
      'url.scheme': 'http',
      'http.route': CHAT,
      'http.response.status_code': 200,
      'user_agent.original': 'test/1',
      'http.request.body.size': exchange.request.requestBytes,
      'http.response.body.size': JSON.stringify(ANSWER).length,
      'understudy.trace_id': id,
      'understudy.api': 'chat_completions',
      'understudy.route': 'default',
      'understudy.arm': 'none',
      'understudy.policy_version': 'test',
      'understudy.outcome': 'completed',
      'understudy.attempts': 1,
      'understudy.overhead_ms': exchange.overheadMs,
      'understudy.team': 'search',
    })
    expect(client).toMatchObject({
      traceId: server.traceId,
      spanId: attempt?.id.replaceAll('-', '').slice(16),
      parentSpanId: server.spanId,
      name: 'chat gpt-5-mini',
      kind: 'CLIENT',
      startNs: nanos(attempt?.startedAt ?? 0),
      endNs: nanos((attempt?.startedAt ?? 0) + (attempt?.durationMs ?? 0)),
      status: 'UNSET',
    })
    expect(client.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.conversation.id': 's-1',
      'gen_ai.response.model': 'gpt-5-mini-2026-08-07',
      'gen_ai.response.id': 'chatcmpl-9',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 30,
      'gen_ai.usage.cache_read.input_tokens': 40,
      'gen_ai.usage.cache_creation.input_tokens': 0,
      'gen_ai.usage.reasoning.output_tokens': 10,
      'openai.api.type': 'chat_completions',
      'openai.response.service_tier': 'default',
      'server.address': '127.0.0.1',
      'server.port': upstream.port,
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'understudy.attempt_id': attempt?.id,
      'understudy.provider': 'openai',
      'understudy.role': 'primary',
      'understudy.outcome': 'completed',
      'understudy.queue_ms': attempt?.queueMs,
      'understudy.first_byte_ms': attempt?.firstByteMs,
      'understudy.provider_request_id': 'req_7',
      'understudy.cost_usd': attempt?.cost.kind === 'priced' ? Number(attempt.cost.picoUsd) / 1e12 : 'priced',
    })
    expect(collector.exports[0]?.path).toBe('/v1/traces')
    const wire = JSON.stringify(collector.spans(), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    for (const secret of [PRIVATE, 'sk-private', 'private']) expect(wire).not.toContain(secret)
  })

  it('with the moment of the first token of a stream, inside the call, inside the request', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    upstream.serve(async (call) => {
      await call.write(STREAM_HEAD)
      await call.write(chunk(data(JSON.stringify(FIRST))))
      await call.write(Buffer.concat([chunk(data(JSON.stringify(LAST))), chunk(data('[DONE]')), chunk()]))
    })
    await (await post(`${proxy.url}${CHAT}`, { stream: true })).text()
    const { server, clients, exchange } = await spansOfOne()
    const client = only(clients)
    const [attempt] = exchange.attempts
    const first = client.events[0]
    expect(client.events.map((one) => one.name)).toEqual(['understudy.first_token'])
    expect(first?.atNs).toBe(nanos((attempt?.startedAt ?? 0) + (attempt?.firstTokenMs ?? 0)))
    const times = [server.startNs, client.startNs, first?.atNs ?? 0n, client.endNs, server.endNs]
    expect(times.toSorted((a, b) => Number(a - b))).toEqual(times)
    expect(client.attributes).toMatchObject({
      'gen_ai.request.stream': true,
      'gen_ai.response.finish_reasons': ['length'],
      'gen_ai.response.time_to_first_chunk': (attempt?.firstTokenMs ?? 0) / 1000,
    })
    // The stream told no usage: unknown is not zero.
    expect(Object.keys(client.attributes).filter((name) => name.startsWith('gen_ai.usage'))).toEqual([])
    expect(client.attributes['understudy.unpriced']).toBe('no_usage')
  })
})

describe('what goes wrong is an error of the span that it is an error of', () => {
  it("a 4xx is the call's error, in the provider's own word, and not the proxy's", async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    const body = JSON.stringify({ error: { type: 'rate_limit_exceeded', message: PRIVATE } })
    upstream.serve(
      (call) => void call.write(plain(body, 'HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json')),
    )
    await (await post(`${proxy.url}${CHAT}`, {})).text()
    const { server, clients } = await spansOfOne()
    expect(server).toMatchObject({
      status: 'UNSET',
      attributes: {
        'http.response.status_code': 429,
        'understudy.outcome': 'refused',
        'understudy.error': 'upstream_error',
      },
    })
    expect(server.attributes).not.toHaveProperty('error.type')
    expect(only(clients)).toMatchObject({
      status: 'ERROR',
      attributes: { 'http.response.status_code': 429, 'error.type': 'rate_limit_exceeded' },
    })
    expect(only(clients).statusMessage).not.toContain(PRIVATE)
  })

  it('a 5xx is an error of both', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    upstream.serve(
      (call) => void call.write(plain('oops', 'HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain')),
    )
    await (await post(`${proxy.url}${CHAT}`, {})).text()
    const { server, clients } = await spansOfOne()
    expect(server).toMatchObject({ status: 'ERROR', attributes: { 'error.type': '503' } })
    expect(only(clients)).toMatchObject({ status: 'ERROR', attributes: { 'error.type': '503' } })
  })

  it('a stream that is cut is an error of both, though its status was 200', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    upstream.serve(async (call) => {
      await call.write(STREAM_HEAD)
      await call.write(chunk(data(JSON.stringify(FIRST))))
      call.socket.destroy()
    })
    await expect((await post(`${proxy.url}${CHAT}`, { stream: true })).text()).rejects.toThrow('terminated')
    const { server, clients } = await spansOfOne()
    const error = {
      'http.response.status_code': 200,
      'error.type': 'upstream_cut',
      'understudy.outcome': 'interrupted',
    }
    expect(server).toMatchObject({
      status: 'ERROR',
      statusMessage: 'The provider cut its answer short.',
      attributes: error,
    })
    expect(only(clients)).toMatchObject({ status: 'ERROR', attributes: error })
  })

  it('an error inside a stream is an error of both', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    upstream.serve(async (call) => {
      await call.write(STREAM_HEAD)
      await call.write(
        Buffer.concat([chunk(data(JSON.stringify({ error: { type: 'server_error', message: PRIVATE } }))), chunk()]),
      )
    })
    await (await post(`${proxy.url}${CHAT}`, { stream: true })).text()
    const { server, clients } = await spansOfOne()
    expect(server).toMatchObject({ status: 'ERROR', attributes: { 'error.type': 'upstream_stream_error' } })
    expect(only(clients)).toMatchObject({ status: 'ERROR', attributes: { 'error.type': 'server_error' } })
  })

  it('a provider that cannot be reached is an error of both', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    await upstream.close()
    expect((await post(`${proxy.url}${CHAT}`, {})).status).toBe(502)
    const { server, clients } = await spansOfOne()
    const error = { 'error.type': 'connect_failed', 'understudy.outcome': 'unavailable' }
    expect(server).toMatchObject({ status: 'ERROR', attributes: { ...error, 'http.response.status_code': 502 } })
    expect(only(clients)).toMatchObject({ status: 'ERROR', attributes: error })
    expect(only(clients).attributes).not.toHaveProperty('http.response.status_code')
  })

  it('a client that leaves is nobody’s error', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    const leave = new AbortController()
    upstream.serve(async (call) => {
      await call.write(STREAM_HEAD)
      await call.write(chunk(data(JSON.stringify(FIRST))))
    })
    const answer = await post(`${proxy.url}${CHAT}`, { stream: true }, {}, leave.signal)
    await answer.body?.getReader().read()
    leave.abort()
    const { server, clients } = await spansOfOne()
    for (const span of [server, only(clients)]) {
      expect(span).toMatchObject({ status: 'UNSET', attributes: { 'understudy.outcome': 'cancelled' } })
      expect(span.attributes).not.toHaveProperty('error.type')
    }
  })
})

describe('requests that no model was asked by', () => {
  it('a path that is passed through is told by its method, because there is no end of such paths', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    upstream.serve((call) => void call.write(plain('{}')))
    await (await fetch(`${proxy.url}/openai/v1/files/file-1?key=private`, { method: 'DELETE' })).text()
    const { server, clients } = await spansOfOne()
    expect(server).toMatchObject({ name: 'DELETE', attributes: { 'url.path': '/openai/v1/files/file-1' } })
    expect(server.attributes).not.toHaveProperty('http.route')
    expect(only(clients)).toMatchObject({ name: 'DELETE', kind: 'CLIENT', parentSpanId: server.spanId })
    expect(Object.entries(only(clients).attributes).filter(([name]) => name.startsWith('gen_ai.'))).toEqual([
      ['gen_ai.provider.name', 'openai'],
    ])
  })

  it('a request that the proxy refuses has no CLIENT span, and is an error only where the proxy is to blame', async () => {
    const { proxy, spansOfOne } = await onStage()
    expect((await post(`${proxy.url}/p/nobody/v1/chat/completions`, {})).status).toBe(404)
    const { server, clients } = await spansOfOne()
    expect(clients).toEqual([])
    expect(server).toMatchObject({
      name: 'POST',
      status: 'UNSET',
      attributes: {
        'http.response.status_code': 404,
        'understudy.outcome': 'rejected',
        'understudy.error': 'unknown_provider',
        'understudy.attempts': 0,
      },
    })
  })

  it('a method of a client’s own invention names no span', async () => {
    const { proxy, upstream, spansOfOne } = await onStage()
    upstream.serve((call) => void call.write(plain('{}')))
    await (await fetch(`${proxy.url}/openai/v1/files`, { method: 'PROPFIND' })).text()
    const { server } = await spansOfOne()
    expect(server).toMatchObject({
      name: 'HTTP',
      attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'PROPFIND' },
    })
  })
})

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
        'understudy.usage_partial': true,
      },
    })
    await collector.close()
  })
})
