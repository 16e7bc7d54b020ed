import { gzipSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { startProxy } from '../fakes/proxy.ts'
import { aPost, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const CHAT = '/v1/chat/completions'
const LIMIT_MS = 50
const pair = aPair()
const STREAM = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'

describe.each([
  ['a stream', aPost(CHAT, '{"model":"m","stream":true,"stream_options":{"include_usage":true}}')],
  ['a stream whose usage is asked for', aPost(CHAT, '{"model":"m","stream":true}')],
  ['a plain answer', aPost(CHAT, '{"model":"m"}')],
  ['an answer that is passed through', aPost('/v1/unknown', '{"model":"m"}')],
])('a client that leaves %s', (_what, ask) => {
  it.each([
    ['before the head', undefined],
    ['after the head', STREAM_HEAD],
    ['in the middle of the body', STREAM_HEAD + chunk(STREAM).toString()],
  ])(`closes the upstream connection within ${LIMIT_MS} ms: %s`, async (when, sent) => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    const [record, tookMs] = await recordOf(async () => {
      await client.send(ask, 'POST')
      const call = await arrived
      await call.body
      if (sent !== undefined) {
        await call.write(sent)
        await client.until(([answer]) => answer !== undefined && (when === 'after the head' || answer.body.length > 0))
      }
      const leftAt = performance.now()
      client.socket.destroy()
      return (await call.closed) - leftAt
    })
    expect(tookMs).toBeLessThan(LIMIT_MS)
    expect(record).toMatchObject({ outcome: 'cancelled', error: 'client_closed', status: sent === undefined ? 0 : 200 })
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual([
      { kind: 'cancelled', status: sent === undefined ? undefined : 200 },
    ])
    expect(record.responseBytes).toBe(when === 'in the middle of the body' ? STREAM.length : 0)
  })
})

it('a cancelled stream keeps the usage it had reported, marked as partial', async () => {
  const { proxy, upstream, recordOf } = pair()
  upstream.serve(() => undefined)
  const arrived = upstream.next()
  const client = new RawClient(proxy.port)
  const [record] = await recordOf(async () => {
    await client.send(aPost('/v1/messages', '{"model":"c","stream":true}'), 'POST')
    const call = await arrived
    const start =
      'event: message_start\ndata: {"type":"message_start","message":{"model":"c-1","usage":{"input_tokens":21,"output_tokens":2}}}\n\n'
    await call.write(STREAM_HEAD + chunk(start).toString())
    await client.received('message_start')
    client.socket.destroy()
    await call.closed
  })
  expect(record.outcome).toBe('cancelled')
  expect(record.attempts[0]).toMatchObject({ servedModel: 'c-1', usage: { uncachedInputTokens: 21, isPartial: true } })
})

it.each([
  ['recognised', CHAT, 0],
  ['passed through', '/v1/files', 1],
])('a client that leaves during its upload (%s) leaves a record', async (_kind, path, attempts) => {
  const { proxy, upstream, recordOf } = pair()
  upstream.serve(() => undefined)
  const client = new RawClient(proxy.port)
  const arrived = upstream.next()
  const [record] = await recordOf(async () => {
    await client.send(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n0123456789`, 'POST')
    if (attempts === 1) {
      const call = await arrived
      while (call.received() < 10) await new Promise((resolve) => call.socket.once('data', resolve))
      client.socket.destroy()
      await call.closed
    } else {
      await sleep(20)
      client.socket.destroy()
    }
  })
  expect(record).toMatchObject({
    outcome: 'cancelled',
    error: 'client_closed',
    status: 0,
    request: { requestBytes: 10 },
  })
  expect(record.attempts).toHaveLength(attempts)
})

it('a client that leaves while its compressed body is unpacked causes no upstream call, or one that is closed', async () => {
  const { proxy, upstream, recordOf } = pair()
  upstream.serve(() => undefined)
  const before = upstream.calls.length
  const body = gzipSync(Buffer.alloc(12 * 1024 * 1024, ' '))
  const [record] = await recordOf(async () => {
    const client = new RawClient(proxy.port)
    await client.send(aPost(CHAT, body, [['Content-Encoding', 'gzip']]), 'POST')
    client.socket.resetAndDestroy()
    await proxy.recorded(proxy.exchanges.length + 1)
  })
  expect(record).toMatchObject({ outcome: 'cancelled', error: 'client_closed', status: 0 })
  await Promise.all(upstream.calls.slice(before).map(({ closed }) => closed))
})

it('a client that leaves the queue is never sent upstream, and its place is free', async () => {
  const { upstream } = pair()
  const proxy = await startProxy(upstream.url, { provider: { maxConcurrent: 1, maxQueued: 1 } })
  upstream.serve(() => undefined)
  const before = upstream.calls.length
  const first = new RawClient(proxy.port)
  const arrived = upstream.next()
  await first.send(aPost(CHAT, '{"model":"first"}'), 'POST')
  const call = await arrived
  const waiting = new RawClient(proxy.port)
  await waiting.send(aPost(CHAT, '{"model":"waiting"}'), 'POST')
  await sleep(30)
  waiting.socket.destroy()
  await proxy.recorded(1)
  expect(proxy.exchanges[0]).toMatchObject({
    request: { model: 'waiting' },
    outcome: 'cancelled',
    error: 'client_closed',
    attempts: [],
    status: 0,
  })
  const third = new RawClient(proxy.port)
  await third.send(aPost(CHAT, '{"model":"third"}'), 'POST')
  upstream.serve((next) => next.write(plain('{}')))
  await call.write(plain('{}'))
  expect((await third.answer()).status).toBe(200)
  expect(upstream.calls).toHaveLength(before + 2)
  await proxy.recorded(3)
  first.socket.destroy()
  third.socket.destroy()
  await proxy.close(100)
})

it.each<readonly [string, (url: string) => Promise<() => void>]>([
  [
    'the OpenAI SDK',
    async (url) => {
      const client = new OpenAI({ apiKey: 'sk', baseURL: `${url}/openai/v1`, maxRetries: 0 })
      const stream = await client.chat.completions.create({ model: 'm', messages: [], stream: true })
      await stream[Symbol.asyncIterator]().next()
      return () => stream.controller.abort()
    },
  ],
  [
    'the Anthropic SDK',
    async (url) => {
      const client = new Anthropic({ apiKey: 'sk', baseURL: `${url}/anthropic`, maxRetries: 0 })
      const stream = await client.messages.create({ model: 'm', max_tokens: 5, messages: [], stream: true })
      await stream[Symbol.asyncIterator]().next()
      return () => stream.controller.abort()
    },
  ],
])(`abort() in %s closes the upstream connection within ${LIMIT_MS} ms`, async (_name, open) => {
  const { proxy, upstream, recordOf } = pair()
  const begun = chunk(STREAM + 'event: message_start\ndata: {"type":"message_start","message":{}}\n\n')
  upstream.serve((call) => call.write(STREAM_HEAD + begun.toString()))
  const tookMs: number[] = []
  // The SDK's own first abort takes its time to compile: the best of three is the proxy's.
  for (let i = 0; i < 3; i++) {
    const arrived = upstream.next()
    const [record, ms] = await recordOf(async () => {
      const abort = await open(proxy.url)
      const call = await arrived
      const leftAt = performance.now()
      abort()
      return (await call.closed) - leftAt
    })
    tookMs.push(ms)
    expect(record).toMatchObject({ outcome: 'cancelled', status: 200 })
  }
  expect(Math.min(...tookMs)).toBeLessThan(LIMIT_MS)
})

it('a slot is given back when its client leaves: a hundred leaving clients do not fill a provider of two', async () => {
  const { upstream } = pair()
  const proxy = await startProxy(upstream.url, { provider: { maxConcurrent: 2, maxQueued: 0 } })
  upstream.serve(() => undefined)
  for (let i = 0; i < 100; i++) {
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    await client.send(aPost(CHAT, '{"model":"m"}'), 'POST')
    const call = await arrived
    client.socket.destroy()
    await call.closed
  }
  const records = await proxy.recorded(100)
  expect(records.every(({ outcome }) => outcome === 'cancelled')).toBe(true)
  await proxy.close(100)
})
