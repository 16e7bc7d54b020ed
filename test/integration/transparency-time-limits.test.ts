import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { ownProxies } from '../fakes/own-proxy.ts'
import type { ProxyChanges, TestProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, STREAM_HEAD } from '../fakes/raw-upstream.ts'
import { anthropic, anthropic0, chat, MESSAGE, openai, PROMPT } from '../fakes/sdk-once.ts'

const CHAT = '/v1/chat/completions'
const MESSAGES = '/v1/messages'
const pair = aPair()
const startOwn = ownProxies()
const plainHead = (length: number): Buffer => Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`)
/** A proxy of this test's own in front of the shared upstream. */
const aProxy = (changes: ProxyChanges): Promise<TestProxy> => startOwn(pair().upstream.url, changes)

describe('time limits', () => {
  it.each([
    ['recognised', CHAT],
    ['passed through', '/v1/unknown'],
  ])('a provider that cannot be reached is 502 (%s)', async (_kind, path) => {
    const refusing = createServer()
    await new Promise<void>((resolve) => void refusing.listen(0, '127.0.0.1', resolve))
    const { port } = refusing.address() as AddressInfo
    await new Promise((resolve) => refusing.close(resolve))
    const proxy = await startOwn(`http://127.0.0.1:${port}`)
    const answer = await exchangeRaw(proxy.port, aPost(path, '{"model":"m"}'))
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error: { code: 'understudy_connect_failed', type: 'server_error' },
    })
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({
      outcome: 'unavailable',
      error: 'connect_failed',
      status: 502,
      attempts: [{ outcome: { mayHaveRun: false } }],
    })
  })

  it('a provider that accepts no connection in time is 504', async () => {
    // A TLS server that never greets: the TCP connection stands, the connection as a whole never does.
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const proxy = await startOwn(`https://127.0.0.1:${port}`, { provider: { connectTimeoutMs: 300 } })
    const answer = await exchangeRaw(proxy.port, aPost(CHAT, '{"model":"m"}'))
    expect(answer.status).toBe(504)
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({
      outcome: 'unavailable',
      error: 'connect_timeout',
      status: 504,
      attempts: [{ outcome: { mayHaveRun: false } }],
    })
    silent.close()
  })

  it('a provider that does not begin to answer is 504, and both SDKs raise it', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { firstByteTimeoutMs: 120 } })
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    await expect(chat(proxy.url)).rejects.toMatchObject({ status: 504, code: 'understudy_first_byte_timeout' })
    await (
      await arrived
    ).closed
    await expect(anthropic(proxy.url).messages.create(MESSAGE)).rejects.toMatchObject({
      status: 504,
      error: { error: { type: 'timeout_error' } },
    })
    const records = await proxy.recorded(2)
    expect(records.map(({ outcome, error, status }) => [outcome, error, status])).toEqual([
      ['unavailable', 'first_byte_timeout', 504],
      ['unavailable', 'first_byte_timeout', 504],
    ])
    expect(records[0]?.attempts[0]?.outcome).toMatchObject({ mayHaveRun: true })
  })

  const chatEvent = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
  const messageEvents =
    'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
  const responsesEvents =
    'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"r","output":[]}}\n\n'

  /** Reads a stream to its end. */
  async function drain(opening: PromiseLike<AsyncIterable<unknown>>): Promise<number> {
    let parts = 0
    for await (const _part of await opening) parts++
    return parts
  }

  it.each<readonly [string, string, (url: string) => Promise<unknown>]>([
    [
      'the OpenAI SDK (chat)',
      chatEvent,
      (url) => drain(openai(url).chat.completions.create({ model: 'm', messages: PROMPT, stream: true })),
    ],
    [
      'the OpenAI SDK (chat), in the middle of an event',
      `${chatEvent}data: {"choi`,
      (url) => drain(openai(url).chat.completions.create({ model: 'm', messages: PROMPT, stream: true })),
    ],
    [
      'the OpenAI SDK (responses)',
      responsesEvents,
      (url) => drain(openai(url).responses.create({ model: 'm', input: 'hi', stream: true })),
    ],
    [
      'the Anthropic SDK 1.x',
      messageEvents,
      (url) => drain(anthropic(url).messages.create({ ...MESSAGE, stream: true })),
    ],
    [
      'the Anthropic SDK 0.x',
      messageEvents,
      (url) => drain(anthropic0(url).messages.create({ ...MESSAGE, stream: true })),
    ],
  ])('a stream that falls silent raises in %s, with words that say so', async (_name, begun, ask) => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { idleTimeoutMs: 150 } })
    upstream.serve((call) => call.write(STREAM_HEAD + chunk(begun).toString()))
    const arrived = upstream.next()
    await expect(ask(proxy.url)).rejects.toThrow(/understudy|stopped sending/)
    await (
      await arrived
    ).closed
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({ outcome: 'interrupted', error: 'idle_timeout', status: 200 })
  })

  it('a plain answer that falls silent in the middle is cut', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { idleTimeoutMs: 120 } })
    upstream.serve((call) => call.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'))
    const answer = await exchangeRaw(proxy.port, aPost(CHAT, '{"model":"m"}'))
    expect(answer).toMatchObject({ status: 200, end: 'cut' })
    expect(answer.body.toString()).toBe('half')
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({ outcome: 'interrupted', error: 'idle_timeout', responseBytes: 4 })
  })

  it('a client that is behind is no silence of the provider', async () => {
    const { upstream } = pair()
    const idleTimeoutMs = 120
    const proxy = await aProxy({ provider: { idleTimeoutMs } })
    const body = Buffer.alloc(32 * 1024 * 1024, 'x') // more than all sockets on the way take
    const called = new Promise<void>((resolve) => {
      upstream.serve((call) => {
        resolve()
        return call.write(Buffer.concat([plainHead(body.length), body]))
      })
    })
    const client = new RawClient(proxy.port)
    client.socket.pause()
    await client.send(aPost(CHAT, '{"model":"m"}'), 'POST')
    await called
    await new Promise((resolve) => setTimeout(resolve, 5 * idleTimeoutMs))
    client.socket.resume()
    const answer = await client.answer()
    expect(answer.end).toBe('whole')
    expect(answer.body.length).toBe(body.length)
    client.socket.destroy()
  })

  it('heartbeats keep a silent stream alive', async () => {
    const { upstream } = pair()
    const proxy = await aProxy({ provider: { idleTimeoutMs: 400 } })
    upstream.serve(async (call) => {
      await call.write(STREAM_HEAD)
      for (let i = 0; i < 8; i++) {
        await call.write(chunk(': ping\n\n'))
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      await call.write(Buffer.concat([chunk(`${chatEvent}data: [DONE]\n\n`), chunk()]))
    })
    const answer = await exchangeRaw(proxy.port, aPost(CHAT, '{"model":"m","stream":true}'))
    expect(answer.end).toBe('whole')
    expect(answer.body.toString()).toContain('[DONE]')
    await proxy.recorded(1)
    expect(proxy.exchanges[0]?.outcome).toBe('completed')
  })
})

it('a body that does not arrive in time is answered 408 in the dialect', async () => {
  const proxy = await aProxy({ policy: { limits: { maxBodyBytes: 1000, bodyTimeoutMs: 100 } } })
  const client = new RawClient(proxy.port)
  await client.send(`POST ${MESSAGES} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"model"`, 'POST')
  const answer = await client.answer()
  expect(answer).toMatchObject({ status: 408, end: 'whole' })
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    type: 'error',
    error: { type: 'timeout_error', message: expect.stringContaining('0.1 s') },
  })
  await proxy.recorded(1)
  expect(proxy.exchanges[0]).toMatchObject({ outcome: 'rejected', error: 'body_timeout', status: 408 })
  await client.closed()
})
