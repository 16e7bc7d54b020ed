import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'
import { aPair, seenByUpstream } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain } from '../fakes/raw-upstream.ts'

const CHAT = '/v1/chat/completions'
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

const pair = aPair()

describe('a request body arrives at the upstream byte for byte', () => {
  it.each([
    [
      'a chat with its key order and spacing',
      Buffer.from('{ "stream" :false,\n\t"model":"m" , "a":1,"a":2, "messages":[] }'),
    ],
    ['bytes that are not JSON', Buffer.from('{"model": "m", oops')],
    ['every byte there is', everyByte],
    [
      'invalid UTF-8 inside JSON',
      Buffer.concat([Buffer.from('{"model":"m","x":"'), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('"}')]),
    ],
    ['a byte order mark', Buffer.from('\ufeff{"model":"m"}')],
    ['one byte', Buffer.from('x')],
    ['nothing at all', Buffer.alloc(0)],
    ['JSON nested 100 000 deep', Buffer.from(`{"model":"m","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)],
    ['3 MB', Buffer.from(`{"model":"m","x":"${'é'.repeat(1_500_000)}"}`)],
  ])('%s', async (_what, body) => {
    const { directCall, proxiedCall, record } = await pair().bothWays(aPost(CHAT, body), async (call) => {
      await call.body
      await call.write(plain('{}'))
    })
    expect(Buffer.compare(await directCall.body, body)).toBe(0)
    expect(Buffer.compare(await proxiedCall.body, body)).toBe(0)
    expect(record).toMatchObject({
      outcome: 'completed',
      status: 200,
      error: undefined,
      request: { requestBytes: body.length },
    })
  })

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('%s compressed, and the record still knows the model', async (encoding, compress) => {
    const body = compress(Buffer.from('{"model":"squeezed","messages":[]}'))
    const { proxiedCall, record } = await pair().bothWays(
      aPost(CHAT, body, [['Content-Encoding', encoding]]),
      async (call) => {
        await call.body
        await call.write(plain('{}'))
      },
    )
    expect(Buffer.compare(await proxiedCall.body, body)).toBe(0)
    expect(valueOf(proxiedCall.headers, 'content-encoding')).toBe(encoding)
    expect(record.request).toMatchObject({ model: 'squeezed', requestBytes: body.length })
  })

  it('sent in chunks of any size, with extensions and trailers', async () => {
    const request = `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1;ext=1\r\n{\r\n00c\r\n"model":"m"}\r\n0\r\nX-Sum: 1\r\n\r\n`
    const { proxiedCall, record } = await pair().bothWays(request, async (call) => {
      await call.body
      await call.write(plain('{}'))
    })
    expect((await proxiedCall.body).toString()).toBe('{"model":"m"}')
    expect(record).toMatchObject({ outcome: 'completed', request: { model: 'm', requestBytes: 13 } })
  })

  it('thinking signatures, cache_control and key order included (check 10)', async () => {
    const body = `{"model":"claude","max_tokens":9,"messages":[{"content":[{"signature":"EqoB\\/+=\\u00e9","thinking":"…","type":"thinking"},{"type":"redacted_thinking","data":"AA=="},{"cache_control":{"ttl":"1h","type":"ephemeral"},"text":"a","type":"text"}],"role":"assistant"}],"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]}`
    const answer = `{"type":"message","content":[{"thinking":"","signature":"Er\\/8=","type":"thinking"}],  "usage":{"output_tokens":1,"input_tokens":2}}`
    const { direct, proxied, proxiedCall, record } = await pair().bothWays(
      aPost('/v1/messages', body),
      async (call) => {
        await call.body
        await call.write(plain(answer))
      },
    )
    expect((await proxiedCall.body).toString()).toBe(body)
    expect(proxied.body.toString()).toBe(answer)
    expect(proxied.body).toEqual(direct.body)
    expect(record.attempts[0]?.usage).toMatchObject({ uncachedInputTokens: 2, textOutputTokens: 1 })
  })
})

describe('request headers', () => {
  it('arrive in their order, case and number, except those of the hop, the host, baggage and our own', async () => {
    const headers = [
      ['X-Zulu', 'last letter first'],
      ['aUTHorization', 'Bearer sk-client'],
      ['X-Twice', 'one'],
      ['anthropic-beta', 'a,b'],
      ['X-Twice', 'two'],
      ['OpenAI-Organization', 'org'],
      ['Idempotency-Key', 'k'],
      ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
      ['baggage', 'secret=1'],
      ['X-Understudy-Tags', 'a=b'],
      ['x-understudy-anything', 'ours'],
      ['X-Latin', 'caf\xe9'],
      ['X-Empty', ''],
      ['User-Agent', 'OpenAI/JS 7.55.0'],
      ['Accept-Encoding', 'gzip, deflate, br, zstd'],
      ['Cookie', 'a=1; b=2'],
      ['X-Stainless-Timeout', '600'],
      ['Connection', 'keep-alive, X-Hop'],
      ['X-Hop', 'for this connection only'],
      ['TE', 'trailers'],
      ['Content-Type', 'application/json'],
    ] as const
    const { directCall, proxiedCall, record } = await pair().bothWays(
      aPost(CHAT, '{"model":"m"}', headers),
      async (call) => {
        await call.body
        await call.write(plain('{}'))
      },
    )
    const expected = seenByUpstream(directCall.headers).filter(([name]) => name !== 'X-Hop')
    expect(seenByUpstream(proxiedCall.headers)).toEqual(expected)
    for (const stripped of ['baggage', 'x-understudy-tags', 'x-understudy-anything', 'x-hop', 'te'])
      expect(valueOf(proxiedCall.headers, stripped)).toBeUndefined()
    expect(valueOf(proxiedCall.headers, 'host')).toBe(`127.0.0.1:${pair().upstream.port}`)
    expect(record.request).toMatchObject({
      controls: { tags: { a: 'b' } },
      client: {
        traceParent: { traceId: '0af7651916cd43dd8448eb211c80319c' },
        sdkTimeoutSeconds: 600,
        userAgent: 'OpenAI/JS 7.55.0',
      },
    })
  })

  it('arrive the same on paths that are only passed through', async () => {
    const headers = [
      ['X-Zulu', '1'],
      ['X-Twice', 'one'],
      ['x-alpha', '2'],
      ['X-Twice', 'two'],
      ['Authorization', 'Bearer sk-client'],
      ['Cookie', 'a=1'],
      ['Cookie', 'b=2'],
      ['User-Agent', 'curl'],
      ['X-Latin', 'caf\xe9'],
      ['baggage', 'x=1'],
      ['x-understudy-task', 'coding'],
    ] as const
    const { directCall, proxiedCall, record } = await pair().bothWays(
      aPost('/v1/things', 'x', headers),
      async (call) => {
        await call.body
        await call.write(plain('{}'))
      },
    )
    // Duplicates come in the place of the first, cookies in one line: the same message by RFC 9110 and 6265.
    expect(seenByUpstream(proxiedCall.headers)).toEqual([
      ['X-Zulu', '1'],
      ['X-Twice', 'one'],
      ['X-Twice', 'two'],
      ['x-alpha', '2'],
      ['Authorization', 'Bearer sk-client'],
      ['Cookie', 'a=1; b=2'],
      ['User-Agent', 'curl'],
      ['X-Latin', 'caf\xe9'],
    ])
    expect(seenByUpstream(directCall.headers)).toHaveLength(9)
    expect(valueOf(proxiedCall.headers, 'x-understudy-task')).toBeUndefined()
    expect(valueOf(proxiedCall.headers, 'baggage')).toBeUndefined()
    expect(valueOf(proxiedCall.headers, 'host')).toBe(`127.0.0.1:${pair().upstream.port}`)
    expect(record.request).toMatchObject({ api: 'passthrough', controls: { task: 'coding' }, requestBytes: 1 })
  })

  it('answers Expect: 100-continue itself, so that the body comes, and does not pass the expectation on', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      await call.write(plain('{}'))
    })
    const [record, call] = await recordOf(async () => {
      const client = new RawClient(proxy.port)
      const arrived = upstream.next()
      await client.send(
        `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n`,
        'POST',
      )
      await new Promise((resolve) => client.socket.once('data', resolve)) // the 100
      await client.send('{"model":"m"}')
      const answer = await client.answer()
      expect(answer.interim.map(({ line }) => line)).toEqual(['HTTP/1.1 100 Continue'])
      expect(answer.status).toBe(200)
      client.socket.destroy()
      return arrived
    })
    expect(valueOf(call.headers, 'expect')).toBeUndefined()
    expect((await call.body).toString()).toBe('{"model":"m"}')
    expect(record.outcome).toBe('completed')
  })
})

describe('the path', () => {
  it.each([
    ['/openai/v1/chat/completions?a=%2F&b', '/v1/chat/completions?a=%2F&b'],
    ['/anthropic/v1/messages?beta=true', '/v1/messages?beta=true'],
    ['/openai/v1/a//b/../c;d=%00?x=?y', '/v1/a//b/../c;d=%00?x=?y'],
    ['/v1/models', '/v1/models'],
    ['/openai', '/'],
    ['/openai?x=1', '/?x=1'],
  ])('%s reaches the upstream as %s', async (asked, expected) => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      await call.write(plain('{}'))
    })
    const arrived = upstream.next()
    const [record] = await recordOf(() => exchangeRaw(proxy.port, aPost(asked, '{}')))
    expect((await arrived).line).toBe(`POST ${expected} HTTP/1.1`)
    expect(record.request.path).toBe(asked.split('?')[0])
  })

  it('is appended to the base URL of the provider, and a server key replaces every key of the client', async () => {
    const { upstream } = pair()
    const baseUrl = new URL(`${upstream.url}/some/prefix`)
    const { providers } = aPolicy([
      aProvider({ name: 'vault', baseUrl, apiKey: 'sk-server', headers: new Map([['x-extra', 'yes']]) }),
      aProvider({ name: 'claude', baseUrl, dialect: 'anthropic', apiKey: 'sk-ant-server' }),
    ])
    const proxy = await startProxy(upstream.url, { policy: { providers } })
    upstream.serve(async (call) => {
      await call.body
      await call.write(plain('{}'))
    })
    const keys = [
      ['Authorization', 'Bearer sk-client'],
      ['X-Api-Key', 'sk-client'],
      ['api-key', 'sk-client'],
      ['x-goog-api-key', 'sk-client'],
      ['X-Extra', 'no'],
    ] as const
    for (const [path, expected, key, extra] of [
      [
        '/p/vault/v1/chat/completions',
        '/some/prefix/v1/chat/completions',
        ['authorization', 'Bearer sk-server'],
        'yes',
      ],
      ['/p/vault/v1/files', '/some/prefix/v1/files', ['authorization', 'Bearer sk-server'], 'yes'],
      ['/p/claude/v1/messages', '/some/prefix/v1/messages', ['x-api-key', 'sk-ant-server'], 'no'],
    ] as const) {
      const arrived = upstream.next()
      await exchangeRaw(proxy.port, aPost(path, '{"model":"m"}', keys))
      const call = await arrived
      expect(call.line).toBe(`POST ${expected} HTTP/1.1`)
      expect(JSON.stringify(call.headers)).not.toContain('sk-client')
      expect(call.headers.filter(([name]) => /key|authorization/i.test(name))).toEqual([[key[0], key[1]]])
      expect(call.headers.filter(([name]) => name.toLowerCase() === 'x-extra').map(([, value]) => value)).toEqual([
        extra,
      ])
    }
    await proxy.recorded(3)
    expect(proxy.exchanges.map(({ request, outcome }) => [request.provider, outcome])).toEqual([
      ['vault', 'completed'],
      ['vault', 'completed'],
      ['claude', 'completed'],
    ])
    await proxy.close(100)
  })
})

it('a chunk written late still belongs to the same body', async () => {
  const { proxy, upstream, recordOf } = pair()
  upstream.serve(async (call) => {
    await call.body
    await call.write(plain('{}'))
  })
  const arrived = upstream.next()
  const [record] = await recordOf(async () => {
    const client = new RawClient(proxy.port)
    await client.send(`POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`, 'POST')
    for (const part of ['{"mo', 'del":"', 'late"}']) {
      await client.send(chunk(part))
      await new Promise((resolve) => void setImmediate(resolve))
    }
    await client.send(chunk())
    await client.answer()
    client.socket.destroy()
  })
  expect((await (await arrived).body).toString()).toBe('{"model":"late"}')
  expect(record.request.model).toBe('late')
})
