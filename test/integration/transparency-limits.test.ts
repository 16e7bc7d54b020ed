import Anthropic from '@anthropic-ai/sdk'
import Anthropic0 from 'anthropic-sdk-0'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { ownProxies } from '../fakes/own-proxy.ts'
import type { ProxyChanges, TestProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain } from '../fakes/raw-upstream.ts'
import { anthropic, anthropic0, chat, MESSAGE, openai } from '../fakes/sdk-once.ts'

const CHAT = '/v1/chat/completions'
const MESSAGES = '/v1/messages'
const pair = aPair()
const startOwn = ownProxies()
/** A proxy of this test's own in front of the shared upstream. */
const aProxy = (changes: ProxyChanges): Promise<TestProxy> => startOwn(pair().upstream.url, changes)

describe('a provider with too many calls under way', () => {
  it('answers the next with 503 and retry-after in the dialect, as both SDKs understand it, without calling upstream', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { maxConcurrent: 1, maxQueued: 0 } })
    upstream.serve(() => undefined)
    for (const path of [CHAT, MESSAGES]) {
      const arrived = upstream.next()
      await new RawClient(proxy.port).send(aPost(path, '{"model":"holds the slot"}'), 'POST')
      await arrived
    }
    const before = upstream.calls.length
    await expect(chat(proxy.url)).rejects.toMatchObject({
      constructor: OpenAI.InternalServerError,
      status: 503,
      code: 'understudy_overloaded',
      type: 'server_error',
    })
    await expect(anthropic(proxy.url).messages.create(MESSAGE)).rejects.toMatchObject({
      constructor: Anthropic.ServiceUnavailableError,
      status: 503,
      error: { type: 'error', error: { type: 'overloaded_error' } },
    })
    await expect(anthropic0(proxy.url).messages.create(MESSAGE)).rejects.toMatchObject({
      constructor: Anthropic0.InternalServerError,
      status: 503,
    })
    const answer = await exchangeRaw(proxy.port, aPost(CHAT, '{"model":"m"}'))
    expect(valueOf(answer.headers, 'retry-after')).toBe('1')
    expect(valueOf(answer.headers, 'x-understudy-trace-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(upstream.calls).toHaveLength(before)
    const records = await proxy.recorded(4)
    expect(records.map(({ outcome, error, status, attempts }) => [outcome, error, status, attempts.length])).toEqual(
      Array.from({ length: 4 }, () => ['rejected', 'overloaded', 503, 0]),
    )
  })

  it('queues in order of arrival, and says on the record how long each waited', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { maxConcurrent: 1, maxQueued: 5 } })
    const order: string[] = []
    let letGo: () => void = () => undefined
    const allSent = new Promise<void>((resolve) => {
      letGo = resolve
    })
    upstream.serve(async (call) => {
      order.push((await call.body).toString())
      await allSent
      await call.write(plain('{}'))
    })
    const answers = []
    for (const name of ['a', 'b', 'c', 'd']) {
      const client = new RawClient(proxy.port)
      await client.send(aPost(CHAT, `{"model":"${name}"}`), 'POST')
      await new Promise((resolve) => setTimeout(resolve, 20))
      answers.push(client.answer())
    }
    letGo()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(order).toEqual(['a', 'b', 'c', 'd'].map((name) => `{"model":"${name}"}`))
    const [first = -1, ...others] = (await proxy.recorded(4)).map(({ attempts }) => attempts[0]?.queueMs ?? -1)
    expect(first).toBeGreaterThanOrEqual(0)
    expect(first).toBeLessThan(5)
    expect(Math.min(...others)).toBeGreaterThan(15)
  })

  it('lets no one wait longer than the limit', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { maxConcurrent: 1, maxQueued: 5, queueTimeoutMs: 60 } })
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    await new RawClient(proxy.port).send(aPost(CHAT, '{}'), 'POST')
    await arrived
    const answer = await exchangeRaw(proxy.port, aPost(CHAT, '{}'))
    expect(answer.status).toBe(503)
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({ outcome: 'rejected', error: 'overloaded' })
    expect(proxy.exchanges[0]?.durationMs).toBeGreaterThanOrEqual(55)
  })
})

describe('what is relayed unread counts among the calls of its provider', () => {
  const upload = (text: string): Buffer => aPost('/v1/files', text)
  const HANDSHAKE = [
    'GET /v1/realtime HTTP/1.1',
    'Host: client.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    '',
  ].join('\r\n')

  it('an upload takes a slot for its whole time: past the limit uploads, calls and WebSockets are told 503 with retry-after', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { maxConcurrent: 1, maxQueued: 0 } })
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const holder = new RawClient(proxy.port)
    await holder.send(upload('holds the slot'), 'POST')
    const call = await arrived
    const before = upstream.calls.length
    for (const [request, method] of [
      [upload('x'), 'POST'],
      [aPost(CHAT, '{}'), 'POST'],
      [HANDSHAKE, 'GET'],
    ] as const) {
      const answer = await exchangeRaw(proxy.port, request, method)
      expect([answer.status, valueOf(answer.headers, 'retry-after')]).toEqual([503, '1'])
      expect(answer.body.toString()).toContain('understudy_overloaded')
      expect(proxy.slotUse()).toEqual([{ provider: 'openai', inFlight: 1, queued: 0 }])
    }
    expect(upstream.calls).toHaveLength(before)
    expect((await proxy.recorded(3)).map(({ outcome, error, attempts }) => [outcome, error, attempts.length])).toEqual(
      Array.from({ length: 3 }, () => ['rejected', 'overloaded', 0]),
    )
    await call.write(plain('{}'))
    expect((await holder.answer()).status).toBe(200)
    await proxy.recorded(4)
    upstream.serve((next) => next.write(plain('{}')))
    expect((await exchangeRaw(proxy.port, upload('the slot is free again'))).status).toBe(200)
  })

  it('an upload waits for its turn with its body, and one that leaves meanwhile leaves the queue', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { maxConcurrent: 1, maxQueued: 2 } })
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const holder = new RawClient(proxy.port)
    await holder.send(upload('first'), 'POST')
    const first = await arrived
    const [waits, leaves] = [new RawClient(proxy.port), new RawClient(proxy.port)]
    await leaves.send(upload('never sent'), 'POST')
    await until(() => proxy.slotUse()[0]?.queued === 1)
    await waits.send(upload('second'), 'POST')
    await until(() => proxy.slotUse()[0]?.queued === 2)
    leaves.socket.destroy()
    const [left] = await proxy.recorded(1)
    expect(left).toMatchObject({ outcome: 'cancelled', attempts: [] })
    expect(proxy.slotUse()[0]?.queued).toBe(1)
    const arrivedToo = upstream.next()
    await first.write(plain('{}'))
    const second = await arrivedToo
    expect((await second.body).toString()).toBe('second')
    await second.write(plain('{}'))
    expect((await waits.answer()).status).toBe(200)
    const attempt = (await proxy.recorded(3))[2]?.attempts[0]
    expect(attempt?.queueMs).toBeGreaterThan(0)
    expect(proxy.slotUse()[0]).toMatchObject({ inFlight: 0, queued: 0 })
  })

  it('a WebSocket holds its slot until it closes', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { maxConcurrent: 1, maxQueued: 0 } })
    upstream.serve((call) =>
      call.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
    )
    const client = new RawClient(proxy.port)
    await client.send(HANDSHAKE, 'GET')
    await client.until(([answer]) => answer?.status === 101)
    expect((await exchangeRaw(proxy.port, aPost(CHAT, '{}'))).status).toBe(503)
    client.socket.destroy()
    await proxy.recorded(2)
    await until(() => proxy.slotUse()[0]?.inFlight === 0)
  })
})

/** Looks again after every turn of the event loop. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setImmediate(resolve))
}

describe('a body larger than the limit', () => {
  const limits = { maxBodyBytes: 1000, bodyTimeoutMs: 60_000 }

  it.each([
    ['declared', `Content-Length: ${64 * 1024 * 1024}`],
    ['in chunks', 'Transfer-Encoding: chunked'],
  ])('is answered 413, readable while the client is still sending (%s)', async (_how, framing) => {
    const before = pair().upstream.calls.length
    const proxy = await aProxy({ policy: { limits } })
    for (const [path, expected] of [
      [
        CHAT,
        {
          error: {
            type: 'invalid_request_error',
            code: 'understudy_body_too_large',
            message: expect.stringContaining('1000 bytes (limits.max_body)'),
          },
        },
      ],
      [MESSAGES, { type: 'error', error: { type: 'request_too_large' } }],
    ] as const) {
      const client = new RawClient(proxy.port)
      void client.send(`POST ${path} HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`, 'POST')
      const piece = Buffer.alloc(64 * 1024, 'x')
      let isAnswered = false
      const answered = client.answer().finally(() => {
        isAnswered = true
      })
      for (let i = 0; i < 1000 && !isAnswered && !client.socket.destroyed; i++) {
        await Promise.race([client.send(framing.startsWith('T') ? chunk(piece) : piece), answered])
        await new Promise((resolve) => void setImmediate(resolve))
      }
      const answer = await answered
      expect(answer).toMatchObject({ status: 413, end: 'whole' })
      expect(JSON.parse(answer.body.toString())).toMatchObject(expected)
      expect(valueOf(answer.headers, 'connection')).toBe('close')
      client.socket.destroy()
    }
    const records = await proxy.recorded(2)
    expect(records.map(({ outcome, error, status }) => [outcome, error, status])).toEqual([
      ['rejected', 'body_too_large', 413],
      ['rejected', 'body_too_large', 413],
    ])
    expect(pair().upstream.calls).toHaveLength(before)
  })

  it('is a typed error in the SDKs, however large', async () => {
    const proxy = await aProxy({ policy: { limits } })
    const content = 'x'.repeat(20 * 1024 * 1024)
    await expect(
      openai(proxy.url).chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] }),
    ).rejects.toMatchObject({ status: 413, code: 'understudy_body_too_large' })
    await expect(
      anthropic(proxy.url).messages.create({ ...MESSAGE, messages: [{ role: 'user', content }] }),
    ).rejects.toMatchObject({ status: 413, error: { error: { type: 'request_too_large' } } })
  })

  it('passes where the path is not read: uploads know no limit', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ policy: { limits } })
    upstream.serve(async (call) => {
      await call.write(plain(String((await call.body).length)))
    })
    const answer = await exchangeRaw(proxy.port, aPost('/v1/files', Buffer.alloc(100_000)))
    expect(answer.body.toString()).toBe('100000')
  })

  it('of exactly the limit passes', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ policy: { limits } })
    upstream.serve((call) => call.write(plain('{}')))
    expect((await exchangeRaw(proxy.port, aPost(CHAT, 'x'.repeat(1000)))).status).toBe(200)
    expect((await exchangeRaw(proxy.port, aPost(CHAT, 'x'.repeat(1001)))).status).toBe(413)
  })
})

it.each([
  ['/p/nobody/v1/chat/completions', 404, 'unknown_provider'],
  ['/understudy/v1/feedback', 404, 'reserved_path'],
])('%s is a clear error of the proxy, and a record', async (path, status, error) => {
  const { providers } = aPolicy([aProvider()])
  const proxy = await aProxy({ policy: { providers } })
  const answer = await exchangeRaw(proxy.port, aPost(path, '{}'))
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: `understudy_${error}` } })
  await proxy.recorded(1)
  expect(proxy.exchanges[0]).toMatchObject({ outcome: 'rejected', error, status, attempts: [] })
})
