import { describe, expect, it } from 'vitest'
import { aPair, seenByClient } from '../fakes/direct-and-proxied.ts'
import type { BothWays } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'
import { chunk, plain } from '../fakes/raw-upstream.ts'

const CHAT = '/v1/chat/completions'
const pair = aPair()

/** Status line, headers, body and end are what the client would have got without the proxy. */
function expectSameAnswer({ direct, proxied }: BothWays): void {
  expect(proxied.line).toBe(direct.line)
  expect(seenByClient(proxied.headers)).toEqual(seenByClient(direct.headers))
  expect(Buffer.compare(proxied.body, direct.body)).toBe(0)
  expect(proxied.trailers).toEqual(direct.trailers)
  expect(proxied.end).toBe(direct.end)
}

/** A request to a recognised path and to one that is only passed through. */
const PATHS = [
  ['recognised', CHAT],
  ['passed through', '/v1/unknown'],
] as const

describe.each(PATHS)('an answer on a path that is %s', (_kind, path) => {
  const ask = aPost(path, '{"model":"m"}')

  it.each([
    'HTTP/1.1 200 OK',
    'HTTP/1.1 201 Created',
    'HTTP/1.1 202 Accepted',
    'HTTP/1.1 206 Partial Content',
    'HTTP/1.1 218 This is fine',
    'HTTP/1.1 299 ',
    'HTTP/1.1 301 Moved Permanently',
    'HTTP/1.1 307 Temporary Redirect',
    'HTTP/1.1 400 Bad Request',
    'HTTP/1.1 401 Unauthorized',
    'HTTP/1.1 403 Forbidden',
    'HTTP/1.1 404 Not Found',
    'HTTP/1.1 407 Proxy Authentication Required',
    'HTTP/1.1 409 Conflict',
    'HTTP/1.1 413 Payload Too Large',
    'HTTP/1.1 422 Unprocessable Entity',
    'HTTP/1.1 429 Too Many Requests',
    'HTTP/1.1 500 Internal Server Error',
    'HTTP/1.1 502 Bad Gateway',
    'HTTP/1.1 503 Service Unavailable',
    'HTTP/1.1 529 Overloaded',
    'HTTP/1.1 599 Never heard of',
  ])('%s comes as it is, and the record has its status', async (line) => {
    const status = Number(line.split(' ')[1])
    const body =
      status < 400 ? '{"choices":[]}' : '{"error":{"type":"some_error","message":"as the provider worded it"}}'
    const head = `${line}\r\nContent-Type: application/json\r\nLocation: https://elsewhere.example/`
    const both = await pair().bothWays(ask, (call) => call.write(plain(body, head)))
    expectSameAnswer(both)
    const { record } = both
    expect(record).toMatchObject({
      status,
      outcome: status < 400 ? 'completed' : 'refused',
      error: status < 400 ? undefined : 'upstream_error',
      responseBytes: body.length,
      attempts: [{ outcome: { status } }],
    })
  })

  it.each(['HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified'])('%s comes without a body', async (line) => {
    const both = await pair().bothWays(ask, (call) => call.write(`${line}\r\netag: "x"\r\n\r\n`))
    expectSameAnswer(both)
    expect(both.record).toMatchObject({ outcome: 'completed', responseBytes: 0 })
  })

  it('keeps every response header: order, case, duplicates, bytes beyond ASCII, empty ones', async () => {
    const head = [
      'HTTP/1.1 200 OK',
      'Set-Cookie: a=1; Path=/',
      'X-Request-ID: req_42',
      'X-RateLimit-Remaining: 1',
      'Set-Cookie: b=2',
      'x-zulu: 1',
      'VARY: Accept',
      'Vary: Origin',
      'Server: cloudflare',
      'Date: Thu, 01 Jan 1970 00:00:00 GMT',
      'X-Latin: caf\xe9',
      'X-Empty:',
      'Content-Type: application/json',
    ].join('\r\n')
    const both = await pair().bothWays(ask, (call) => call.write(plain('{}', head)))
    expectSameAnswer(both)
    expect(seenByClient(both.proxied.headers)).toHaveLength(13)
    expect(valueOf(both.proxied.headers, 'date')).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
  })

  it('has no date where the provider sent none, and of our own headers only x-understudy-*', async () => {
    const both = await pair().bothWays(ask, (call) => call.write(plain('{}')))
    expectSameAnswer(both)
    expect(valueOf(both.proxied.headers, 'date')).toBeUndefined()
    expect(valueOf(both.proxied.headers, 'x-understudy-trace-id')).toBe(both.record.request.id)
    const names = both.proxied.headers
      .map(([name]) => name.toLowerCase())
      .filter((name) => !name.startsWith('x-understudy-'))
    expect(names.filter((name) => name !== 'connection' && name !== 'keep-alive')).toEqual([
      'content-type',
      'content-length',
    ])
  })

  it('drops the headers of the hop, those that Connection names included', async () => {
    const head = 'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nX-End: 2'
    const { proxied } = await pair().bothWays(ask, (call) => call.write(plain('{}', head)))
    expect(valueOf(proxied.headers, 'x-hop')).toBeUndefined()
    expect(valueOf(proxied.headers, 'x-end')).toBe('2')
    expect(valueOf(proxied.headers, 'keep-alive')).not.toBe('timeout=5')
  })

  it('keeps trailers', async () => {
    const both = await pair().bothWays(ask, (call) =>
      call.write(
        Buffer.concat([
          Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n'),
          chunk('{}'),
          Buffer.from('0\r\nX-Sum: 42\r\n\r\n'),
        ]),
      ),
    )
    expectSameAnswer(both)
    expect(both.proxied.trailers).toEqual([['X-Sum', '42']])
    expect(both.record.outcome).toBe('completed')
  })

  it('whose end only the closing connection tells is whole', async () => {
    const both = await pair().bothWays(ask, async (call) => {
      await call.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"half":')
      call.socket.end('1}')
    })
    expectSameAnswer(both)
    expect(both.proxied.body.toString()).toBe('{"half":1}')
    expect(both.record.outcome).toBe('completed')
  })

  it('with every byte there is, in 300 pieces', async () => {
    const bytes = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7) % 256))
    const both = await pair().bothWays(ask, async (call) => {
      await call.write('HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (let at = 0; at < bytes.length; at += 10) await call.write(chunk(bytes.subarray(at, at + 10)))
      await call.write(chunk())
    })
    expectSameAnswer(both)
    expect(Buffer.compare(both.proxied.body, bytes)).toBe(0)
    expect(both.record).toMatchObject({ outcome: 'completed', responseBytes: 3000 })
  })

  it('of 0 bytes', async () => {
    const both = await pair().bothWays(ask, (call) => call.write(plain('')))
    expectSameAnswer(both)
    expect(both.record).toMatchObject({ outcome: 'completed', responseBytes: 0 })
  })

  it('is not mistaken for an interim one (100, 102, 103) that comes first', async () => {
    const both = await pair().bothWays(ask, async (call) => {
      await call.body
      await call.write('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n')
      await call.write('HTTP/1.1 102 Processing\r\n\r\n')
      await call.write(plain('{"a":1}'))
    })
    expectSameAnswer(both)
    expect(both.record).toMatchObject({ outcome: 'completed', status: 200 })
  })

  it('with a reason phrase beyond ASCII keeps its bytes', async () => {
    const line = Buffer.from('HTTP/1.1 200 Schön ✓').toString('latin1')
    const both = await pair().bothWays(ask, (call) => call.write(plain('{}', line)))
    expectSameAnswer(both)
    expect(both.record).toMatchObject({ outcome: 'completed', status: 200 })
  })

  it('with control characters in its reason phrase still arrives, without them', async () => {
    const both = await pair().bothWays(ask, (call) => call.write(plain('{}', 'HTTP/1.1 200 O\x13K\x00')))
    expect(both.proxied.line).toMatch(/^HTTP\/1\.1 (200 OK|502 Bad Gateway)$/)
    expect(both.proxied.end).toBe('whole')
  })
})

it('HEAD keeps the headers of the answer that GET would have had', async () => {
  const ask = 'HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\n'
  const both = await pair().bothWays(
    ask,
    (call) => call.write('HTTP/1.1 200 OK\r\nContent-Length: 4242\r\nETag: "x"\r\n\r\n'),
    'HEAD',
  )
  expectSameAnswer(both)
  expect(both.record).toMatchObject({ outcome: 'completed', request: { method: 'HEAD' } })
})

it.each([
  ['not HTTP at all', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['a control character in a header', 'HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n'],
  ['a broken chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
])('%s from the provider is an error for the client, and the record says whose', async (_what, bytes) => {
  const { proxy, upstream, recordOf } = pair()
  upstream.serve((call) => call.write(bytes))
  const [record, answer] = await recordOf(() => exchangeRaw(proxy.port, aPost(CHAT, '{"model":"m"}')))
  expect(answer.status === 502 || answer.end === 'cut').toBe(true)
  expect(record.error).toBe('upstream_protocol')
})
