import { afterEach, describe, expect, it } from 'vitest'
import { CHAT, data, FIRST, only, post, PRIVATE } from '../fakes/private-chat.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'
import { startTracedProxy } from '../fakes/traced-proxy.ts'
import type { TracedProxy } from '../fakes/traced-proxy.ts'

let stage: TracedProxy | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

async function onStage(...options: Parameters<typeof startTracedProxy>): Promise<TracedProxy> {
  stage = await startTracedProxy(...options)
  return stage
}

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
