import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'
import { aPair, seenByUpstream, simulatedTwins } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import { exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain } from '../fakes/raw-upstream.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'

const pair = aPair()
const twins = simulatedTwins()

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const handshake = (path: string, headers: readonly string[] = []): string =>
  [`GET ${path} HTTP/1.1`, 'Host: client.example', ...UPGRADE, ...headers, '', ''].join('\r\n')
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

/** Collects messages of a WebSocket, and how it closed. */
function listen(socket: WebSocket) {
  const messages: unknown[] = []
  const closed = once(socket, 'close')
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('message', ({ data }) => messages.push(data))
  const until = async (count: number): Promise<readonly unknown[]> => {
    while (messages.length < count) await once(socket, 'message')
    return messages
  }
  return { until, closed }
}

describe('a WebSocket through the proxy', () => {
  it('echoes text, binary, empty and large messages, and closes with the code it was closed with', async () => {
    const { proxy, recordOf } = twins()
    const large = 'ü🤔'.repeat(100_000)
    const [record] = await recordOf(async () => {
      const socket = new WebSocket(`${proxy.url.replace('http', 'ws')}/openai/v1/realtime?model=x`, [
        'realtime',
        'other',
      ])
      const { until, closed } = listen(socket)
      await once(socket, 'open')
      expect(socket.protocol).toBe('realtime')
      socket.send('hello')
      socket.send(new Uint8Array([0, 255, 1, 254]))
      socket.send('')
      socket.send(large)
      const [text, binary, empty, long] = await until(4)
      expect(text).toBe('hello')
      expect(Buffer.from(binary instanceof ArrayBuffer ? binary : new ArrayBuffer(0))).toEqual(
        Buffer.from([0, 255, 1, 254]),
      )
      expect(empty).toBe('')
      expect(long).toBe(large)
      socket.close(4321, 'enough')
      const [event] = await closed
      expect(event).toMatchObject({ code: 4321, reason: 'enough', wasClean: true })
    })
    expect(record).toMatchObject({
      outcome: 'completed',
      status: 101,
      request: {
        api: 'passthrough',
        method: 'GET',
        provider: 'openai',
        path: '/openai/v1/realtime',
        upstreamPath: '/v1/realtime?model=x',
      },
    })
    expect(record.request.requestBytes).toBeGreaterThan(Buffer.byteLength(large))
    expect(record.responseBytes).toBeGreaterThan(Buffer.byteLength(large))
  })

  it('sends the headers of the handshake as the client wrote them, its key replaced where the server holds one', async () => {
    const { upstream } = pair()
    const { providers } = aPolicy([
      aProvider({ name: 'openai', baseUrl: new URL(`${upstream.url}/base`), apiKey: 'sk-server' }),
    ])
    const proxy = await startProxy(upstream.url, { policy: { providers } })
    upstream.serve((call) => call.write(SWITCHED))
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    await client.send(
      handshake('/openai/v1/realtime', [
        'Authorization: Bearer sk-client',
        'X-Custom: 1',
        'Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk',
        'x-understudy-team: a',
        'baggage: b',
      ]),
      'GET',
    )
    const call = await arrived
    await client.until(([answer]) => answer?.status === 101)
    expect(call.line).toBe('GET /base/v1/realtime HTTP/1.1')
    expect(valueOf(call.headers, 'host')).toBe(`127.0.0.1:${upstream.port}`)
    expect(valueOf(call.headers, 'upgrade')).toBe('websocket')
    expect(seenByUpstream(call.headers)).toEqual([
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['X-Custom', '1'],
      ['Sec-WebSocket-Protocol', 'realtime, openai-insecure-api-key.sk'],
      ['authorization', 'Bearer sk-server'],
    ])
    for (const stripped of ['baggage', 'x-understudy-team']) expect(valueOf(call.headers, stripped)).toBeUndefined()
    client.socket.destroy()
    await call.closed
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({ status: 101, request: { controls: { team: 'a' } } })
    await proxy.close(100)
  })

  it('loses no byte that is sent right behind the handshake, either way', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve((call) => call.write(`${SWITCHED}first words of the server`))
    const arrived = upstream.next()
    const [record] = await recordOf(async () => {
      const client = new RawClient(proxy.port)
      await client.send(`${handshake('/v1/realtime')}first words of the client`, 'GET')
      const call = await arrived
      await client.received('first words of the server')
      const seen: Buffer[] = []
      call.socket.on('data', (bytes) => seen.push(bytes))
      await client.send(' and more')
      while (!Buffer.concat(seen).includes('and more')) await once(call.socket, 'data')
      client.socket.destroy()
      await call.closed
    })
    expect(record).toMatchObject({
      outcome: 'completed',
      status: 101,
      request: { requestBytes: 'first words of the client and more'.length },
    })
  })

  it.each<readonly [string, (client: RawClient, call: RawCall) => Promise<unknown>]>([
    [
      'the client',
      (client, call) => {
        client.socket.destroy()
        return call.closed
      },
    ],
    [
      'the provider',
      (client, call) => {
        call.socket.destroy()
        return client.closed()
      },
    ],
  ])('is closed on the other side within 50 ms when %s goes away, and leaves a record', async (_who, leave) => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve((call) => call.write(SWITCHED))
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    const [record, tookMs] = await recordOf(async () => {
      await client.send(handshake('/v1/realtime'), 'GET')
      const call = await arrived
      await client.until(([answer]) => answer?.status === 101)
      const leftAt = performance.now()
      await leave(client, call)
      return performance.now() - leftAt
    })
    expect(tookMs).toBeLessThan(50)
    expect(record).toMatchObject({ status: 101, request: { api: 'passthrough' } })
    expect(record.durationMs).toBeGreaterThan(0)
  })

  it.each([
    [
      'with a length',
      plain(
        '{"error":{"code":"invalid_api_key"}}',
        'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nx-request-id: req_9',
      ),
    ],
    [
      'in chunks',
      Buffer.concat([
        Buffer.from(
          'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nx-request-id: req_9\r\nTransfer-Encoding: chunked\r\n\r\n',
        ),
        chunk('{"error":{"code":'),
        chunk('"invalid_api_key"}}'),
        chunk(),
      ]),
    ],
  ])('that the provider refuses shows the provider’s own answer (%s)', async (_how, refusal) => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve((call) => call.write(refusal))
    const [record, answer] = await recordOf(() => exchangeRaw(proxy.port, handshake('/v1/realtime'), 'GET'))
    expect(answer).toMatchObject({ status: 401, end: 'whole' })
    expect(answer.body.toString()).toBe('{"error":{"code":"invalid_api_key"}}')
    expect(valueOf(answer.headers, 'x-request-id')).toBe('req_9')
    expect(record).toMatchObject({ outcome: 'refused', status: 401, error: 'upstream_error' })
  })

  it('whose provider cannot be reached is told so in HTTP', async () => {
    const proxy = await startProxy('http://127.0.0.1:9')
    const answer = await exchangeRaw(proxy.port, handshake('/v1/realtime'), 'GET')
    expect(answer.status).toBe(502)
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({ outcome: 'unavailable', error: 'connect_failed', status: 502 })
    await proxy.close(100)
  })

  it('whose provider does not answer the handshake in time is told so in HTTP', async () => {
    const { upstream } = pair()
    const proxy = await startProxy(upstream.url, { provider: { firstByteTimeoutMs: 120 } })
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const answer = await exchangeRaw(proxy.port, handshake('/anthropic/v1/realtime'), 'GET')
    expect(answer.status).toBe(504)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ type: 'error', error: { type: 'timeout_error' } })
    await (
      await arrived
    ).closed
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({ outcome: 'unavailable', error: 'first_byte_timeout', status: 504 })
    await proxy.close(100)
  })

  it('to nowhere is refused in HTTP', async () => {
    const { proxy } = pair()
    const answer = await exchangeRaw(proxy.port, handshake('/p/nobody/v1/realtime'), 'GET')
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'understudy_unknown_provider' } })
  })
})
