import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import OpenAI, { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { aPair, recorderOf, seenByClient } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const pair = aPair()

describe('every method and path the proxy does not know passes and leaves a record', () => {
  it.each([
    ['GET', '/v1/models', '', 'not_billed'],
    ['GET', '/openai/v1/responses/resp_1?include[]=x', '', 'not_billed'],
    ['GET', '/v1/chat/completions', '', 'not_billed'],
    ['HEAD', '/v1/models', '', 'not_billed'],
    ['PUT', '/v1/things/1', 'new', 'not_billed'],
    ['PATCH', '/v1/things/1', 'part', 'not_billed'],
    ['DELETE', '/v1/files/file-1', '', 'not_billed'],
    ['DELETE', '/v1/files/file-1', 'with a body', 'not_billed'],
    ['OPTIONS', '/v1/chat/completions', '', 'not_billed'],
    ['POST', '/v1/files?purpose=batch', 'a file', 'not_billed'],
    ['POST', '/v1/vector_stores/vs_1/search', '{}', 'not_billed'],
    ['POST', '/v1/audio/speech', '{"model":"tts"}', 'unpriced'],
    ['POST', '/v1/messages/batches', '{}', 'unpriced'],
    ['POST', '/v2/whatever/comes/next', 'x', 'unpriced'],
    ['POST', '/v1/filesystem', 'x', 'unpriced'],
    ['PURGE', '/v1/cache', '', 'not_billed'],
    ['REPORT', '/anthropic/v1/calendar', 'x', 'not_billed'],
  ])('%s %s (body: "%s", cost: %s)', async (method, path, body, cost) => {
    const framing = body === '' ? '' : `Content-Length: ${body.length}\r\n`
    const upstreamPath = path.replace(/^\/(openai|anthropic)/, '')
    const { upstream, proxy, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      const answered = plain('{"ok":true}', 'HTTP/1.1 200 Fine\r\nX-Thing: 1')
      await call.write(method === 'HEAD' ? answered.subarray(0, -'{"ok":true}'.length) : answered)
    })
    const arrived = upstream.next()
    const [record, answer] = await recordOf(() =>
      exchangeRaw(proxy.port, `${method} ${path} HTTP/1.1\r\nHost: x\r\n${framing}\r\n${body}`, method),
    )
    const call = await arrived
    expect(call.line).toBe(`${method} ${upstreamPath} HTTP/1.1`)
    expect((await call.body).toString()).toBe(body)
    expect(answer.line).toBe('HTTP/1.1 200 Fine')
    expect(answer.body.toString()).toBe(method === 'HEAD' ? '' : '{"ok":true}')
    expect(valueOf(answer.headers, 'x-thing')).toBe('1')
    expect(record).toMatchObject({
      outcome: 'completed',
      status: 200,
      responseBytes: answer.body.length,
      request: { api: 'passthrough', method, requestBytes: body.length },
      attempts: [{ usage: undefined, cost: { kind: cost } }],
    })
    expect(record.attempts[0]?.firstByteMs).toBeGreaterThanOrEqual(0)
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'GET'])('%s with a body in chunks', async (method) => {
    const request = `${method} /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`
    const { directCall, proxiedCall, record } = await pair().bothWays(
      request,
      async (call) => {
        await call.body
        await call.write(plain('{}'))
      },
      method,
    )
    expect((await directCall.body).toString()).toBe('hello!')
    expect((await proxiedCall.body).toString()).toBe('hello!')
    expect(record).toMatchObject({ outcome: 'completed', request: { requestBytes: 6 } })
  })

  it('a redirect is the client’s to follow', async () => {
    const { direct, proxied, record } = await pair().bothWays(
      'GET /v1/files/1/content HTTP/1.1\r\nHost: x\r\n\r\n',
      (call) => call.write(plain('', 'HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/file')),
      'GET',
    )
    expect(seenByClient(proxied.headers)).toEqual(seenByClient(direct.headers))
    expect(record).toMatchObject({ status: 302, outcome: 'completed' })
  })

  it('an upgrade to anything but a WebSocket is an ordinary request', async () => {
    const request =
      'GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n'
    const { proxied, proxiedCall, record } = await pair().bothWays(
      request,
      (call) => call.write(plain('{"data":[]}')),
      'GET',
    )
    expect(proxied).toMatchObject({ status: 200, end: 'whole' })
    expect(valueOf(proxiedCall.headers, 'upgrade')).toBeUndefined()
    expect(valueOf(proxiedCall.headers, 'http2-settings')).toBeUndefined()
    expect(record).toMatchObject({ outcome: 'completed', request: { api: 'passthrough' } })
  })

  it('a recognised path asking for h2c is read as ever', async () => {
    const { proxied, record } = await pair().bothWays(
      aPost('/v1/chat/completions', '{"model":"m"}', [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'h2c'],
      ]),
      async (call) => {
        await call.body
        await call.write(plain('{}'))
      },
    )
    expect(proxied.status).toBe(200)
    expect(record.request).toMatchObject({ api: 'chat_completions', model: 'm' })
  })
})

describe('dot segments below a base URL with a path', () => {
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  const PATHS = ['/openai/v1/../../admin', '/openai/%2e%2e/admin', '/openai/v1\\..\\..\\admin']

  it.each(PATHS)('%s goes on as written with the client’s own key', async (path) => {
    const { upstream } = pair()
    const proxy = await startProxy(upstream.url, { provider: { baseUrl: new URL(`${upstream.url}/team-a`) } })
    upstream.serve((call) => call.write(plain('{}')))
    const arrived = upstream.next()
    await exchangeRaw(proxy.port, get(path), 'GET')
    expect((await arrived).line).toBe(`GET /team-a${path.slice('/openai'.length)} HTTP/1.1`)
    await proxy.close(50)
  })

  it.each(PATHS)('%s never carries the key of the config out of there', async (path) => {
    const { upstream } = pair()
    const provider = { baseUrl: new URL(`${upstream.url}/team-a`), apiKey: 'sk-server' }
    const proxy = await startProxy(upstream.url, { provider })
    const before = upstream.calls.length
    const answer = await exchangeRaw(proxy.port, get(path), 'GET')
    expect(answer.status).toBe(404)
    expect(answer.body.toString()).toContain('understudy_no_route')
    expect((await proxy.recorded(1))[0]).toMatchObject({ outcome: 'rejected', error: 'no_route', attempts: [] })
    expect(upstream.calls).toHaveLength(before)
    await proxy.close(50)
  })
})

describe('long answers on unread paths', () => {
  it('a long poll shows its head at once and its body when it comes', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    const [record] = await recordOf(async () => {
      await client.send('GET /v1/poll HTTP/1.1\r\nHost: x\r\n\r\n', 'GET')
      const call = await arrived
      await call.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n')
      await client.until(([answer]) => answer !== undefined)
      await call.write('{}')
      await client.answer()
    })
    expect(client.answers()[0]).toMatchObject({ status: 200, end: 'whole' })
    expect(record.outcome).toBe('completed')
    client.socket.destroy()
  })

  it('an event stream arrives event by event', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    const [record] = await recordOf(async () => {
      await client.send('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n', 'GET')
      const call = await arrived
      await call.write(STREAM_HEAD)
      for (const text of ['one', 'two', 'three']) {
        await call.write(chunk(`data: ${text}\n\n`))
        await client.received(text)
      }
      await call.write(chunk())
      await client.answer()
    })
    expect(record).toMatchObject({
      outcome: 'completed',
      responseBytes: 'data: one\n\ndata: two\n\ndata: three\n\n'.length,
    })
    client.socket.destroy()
  })

  it('a provider that does not answer is a 504 in the dialect, after its own time limit', async () => {
    const { upstream } = pair()
    const proxy = await startProxy(upstream.url, { provider: { firstByteTimeoutMs: 150, idleTimeoutMs: 150 } })
    upstream.serve(() => undefined)
    const answer = await exchangeRaw(proxy.port, 'GET /anthropic/v1/files HTTP/1.1\r\nHost: x\r\n\r\n', 'GET')
    expect(answer.status).toBe(504)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ type: 'error', error: { type: 'timeout_error' } })
    await proxy.recorded(1)
    expect(proxy.exchanges[0]).toMatchObject({
      outcome: 'unavailable',
      error: 'first_byte_timeout',
      status: 504,
      attempts: [{ outcome: { mayHaveRun: true } }],
    })
    upstream.serve((call) => call.write(STREAM_HEAD + chunk('begun').toString()))
    const stalled = await exchangeRaw(proxy.port, 'GET /v1/files HTTP/1.1\r\nHost: x\r\n\r\n', 'GET')
    expect(stalled.end).toBe('cut')
    await proxy.recorded(2)
    expect(proxy.exchanges[1]).toMatchObject({
      outcome: 'interrupted',
      error: 'idle_timeout',
      status: 200,
      responseBytes: 5,
    })
    await proxy.close(100)
  })
})

/** Bytes in buffers that something still refers to. They are counted off in the background, so it looks twice. */
async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  await new Promise((resolve) => setTimeout(resolve, 20))
  collect()
  return process.memoryUsage().arrayBuffers
}

describe('uploads', () => {
  it('an upload of 20 MB streams through: the first bytes arrive before the last are sent, and memory stays flat', async () => {
    const megabyte = randomBytes(1024 * 1024)
    const sent = createHash('sha256')
    const seen = createHash('sha256')
    let received = 0
    let isStreamed = false
    const server = createServer((request, response) => {
      request.on('data', (bytes: Buffer) => {
        received += bytes.length
        seen.update(bytes)
      })
      request.on('end', () => response.end('{"id":"file-1"}'))
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const proxy = await startProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const [record, answer] = await recorderOf(proxy)(async () => {
      const client = new RawClient(proxy.port)
      await client.send(
        'POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n',
        'POST',
      )
      const before = await heldBytes()
      for (let i = 0; i < 20; i++) {
        await client.send(chunk(megabyte))
        sent.update(megabyte)
        while (received < (i + 1) * megabyte.length) await new Promise((resolve) => void setImmediate(resolve))
        isStreamed = true
      }
      expect((await heldBytes()) - before).toBeLessThan(4 * 1024 * 1024)
      await client.send(chunk())
      const whole = await client.answer()
      client.socket.destroy()
      return whole
    })
    expect(isStreamed).toBe(true)
    expect(answer).toMatchObject({ status: 200, end: 'whole' })
    expect(seen.digest('hex')).toBe(sent.digest('hex'))
    expect(record).toMatchObject({
      outcome: 'completed',
      request: { requestBytes: 20 * megabyte.length, api: 'passthrough' },
    })
    await proxy.close(100)
    server.close()
  })

  it('a multipart upload of the OpenAI SDK arrives whole', async () => {
    const simulator = await startSimulator()
    const proxy = await startProxy(simulator.url)
    const content = randomBytes(15 * 1024 * 1024)
    const [record, file] = await recorderOf(proxy)(async () =>
      new OpenAI({ apiKey: 'sk', baseURL: `${proxy.url}/openai/v1` }).files.create({
        file: await toFile(content, 'big.bin'),
        purpose: 'user_data',
      }),
    )
    expect(file).toMatchObject({ object: 'file', bytes: content.length, filename: 'big.bin' })
    expect(record.outcome).toBe('completed')
    expect(record.request.requestBytes).toBeGreaterThan(content.length)
    await proxy.close(100)
    await simulator.close()
  })

  it('a provider that refuses an upload early is heard, and the upload stops', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve((call) => call.write(plain('{"error":{}}', 'HTTP/1.1 413 Too Large\r\nConnection: close')))
    const client = new RawClient(proxy.port)
    const [record] = await recordOf(async () => {
      await client.send('POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nthe beginning', 'POST')
      await client.answer()
    })
    expect(client.answers()[0]).toMatchObject({ status: 413 })
    expect(record).toMatchObject({ outcome: 'refused', status: 413 })
    client.socket.destroy()
  })
})
