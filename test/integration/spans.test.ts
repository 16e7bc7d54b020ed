import { afterEach, describe, expect, it } from 'vitest'
import { CHAT, data, FIRST, LAST, only, post, PRIVATE } from '../fakes/private-chat.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'
import { startTracedProxy } from '../fakes/traced-proxy.ts'
import type { TracedProxy } from '../fakes/traced-proxy.ts'

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
let stage: TracedProxy | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

async function onStage(...options: Parameters<typeof startTracedProxy>): Promise<TracedProxy> {
  stage = await startTracedProxy(...options)
  return stage
}

/** Milliseconds of the record as nanoseconds on the wire, to the microsecond that a double still holds. */
function nanos(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n
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
