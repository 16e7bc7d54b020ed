import { Agent, request as ask } from 'node:http'
import { text } from 'node:stream/consumers'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { ownProxies } from '../fakes/own-proxy.ts'
import type { ProxyChanges, TestProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'

const CHAT = '/v1/chat/completions'
const pair = aPair()
const startOwn = ownProxies()
/** A proxy of this test's own in front of the shared upstream. */
const aProxy = (changes: ProxyChanges = {}): Promise<TestProxy> => startOwn(pair().upstream.url, changes)

const EVENT = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
const DONE = 'data: [DONE]\n\n'

describe('the record comes before the last byte', () => {
  const whole = '{"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
  const chunkedHead = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'

  it.each<readonly [string, Buffer, (call: RawCall) => Promise<void>]>([
    ['a plain answer with a length', aPost(CHAT, '{}'), (call) => call.write(plain(whole))],
    [
      'a plain answer in chunks',
      aPost(CHAT, '{}'),
      (call) => call.write(Buffer.concat([Buffer.from(chunkedHead), chunk(whole), chunk()])),
    ],
    ['an answer without a body', aPost(CHAT, '{}'), (call) => call.write('HTTP/1.1 204 No Content\r\n\r\n')],
    ['an answer of 0 bytes', aPost(CHAT, '{}'), (call) => call.write(plain(''))],
    ['an error', aPost(CHAT, '{}'), (call) => call.write(plain(whole, 'HTTP/1.1 500 Oops'))],
    [
      'a stream',
      aPost(CHAT, '{"stream":true,"stream_options":{"include_usage":true}}'),
      (call) => call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(EVENT), chunk(DONE), chunk()])),
    ],
    [
      'a stream with spliced usage',
      aPost(CHAT, '{"stream":true}'),
      (call) => call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(EVENT), chunk(DONE), chunk()])),
    ],
    [
      'a stream without a last event',
      aPost(CHAT, '{"stream":true}'),
      (call) => call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(EVENT), chunk()])),
    ],
    [
      'a stream that is cut',
      aPost(CHAT, '{"stream":true}'),
      async (call) => {
        await call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(EVENT)]))
        call.socket.end()
      },
    ],
    ['a passed-through answer with a length', aPost('/v1/unknown', '{}'), (call) => call.write(plain(whole))],
    [
      'a passed-through answer in chunks',
      aPost('/v1/unknown', '{}'),
      (call) => call.write(Buffer.concat([Buffer.from(chunkedHead), chunk(whole), chunk()])),
    ],
    [
      'a passed-through answer without a body',
      aPost('/v1/unknown', '{}'),
      (call) => call.write('HTTP/1.1 204 No Content\r\n\r\n'),
    ],
    ['a connection that fails', aPost(CHAT, '{}'), async (call) => void call.socket.destroy()],
    ['a path that leads nowhere', aPost('/understudy/x', '{}'), async () => undefined],
  ])('%s', async (_what, request, answer) => {
    let hold: (exchange: Exchange, release: () => void) => void = (_exchange, release) => release()
    const held = new Promise<() => void>((resolve) => {
      hold = (_exchange, release) => resolve(release)
    })
    const proxy = await aProxy({ holdRelease: (exchange, release) => hold(exchange, release) })
    pair().upstream.serve(async (call) => {
      await call.body
      await answer(call)
    })
    const client = new RawClient(proxy.port)
    await client.send(request, 'POST')
    const release = await held
    await new Promise((resolve) => setTimeout(resolve, 30)) // time in which a byte let out too early would arrive
    expect(proxy.exchanges).toHaveLength(1)
    expect(client.closedHow()).toBe('open')
    const [before] = client.answers()
    expect(before?.end ?? 'open').toBe('open')
    expect(before?.body.toString() ?? '').not.toContain('[DONE]')
    release()
    const after = await client.answer()
    expect(after.status).toBe(proxy.exchanges[0]?.status)
    expect(after.end).toBe(proxy.exchanges[0]?.error === 'upstream_cut' ? 'cut' : 'whole')
    client.socket.destroy()
  })

  it('an SDK that has its whole stream finds the record made', async () => {
    const proxy = await aProxy()
    pair().upstream.serve((call) =>
      call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(EVENT), chunk(DONE), chunk()])),
    )
    const client = new OpenAI({ apiKey: 'sk', baseURL: `${proxy.url}/openai/v1` })
    for (let i = 1; i <= 20; i++) {
      for await (const _part of await client.chat.completions.create({ model: 'm', messages: [], stream: true }));
      expect(proxy.exchanges).toHaveLength(i)
    }
  })
})

describe('client connections', () => {
  it('one connection carries 300 requests of every kind, and the proxy reuses its own', async () => {
    const { upstream } = pair()
    const proxy = await aProxy()
    upstream.serve(async (call) => {
      await call.body
      if (call.line.includes('unknown')) await call.write(plain('{"n":1}'))
      else if ((await call.body).includes('"stream":true'))
        await call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(EVENT), chunk(DONE), chunk()]))
      else await call.write(plain('{}', 'HTTP/1.1 400 Bad Request'))
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const before = upstream.connections()
    const ports = new Set<number>()
    for (let i = 0; i < 300; i++) {
      const path = i % 3 === 0 ? '/v1/unknown' : CHAT
      const body = i % 3 === 1 ? '{"stream":true}' : '{"model":"m"}'
      const answer = await new Promise<string>((resolve, reject) => {
        const outgoing = ask({ port: proxy.port, agent, method: 'POST', path }, (response) => {
          ports.add(response.socket.localPort ?? 0)
          text(response).then(resolve, reject)
        })
        outgoing.once('error', reject)
        outgoing.end(body)
      })
      expect(answer).toBe(i % 3 === 0 ? '{"n":1}' : i % 3 === 1 ? EVENT + DONE : '{}')
    }
    agent.destroy()
    expect(ports.size).toBe(1)
    expect(upstream.connections() - before).toBeLessThanOrEqual(4)
    expect(await proxy.recorded(300)).toHaveLength(300)
  })

  it('requests pipelined on one connection are answered in order, each with a record', async () => {
    const proxy = await aProxy()
    pair().upstream.serve(async (call) => {
      const body = (await call.body).toString()
      // The first takes longest: its answer must still come first.
      await new Promise((resolve) => setTimeout(resolve, body.includes('"a"') ? 60 : 5))
      await call.write(plain(body))
    })
    const client = new RawClient(proxy.port)
    const bodies = ['a', 'b', 'c'].map((name) => `{"model":"${name}"}`)
    for (const _body of bodies.slice(1)) void client.send('', 'POST')
    await client.send(
      Buffer.concat([
        aPost(CHAT, bodies[0] ?? ''),
        aPost('/v1/unknown', bodies[1] ?? ''),
        aPost(CHAT, bodies[2] ?? ''),
      ]),
      'POST',
    )
    for (const [n, body] of bodies.entries()) expect((await client.answer(n)).body.toString()).toBe(body)
    expect((await proxy.recorded(3)).map(({ outcome }) => outcome)).toEqual(['completed', 'completed', 'completed'])
    client.socket.destroy()
  })

  it('when a client of pipelined requests leaves, every one of its upstream calls is closed', async () => {
    const { upstream } = pair()
    const proxy = await aProxy()
    upstream.serve(() => undefined)
    const before = upstream.calls.length
    const client = new RawClient(proxy.port)
    await client.send(Buffer.concat([aPost(CHAT, '{}'), aPost(CHAT, '{}')]), 'POST')
    while (upstream.calls.length < before + 2) await upstream.next()
    client.socket.destroy()
    await Promise.all(upstream.calls.slice(before).map(({ closed }) => closed))
    expect((await proxy.recorded(2)).map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled'])
  })

  it.each([
    ['', 'close'],
    ['Connection: keep-alive\r\n', 'keep-alive'],
  ])('an HTTP/1.0 client is answered without chunks (%s)', async (header, connection) => {
    const proxy = await aProxy()
    pair().upstream.serve((call) =>
      call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(EVENT), chunk(DONE), chunk()])),
    )
    const answer = await exchangeRaw(
      proxy.port,
      `POST ${CHAT} HTTP/1.0\r\n${header}Content-Length: 15\r\n\r\n{"stream":true}`,
    )
    expect(valueOf(answer.headers, 'transfer-encoding')).toBeUndefined()
    expect(answer.body.toString()).toBe(EVENT + DONE)
    expect(answer.end).toBe('whole')
    pair().upstream.serve((call) => call.write(plain('{}')))
    const client = new RawClient(proxy.port)
    await client.send(`POST ${CHAT} HTTP/1.0\r\n${header}Content-Length: 2\r\n\r\n{}`, 'POST')
    const second = await client.answer()
    expect(second.body.toString()).toBe('{}')
    expect(valueOf(second.headers, 'connection')).toBe(connection)
    client.socket.destroy()
    expect((await proxy.recorded(2)).map(({ outcome }) => outcome)).toEqual(['completed', 'completed'])
  })

  it('a provider that closes a kept connection costs the next request nothing', async () => {
    const { upstream } = pair()
    const proxy = await aProxy()
    upstream.serve(async (call) => {
      await call.write(plain('{}'))
      call.socket.end()
    })
    for (let i = 0; i < 20; i++) {
      expect((await exchangeRaw(proxy.port, aPost(CHAT, '{}'))).status).toBe(200)
      await upstream.calls.at(-1)?.closed
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  })
})

describe('shutdown', () => {
  it('finishes a running stream, refuses what comes meanwhile on kept connections, and then closes at once', async () => {
    const { upstream } = pair()
    const proxy = await aProxy()
    upstream.serve((call) => call.write(plain('{}')))
    const kept = new RawClient(proxy.port)
    await kept.send(aPost('/v1/messages', '{}'), 'POST')
    await kept.answer()

    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const running = new RawClient(proxy.port)
    await running.send(aPost(CHAT, '{"stream":true}'), 'POST')
    const call = await arrived
    await call.write(STREAM_HEAD + chunk(EVENT).toString())
    await running.received(EVENT)

    const closing = proxy.close(10_000)
    // Node closes connections that are idle; one on which a request is on its way is told.
    await kept.closed()
    await expect(exchangeRaw(proxy.port, aPost(CHAT, '{}'))).rejects.toThrow('the connection ended')
    await running.send(aPost(CHAT, '{"model":"too late"}'), 'POST') // pipelined behind the stream
    await call.write(Buffer.concat([chunk(EVENT), chunk(DONE), chunk()]))
    expect((await running.answer()).body.toString()).toBe(EVENT + EVENT + DONE)
    const refused = await running.answer(1)
    expect(refused).toMatchObject({ status: 503, end: 'whole' })
    expect(JSON.parse(refused.body.toString())).toMatchObject({ error: { code: 'understudy_shutting_down' } })
    expect(valueOf(refused.headers, 'retry-after')).toBe('1')
    const startedAt = performance.now()
    expect(await closing).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(
      proxy.exchanges.map(({ outcome, error }) => error ?? outcome).toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(['completed', 'completed', 'shutting_down'])
  })

  it('closes a kept connection as soon as its last answer is out', async () => {
    const { upstream } = pair()
    const proxy = await aProxy()
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    await client.send(aPost(CHAT, '{}'), 'POST')
    const call = await arrived
    const closing = proxy.close(10_000)
    await call.write(plain('{}'))
    expect((await client.answer()).status).toBe(200)
    const startedAt = performance.now()
    expect(await closing).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  it('cuts what is still running at the deadline, says how much, and leaves records', async () => {
    const { upstream } = pair()
    const proxy = await aProxy()
    upstream.serve((call) => call.write(STREAM_HEAD + chunk(EVENT).toString()))
    const clients = [new RawClient(proxy.port), new RawClient(proxy.port)]
    const [first, second] = clients
    await first?.send(aPost(CHAT, '{"stream":true}'), 'POST')
    await second?.send(aPost('/v1/unknown', '{}'), 'POST')
    await Promise.all(clients.map((client) => client.received(EVENT)))
    expect(await proxy.close(100)).toBe(2)
    expect(proxy.exchanges).toHaveLength(2) // there when it has closed: whoever closes the store next loses none
    await Promise.all(clients.map((client) => client.closed()))
    expect((await proxy.recorded(2)).map(({ outcome, error }) => [outcome, error])).toEqual([
      ['interrupted', 'shutting_down'],
      ['interrupted', 'shutting_down'],
    ])
  })

  it('an open WebSocket does not keep the proxy from closing at the deadline', async () => {
    const { upstream } = pair()
    const proxy = await aProxy()
    upstream.serve((call) =>
      call.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
    )
    const client = new RawClient(proxy.port)
    await client.send(
      'GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      'GET',
    )
    await client.until(([answer]) => answer?.status === 101)
    const startedAt = performance.now()
    await proxy.close(150)
    expect(performance.now() - startedAt).toBeLessThan(1000)
    await client.closed()
    await proxy.recorded(1)
  })
})
