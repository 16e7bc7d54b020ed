import { describe, expect, it } from 'vitest'
import { CHAT_BEGUN, MESSAGE_BEGUN } from '../fakes/begun-streams.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const pair = aPair()

describe('an upstream cut, on the wire', () => {
  it.each([
    ['a promised length', plain('{"id":"x","choices":[]}').subarray(0, -5), 18],
    [
      'chunks',
      Buffer.concat([
        Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'),
        chunk('{"id":'),
        Buffer.from('a\r\n"x"'),
      ]),
      9,
    ],
  ])(
    'a plain answer cut in the middle of %s is cut for the client too, with the bytes that came',
    async (_how, bytes, length) => {
      for (const path of ['/v1/chat/completions', '/v1/unknown']) {
        const { direct, proxied, record } = await pair().bothWays(aPost(path, '{"model":"m"}'), async (call) => {
          await call.body
          await call.write(bytes)
          await new Promise((resolve) => setTimeout(resolve, 10))
          call.socket.destroy()
        })
        expect(direct.end).toBe('cut')
        expect(proxied.end).toBe('cut')
        expect(proxied.body.toString()).toBe(direct.body.toString())
        expect(record).toMatchObject({
          outcome: 'interrupted',
          error: 'upstream_cut',
          status: 200,
          responseBytes: length,
        })
      }
    },
  )

  it.each(['/v1/chat/completions', '/v1/unknown'])(
    'a cut right behind 400 KB takes none of them away (%s)',
    async (path) => {
      const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 400005\r\n\r\n'
      const { direct, proxied, record } = await pair().bothWays(aPost(path, '{"model":"m"}'), (call) => {
        call.socket.end(Buffer.concat([Buffer.from(head), Buffer.alloc(400_000, 'x')]))
      })
      expect(direct.body).toHaveLength(400_000)
      expect(proxied.body).toHaveLength(400_000)
      expect(proxied.end).toBe('cut')
      expect(record).toMatchObject({ outcome: 'interrupted', error: 'upstream_cut', responseBytes: 400_000 })
    },
  )

  it('a stream whose usage is spliced out is cut with everything that had come, half an event included', async () => {
    const half = 'data: {"choices":[{"delta":{"content":"ha'
    const { direct, proxied } = await pair().bothWays(
      aPost('/v1/chat/completions', '{"model":"m","stream":true}'),
      async (call) => {
        await call.body
        await call.write(STREAM_HEAD + chunk(CHAT_BEGUN + half).toString())
        await new Promise((resolve) => setTimeout(resolve, 10))
        call.socket.destroy()
      },
    )
    expect(proxied.end).toBe('cut')
    expect(proxied.body.toString()).toBe(direct.body.toString())
  })

  it.each([
    ['/v1/chat/completions', { error: { code: 'understudy_upstream_reset', type: 'server_error' } }],
    ['/v1/messages', { type: 'error', error: { type: 'api_error' } }],
    ['/v1/unknown', { error: { code: 'understudy_upstream_reset' } }],
  ])('a connection cut before the head of %s is answered 502 in the dialect', async (path, expected) => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve((call) => void call.socket.destroy())
    const [record, answer] = await recordOf(() => exchangeRaw(proxy.port, aPost(path, '{"model":"m"}')))
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString())).toMatchObject(expected)
    expect(record).toMatchObject({ outcome: 'unavailable', error: 'upstream_reset', status: 502 })
  })

  it('an interrupted Anthropic stream keeps the usage it had reported, marked as partial', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      await call.write(STREAM_HEAD + chunk(MESSAGE_BEGUN).toString())
      call.socket.end()
    })
    const [record] = await recordOf(() => exchangeRaw(proxy.port, aPost('/v1/messages', '{"model":"c","stream":true}')))
    expect(record.attempts[0]).toMatchObject({ servedModel: 'c-1', usage: { uncachedInputTokens: 9, isPartial: true } })
  })
})
