import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { CHAT_BEGUN } from '../fakes/begun-streams.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import type { ProxyChanges, TestProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const pair = aPair()
const proxies: TestProxy[] = []
const CHAT = '/v1/chat/completions'

/** A proxy with a bug: `stages` throw. */
async function aProxyWith(stages: NonNullable<ProxyChanges['stages']>): Promise<TestProxy> {
  const proxy = await startProxy(pair().upstream.url, { stages })
  proxies.push(proxy)
  return proxy
}

afterEach(async () => {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close(50)))
})

const bug = (): never => {
  throw new Error('a bug')
}
const HANDSHAKE =
  'GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

/** One log line about the bug, one record of it, no slot held, and the proxy lives: the next request has its answer. */
async function expectToldOnce(proxy: TestProxy, record: object): Promise<void> {
  const [made] = await proxy.recorded(1)
  expect(made).toMatchObject({ error: 'internal', ...record })
  expect(proxy.errors).toEqual([expect.stringContaining(`request_failed {"trace_id":"${made?.request.id}"`)])
  await until(() => proxy.slotUse().every(({ inFlight, queued }) => inFlight + queued === 0))
  const answer = await exchangeRaw(proxy.port, get('/v1/nothing/here'), 'GET')
  expect(answer.status).toBeGreaterThanOrEqual(200)
  expect(proxy.exchanges.filter(({ request }) => request.id === made?.request.id)).toHaveLength(1)
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setImmediate(resolve))
}

describe('a bug before anything has been answered is a 500 in the dialect, with the id of its record', () => {
  it.each([
    [CHAT, 'outboundHeaders', { error: { code: 'understudy_internal', type: 'server_error' } }],
    [CHAT, 'send', { error: { code: 'understudy_internal' } }],
    ['/v1/messages', 'outboundHeaders', { type: 'error', error: { type: 'api_error' } }],
    ['/p/anthropic/v1/messages', 'send', { type: 'error', error: { type: 'api_error' } }],
    [CHAT, 'inboundHeaders', { error: { code: 'understudy_internal' } }],
    ['/v1/files', 'inboundHeaders', { error: { code: 'understudy_internal' } }],
  ] as const)('POST %s, thrown by %s', async (path, stage, body) => {
    const { upstream } = pair()
    upstream.serve((call) => call.write(plain('{"id":"x","model":"m"}')))
    const proxy = await aProxyWith({ [stage]: bug })
    const answer = await exchangeRaw(proxy.port, aPost(path, '{"model":"m"}'))
    expect([answer.status, answer.end]).toEqual([500, 'whole'])
    expect(JSON.parse(answer.body.toString())).toMatchObject(body)
    expect(valueOf(answer.headers, 'x-understudy-trace-id')).toBe((await proxy.recorded(1))[0]?.request.id)
    const model = path === '/v1/files' ? undefined : 'm'
    await expectToldOnce(proxy, { outcome: 'rejected', status: 500, attempts: [], request: { model } })
  })

  it('GET of an unread path, thrown by the relay', async () => {
    const proxy = await aProxyWith({ passThrough: { web: bug, upgrade: bug } })
    const answer = await exchangeRaw(proxy.port, get('/v1/models'), 'GET')
    expect(answer.status).toBe(500)
    expect(answer.body.toString()).toContain('understudy_internal')
    await expectToldOnce(proxy, { outcome: 'rejected', status: 500 })
  })

  it('a WebSocket handshake', async () => {
    const proxy = await aProxyWith({ passThrough: { web: bug, upgrade: bug } })
    const answer = await exchangeRaw(proxy.port, HANDSHAKE, 'GET')
    expect(answer.status).toBe(500)
    expect(answer.body.toString()).toContain('understudy_internal')
    expect(valueOf(answer.headers, 'x-understudy-trace-id')).toBe((await proxy.recorded(1))[0]?.request.id)
    await expectToldOnce(proxy, { outcome: 'rejected', status: 500 })
  })
})

describe('a bug in the middle of an answer cuts it, so that nobody takes it for whole', () => {
  it.each([
    ['a stream', CHAT, [STREAM_HEAD, chunk(CHAT_BEGUN), chunk('data: [DONE]\n\n'), chunk()]],
    ['a plain answer', CHAT, [plain('{"id":"x","model":"m"}')]],
    ['an unread answer', '/v1/audio/speech', [STREAM_HEAD, chunk('x'), chunk()]],
  ] as const)('%s, thrown by the prices', async (_what, path, pieces) => {
    const { upstream } = pair()
    upstream.serve(async (call) => {
      await call.body
      for (const piece of pieces) await call.write(piece)
    })
    const proxy = await aProxyWith({ price: bug })
    const answer = exchangeRaw(proxy.port, aPost(path, '{"model":"m","stream":true}'))
    await answer.then(
      ({ end }) => expect(end).toBe('cut'),
      (error: unknown) => expect(String(error)).toContain('the connection ended'),
    )
    await expectToldOnce(proxy, { outcome: 'interrupted', status: 200, attempts: [] })
  })

  it('a compressed stream, thrown by the prices after it has been decoded', async () => {
    const { upstream } = pair()
    const bytes = gzipSync(`${CHAT_BEGUN}data: [DONE]\n\n`)
    upstream.serve(async (call) => {
      await call.body
      await call.write(STREAM_HEAD.replace('\r\n\r\n', '\r\ncontent-encoding: gzip\r\n\r\n'))
      await call.write(Buffer.concat([chunk(bytes), chunk()]))
    })
    const proxy = await aProxyWith({ price: bug })
    const body = '{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    await exchangeRaw(proxy.port, aPost(CHAT, body)).catch(() => undefined)
    await expectToldOnce(proxy, { outcome: 'interrupted', status: 200 })
  })

  it('nor does a client that leaves hide it', async () => {
    const { upstream } = pair()
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const proxy = await aProxyWith({ price: bug })
    const client = new RawClient(proxy.port)
    await client.send(aPost(CHAT, '{"model":"m"}'), 'POST')
    await arrived
    client.socket.destroy()
    upstream.serve((call) => call.write(plain('{}')))
    await expectToldOnce(proxy, { outcome: 'rejected', status: 500 })
  })
})

it('a bug in an observer costs nobody anything: the answer is whole and the record made', async () => {
  const { upstream } = pair()
  upstream.serve((call) => call.write(plain('{"id":"x","model":"m"}')))
  const proxy = await aProxyWith({ observe: bug })
  for (const path of [CHAT, '/v1/files']) {
    const answer = await exchangeRaw(proxy.port, aPost(path, '{"model":"m"}'))
    expect([answer.status, answer.end]).toEqual([200, 'whole'])
  }
  expect((await proxy.recorded(2)).map(({ outcome }) => outcome)).toEqual(['completed', 'completed'])
  expect(proxy.errors).toEqual(Array.from({ length: 2 }, () => expect.stringContaining('observer_failed')))
})
