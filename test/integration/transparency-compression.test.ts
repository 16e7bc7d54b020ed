import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import type { Transform } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { aPair, seenByClient } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const CHAT = '/v1/chat/completions'
const ASKS_USAGE = '{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
const ASKS_NO_USAGE = '{"model":"m","stream":true}'
const USAGE = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }

type Codec = {
  readonly compress: (bytes: Buffer) => Buffer
  readonly stream: () => Transform
  readonly flushKind: number
}
const CODECS: readonly (readonly [string, Codec])[] = [
  ['gzip', { compress: (bytes) => gzipSync(bytes), stream: createGzip, flushKind: constants.Z_SYNC_FLUSH }],
  [
    'br',
    {
      compress: (bytes) => brotliCompressSync(bytes),
      stream: createBrotliCompress,
      flushKind: constants.BROTLI_OPERATION_FLUSH,
    },
  ],
  [
    'zstd',
    { compress: (bytes) => zstdCompressSync(bytes), stream: createZstdCompress, flushKind: constants.ZSTD_e_flush },
  ],
]

/** Each text compressed so that it can be read as soon as it arrives, and what closes the stream. */
async function compressed(texts: readonly string[], { stream, flushKind }: Codec): Promise<readonly Buffer[]> {
  const encoder = stream()
  const pieces: Buffer[] = []
  const out: Buffer[] = []
  encoder.on('data', (bytes: Buffer) => pieces.push(bytes))
  for (const text of texts) {
    encoder.write(text)
    await new Promise<void>((resolve) => Object(encoder).flush(flushKind, resolve))
    await new Promise((resolve) => void setImmediate(resolve))
    out.push(Buffer.concat(pieces.splice(0)))
  }
  encoder.end()
  await new Promise((resolve) => encoder.once('end', resolve))
  return [...out, Buffer.concat(pieces)]
}

const events = (withUsage: boolean): readonly string[] => {
  const nothing = withUsage ? ',"usage":null' : ''
  return [
    `data: {"model":"m-1","choices":[{"delta":{"content":"grüße"}}]${nothing}}\n\n`,
    `data: {"model":"m-1","choices":[{"delta":{},"finish_reason":"stop"}]${nothing}}\n\n`,
    ...(withUsage ? [`data: {"model":"m-1","choices":[],"usage":${JSON.stringify(USAGE)}}\n\n`] : []),
    'data: [DONE]\n\n',
  ]
}

const pair = aPair()

describe.each(CODECS)('%s', (encoding, codec) => {
  it('a compressed answer arrives untouched, header included, and its usage is recorded', async () => {
    const body = codec.compress(Buffer.from(JSON.stringify({ id: 'c', model: 'm-1', choices: [], usage: USAGE })))
    const { direct, proxied, record } = await pair().bothWays(aPost(CHAT, '{"model":"m"}'), (call) =>
      call.write(plain(body, `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: ${encoding}`)),
    )
    expect(Buffer.compare(proxied.body, body)).toBe(0)
    expect(seenByClient(proxied.headers)).toEqual(seenByClient(direct.headers))
    expect(valueOf(proxied.headers, 'content-encoding')).toBe(encoding)
    expect(record).toMatchObject({ outcome: 'completed', responseBytes: body.length })
    expect(record.attempts[0]).toMatchObject({
      servedModel: 'm-1',
      usage: { uncachedInputTokens: 7, textOutputTokens: 3, isPartial: false },
    })
  })

  it('a compressed error arrives untouched, and its type is recorded', async () => {
    const body = codec.compress(Buffer.from('{"error":{"type":"insufficient_quota","message":"x"}}'))
    const { proxied, record } = await pair().bothWays(aPost(CHAT, '{"model":"m"}'), (call) =>
      call.write(
        plain(
          body,
          `HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Encoding: ${encoding}`,
        ),
      ),
    )
    expect(Buffer.compare(proxied.body, body)).toBe(0)
    expect(record.attempts[0]?.outcome).toEqual({
      kind: 'refused',
      status: 429,
      error: 'upstream_error',
      errorType: 'insufficient_quota',
    })
  })

  it('a compressed stream for which the client asked for usage arrives untouched, split anywhere', async () => {
    const bytes = Buffer.concat(await compressed(events(true), codec))
    const { direct, proxied, record } = await pair().bothWays(aPost(CHAT, ASKS_USAGE), async (call) => {
      await call.body
      await call.write(STREAM_HEAD.replace('\r\n\r\n', `\r\nContent-Encoding: ${encoding}\r\n\r\n`))
      for (let at = 0; at < bytes.length; at += 3) await call.write(chunk(bytes.subarray(at, at + 3)))
      await call.write(chunk())
    })
    expect(Buffer.compare(proxied.body, bytes)).toBe(0)
    expect(seenByClient(proxied.headers)).toEqual(seenByClient(direct.headers))
    expect(record).toMatchObject({ outcome: 'completed', responseBytes: bytes.length })
    expect(record.attempts[0]).toMatchObject({
      streamEvents: 4,
      finishReason: 'stop',
      usage: { uncachedInputTokens: 7, isPartial: false },
    })
  })

  it('a compressed stream for which the proxy asked for usage arrives decoded, event by event, without it', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(() => undefined)
    const texts = events(true)
    const pieces = await compressed(texts, codec)
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    const [record] = await recordOf(async () => {
      await client.send(aPost(CHAT, ASKS_NO_USAGE), 'POST')
      const call = await arrived
      expect(JSON.parse((await call.body).toString())).toEqual({
        model: 'm',
        stream: true,
        stream_options: { include_usage: true },
      })
      await call.write(STREAM_HEAD.replace('\r\n\r\n', `\r\nContent-Encoding: ${encoding}\r\n\r\n`))
      const [first = Buffer.alloc(0), ...rest] = pieces
      await call.write(chunk(first))
      await client.received(events(false)[0] ?? '')
      for (const piece of rest) if (piece.length > 0) await call.write(chunk(piece))
      await call.write(chunk())
      await client.answer()
    })
    const [answer] = client.answers()
    expect(answer?.body.toString()).toBe(events(false).join(''))
    expect(answer?.end).toBe('whole')
    expect(valueOf(answer?.headers ?? [], 'content-encoding')).toBeUndefined()
    expect(record).toMatchObject({ outcome: 'completed', request: { shape: { injectsUsage: true } } })
    expect(record.attempts[0]).toMatchObject({
      usage: { uncachedInputTokens: 7, textOutputTokens: 3, isPartial: false },
    })
    client.socket.destroy()
  })

  it('the first token of a compressed stream is timed when it comes, not when the next bytes do', async () => {
    const { proxy, upstream, recordOf } = pair()
    const [first = Buffer.alloc(0), ...rest] = await compressed(events(true), codec)
    upstream.serve(() => undefined)
    const arrived = upstream.next()
    const client = new RawClient(proxy.port)
    const [record] = await recordOf(async () => {
      await client.send(aPost(CHAT, ASKS_USAGE), 'POST')
      const call = await arrived
      await call.write(STREAM_HEAD.replace('\r\n\r\n', `\r\nContent-Encoding: ${encoding}\r\n\r\n`))
      await call.write(chunk(first))
      await client.until(([answer]) => answer?.body.length === first.length)
      await new Promise((resolve) => setTimeout(resolve, 400))
      await call.write(
        Buffer.concat([...rest.filter(({ length }) => length > 0).map((piece) => chunk(piece)), chunk()]),
      )
      await client.answer()
    })
    client.socket.destroy()
    const [attempt] = record.attempts
    expect(attempt?.durationMs).toBeGreaterThan(390)
    expect(attempt?.firstTokenMs).toBeGreaterThan(0)
    expect(attempt?.firstTokenMs).toBeLessThan(300)
  })

  it('the first token of a compressed stream that comes in one piece is timed too, and never after its end', async () => {
    const bytes = Buffer.concat(await compressed(events(true), codec))
    const head = STREAM_HEAD.replace('\r\n\r\n', `\r\nContent-Encoding: ${encoding}\r\n\r\n`)
    const { record } = await pair().bothWays(aPost(CHAT, ASKS_USAGE), async (call) => {
      await call.body
      await call.write(Buffer.concat([Buffer.from(head), chunk(bytes), chunk()]))
    })
    const [attempt] = record.attempts
    expect(attempt?.firstTokenMs).toBeGreaterThan(0)
    expect(attempt?.firstTokenMs).toBeLessThanOrEqual(attempt?.durationMs ?? 0)
  })

  it('a compressed request to a stream gets usage asked for, decoded because bytes were added', async () => {
    const body = codec.compress(Buffer.from(ASKS_NO_USAGE))
    const { directCall, proxiedCall, record } = await pair().bothWays(
      aPost(CHAT, body, [['Content-Encoding', encoding]]),
      async (call) => {
        await call.body
        await call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(events(false).join('')), chunk()]))
      },
    )
    expect(Buffer.compare(await directCall.body, body)).toBe(0)
    expect((await proxiedCall.body).toString()).toBe(
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    )
    expect(valueOf(proxiedCall.headers, 'content-encoding')).toBeUndefined()
    expect(record.outcome).toBe('completed')
  })

  it('a request that unpacks to more than the limit goes through as it is, unread', async () => {
    const bomb = codec.compress(Buffer.alloc(64 * 1024 * 1024, ' '))
    const { proxiedCall, record } = await pair().bothWays(
      aPost(CHAT, bomb, [['Content-Encoding', encoding]]),
      async (call) => {
        await call.body
        await call.write(plain('{}'))
      },
    )
    expect(Buffer.compare(await proxiedCall.body, bomb)).toBe(0)
    expect(record).toMatchObject({
      outcome: 'completed',
      request: { model: undefined, shape: { unreadable: 'too_large_to_read' } },
    })
  })

  it('an answer that unpacks to half a gigabyte reaches the client at once and costs little memory', async () => {
    const piece = codec.compress(Buffer.alloc(32 * 1024 * 1024, ' '))
    const bomb = Buffer.concat(Array.from({ length: encoding === 'br' ? 1 : 16 }, () => piece)) // br knows no concatenation
    const before = process.memoryUsage().rss
    const startedAt = performance.now()
    const { proxied, record } = await pair().bothWays(aPost(CHAT, '{"model":"m"}'), (call) =>
      call.write(plain(bomb, `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: ${encoding}`)),
    )
    expect(Buffer.compare(proxied.body, bomb)).toBe(0)
    expect(record).toMatchObject({ outcome: 'completed', responseBytes: bomb.length })
    expect(record.attempts[0]?.usage).toBeUndefined()
    expect(performance.now() - startedAt).toBeLessThan(2500)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
  })

  it('an answer that is not what its content-encoding says arrives as it is', async () => {
    const { direct, proxied, record } = await pair().bothWays(aPost(CHAT, '{"model":"m"}'), (call) =>
      call.write(
        plain('not compressed', `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: ${encoding}`),
      ),
    )
    expect(proxied.body).toEqual(direct.body)
    expect(record).toMatchObject({ outcome: 'completed', attempts: [{ usage: undefined }] })
  })

  it('a stream that the proxy must decode and cannot is a visible error, and the record blames the provider', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      await call.write(STREAM_HEAD.replace('\r\n\r\n', `\r\nContent-Encoding: ${encoding}\r\n\r\n`))
      await call.write(chunk(Buffer.concat([Buffer.from('not compressed at all'), Buffer.alloc(100, 7)])))
    })
    const [record, answer] = await recordOf(() => exchangeRaw(proxy.port, aPost(CHAT, ASKS_NO_USAGE)))
    expect(answer.end).toBe('cut')
    expect(record).toMatchObject({ outcome: 'interrupted', error: 'upstream_protocol', status: 200 })
  })
})

it.each(['snappy', 'gzip, br', 'unheard-of'])(
  'a stream in an encoding that cannot be decoded (%s) stays as it is, header included',
  async (encoding) => {
    const { direct, proxied, record } = await pair().bothWays(aPost(CHAT, ASKS_NO_USAGE), async (call) => {
      await call.body
      await call.write(STREAM_HEAD.replace('\r\n\r\n', `\r\nContent-Encoding: ${encoding}\r\n\r\n`))
      await call.write(Buffer.concat([chunk('opaque bytes: "usage"\n\n'), chunk()]))
    })
    expect(proxied.body).toEqual(direct.body)
    expect(seenByClient(proxied.headers)).toEqual(seenByClient(direct.headers))
    expect(record).toMatchObject({ outcome: 'completed', attempts: [{ usage: undefined }] })
  },
)
