import { createHash, hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { brotliDecompressSync, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { aChat, aSimulator, eventData, post } from '../fakes/a-simulator.ts'

const simulator = aSimulator({ now: () => Date.UTC(2026, 10, 20, 12) })
const chatUrl = (): string => `${simulator().url}/v1/chat/completions`
const messagesUrl = (): string => `${simulator().url}/v1/messages`

/** Everything that differs from answer to answer, made the same. */
function normalised(text: string): string {
  return text.replaceAll(/chatcmpl-\w{29}/g, 'ID').replaceAll(/,"obfuscation":"\w+"/g, '')
}

describe('an OpenAI stream, byte for byte', () => {
  const head =
    '{"id":"ID","object":"chat.completion.chunk","created":1795176000,"model":"sim-plain","service_tier":"default","system_fingerprint":"fp_51ee2d0e57"'
  const choice = (delta: string, reason = 'null'): string =>
    `"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${reason}}]`
  const limited = aChat('What is 17 + 25?', { stream: true, max_tokens: 2 })

  it('has a usage of null on every chunk and one chunk with the usage alone, where usage was asked for', async () => {
    const response = await post(chatUrl(), { ...limited, stream_options: { include_usage: true } })
    const details =
      '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}'
    expect(normalised(await response.text())).toBe(
      [
        `data: ${head},${choice('{"role":"assistant","content":"","refusal":null}')},"usage":null}`,
        `data: ${head},${choice('{"content":"The"}')},"usage":null}`,
        `data: ${head},${choice('{"content":" answer"}')},"usage":null}`,
        `data: ${head},${choice('{}', '"length"')},"usage":null}`,
        `data: ${head},"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,${details}}}`,
        'data: [DONE]',
        '',
      ].join('\n\n'),
    )
  })

  it('has no usage anywhere where none was asked for', async () => {
    const response = await post(chatUrl(), limited)
    expect(normalised(await response.text())).toBe(
      [
        `data: ${head},${choice('{"role":"assistant","content":"","refusal":null}')}}`,
        `data: ${head},${choice('{"content":"The"}')}}`,
        `data: ${head},${choice('{"content":" answer"}')}}`,
        `data: ${head},${choice('{}', '"length"')}}`,
        'data: [DONE]',
        '',
      ].join('\n\n'),
    )
  })

  it('pads every chunk after its usage, unless told not to', async () => {
    const asked = { ...limited, stream_options: { include_usage: true } }
    const padded = eventData(await (await post(chatUrl(), asked)).text()).slice(0, -1)
    expect(padded.every((data) => /,"usage":(null|\{.*\}),"obfuscation":"\w+"\}$/.test(data))).toBe(true)
    const bare = await post(chatUrl(), { ...limited, stream_options: { include_obfuscation: false } })
    expect(await bare.text()).not.toContain('obfuscation')
  })

  it('is the same from the prepared bytes of a canned model, with a fresh id', async () => {
    const body = aChat('Hi', { model: 'sim-fast', stream: true, stream_options: { include_usage: true } })
    const [first, second] = [await (await post(chatUrl(), body)).text(), await (await post(chatUrl(), body)).text()]
    expect(first).not.toBe(second)
    expect(normalised(first)).toBe(normalised(second))
    const apart = await (await post(chatUrl(), { ...body, model: 'sim-stream' })).text()
    expect(normalised(apart).split('\n\n')).toHaveLength(normalised(first).split('\n\n').length)
  })
})

describe('headers and bodies', () => {
  it('carries each provider’s own headers, some of them twice', async () => {
    const openai = await post(chatUrl(), aChat())
    expect(openai.headers.get('x-request-id')).toMatch(/^req_\w{32}$/)
    expect(openai.headers.get('openai-processing-ms')).toMatch(/^\d+$/)
    expect(openai.headers.get('x-ratelimit-remaining-requests')).toBe('9999')
    expect(openai.headers.getSetCookie()).toHaveLength(2)
    const anthropic = await post(messagesUrl(), { ...aChat(), max_tokens: 9 })
    expect(anthropic.headers.get('request-id')).toMatch(/^req_011C/)
    expect(anthropic.headers.get('anthropic-ratelimit-requests-reset')).toBe('2026-11-20T12:00:00Z')
  })

  it('pads Anthropic’s events with blanks inside the JSON', async () => {
    const text = await (await post(messagesUrl(), { ...aChat(), max_tokens: 30, stream: true })).text()
    expect(text).toMatch(/ +\}\n\n/)
    expect(eventData(text).map((data): unknown => JSON.parse(data))).toContainEqual({ type: 'ping' })
  })

  it.each(['gzip', 'br', 'zstd'] as const)(
    'compresses whole answers and streams with %s where that is accepted',
    async (encoding) => {
      const decode = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync }[encoding]
      const ask = async (
        body: Record<string, unknown>,
        accept: string,
      ): Promise<{ encoding: unknown; bytes: Buffer }> => {
        const { headers, body: answer } = await request(chatUrl(), {
          method: 'POST',
          headers: { authorization: 'Bearer x', 'accept-encoding': accept, 'x-sim-fault': `encode@${encoding}` },
          body: JSON.stringify(body),
        })
        return { encoding: headers['content-encoding'], bytes: Buffer.from(await answer.arrayBuffer()) }
      }
      const whole = await ask(aChat(), `${encoding}, identity;q=0.5`)
      expect([whole.encoding, decode(whole.bytes).toString().startsWith('{')]).toEqual([encoding, true])
      const stream = await ask(aChat('Hi', { stream: true }), encoding)
      expect([stream.encoding, decode(stream.bytes).toString().endsWith('data: [DONE]\n\n')]).toEqual([encoding, true])
      const refused = await ask(aChat(), 'identity')
      expect([refused.encoding, refused.bytes.toString().startsWith('{')]).toEqual([undefined, true])
    },
  )

  it('takes request bodies in gzip and zstd, and keeps the bytes that came', async () => {
    for (const [encoding, encode] of [
      ['gzip', gzipSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const bytes = encode(JSON.stringify(aChat()))
      const headers = { authorization: 'Bearer x', 'content-encoding': encoding }
      const { statusCode, body } = await request(chatUrl(), { method: 'POST', headers, body: bytes })
      await body.dump()
      expect(statusCode).toBe(200)
      expect(simulator().requests().at(-1)?.body.equals(bytes)).toBe(true)
    }
    const { statusCode } = await request(chatUrl(), {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-encoding': 'gzip' },
      body: 'no',
    })
    expect(statusCode).toBe(400)
  })
})

describe('refusals', () => {
  const bare = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, { method: 'POST', body, headers })

  it('asks for a key in each dialect', async () => {
    const openai = await bare(chatUrl(), JSON.stringify(aChat()))
    expect([openai.status, await openai.json()]).toMatchObject([
      401,
      { error: { type: 'invalid_request_error', code: null } },
    ])
    const anthropic = await bare(messagesUrl(), JSON.stringify(aChat()))
    expect([anthropic.status, await anthropic.json()]).toMatchObject([
      401,
      { type: 'error', error: { type: 'authentication_error' } },
    ])
  })

  it('accepts only the key that it was given, if it was given one', async () => {
    const strict = await startSimulator({ apiKey: 'sk-right' })
    const ask = (key: string): Promise<Response> =>
      bare(`${strict.url}/v1/chat/completions`, JSON.stringify(aChat()), { authorization: `Bearer ${key}` })
    const statuses = [(await ask('sk-right')).status, (await ask('sk-wrong')).status]
    await strict.close()
    expect(statuses).toEqual([200, 401])
  })

  it('wants JSON, a model, messages, and Anthropic its version and max_tokens', async () => {
    const key = { authorization: 'Bearer x' }
    expect(await (await bare(chatUrl(), '{"model":', key)).json()).toMatchObject({
      error: { message: expect.stringContaining('We could not parse the JSON body') },
    })
    expect(await (await bare(chatUrl(), '{}', key)).json()).toMatchObject({
      error: { message: 'you must provide a model parameter' },
    })
    expect(await (await bare(chatUrl(), '{"model":"gpt-4o"}', key)).json()).toMatchObject({
      error: { param: 'messages', code: 'missing_required_parameter' },
    })
    expect(await (await bare(messagesUrl(), '{}', key)).json()).toMatchObject({
      error: { message: 'anthropic-version: header is required' },
    })
    expect(await (await post(messagesUrl(), aChat())).json()).toMatchObject({
      error: { message: 'max_tokens: Field required' },
    })
  })
})

describe('paths that no endpoint claims', () => {
  it('are told back: method, path, headers in their order, and a hash of the body', async () => {
    const chunks = Array.from({ length: 64 }, (_, index) => Buffer.alloc(65_536, index))
    const { body } = await request(`${simulator().url}/v1/batches/x?y=%20z`, {
      method: 'PUT',
      headers: ['X-Twice', 'one', 'x-twice', 'two'],
      body: Readable.from(chunks),
    })
    const sha256 = chunks.reduce((sum, chunk) => sum.update(chunk), createHash('sha256')).digest('hex')
    const echo: unknown = await body.json()
    expect(echo).toMatchObject({ method: 'PUT', path: '/v1/batches/x?y=%20z', bytes: 64 * 65_536, sha256 })
    expect(echo).toHaveProperty('headers', expect.arrayContaining(['X-Twice', 'one', 'x-twice', 'two']))
  })

  it('take uploads whole', async () => {
    const form = new FormData()
    const content = Buffer.from([0, 13, 10, 45, 45, 255, 13, 10, 0])
    form.append('purpose', 'vision')
    form.append('file', new Blob([content], { type: 'image/png' }), 'picture.png')
    const response = await fetch(`${simulator().url}/v1/files`, {
      method: 'POST',
      headers: { authorization: 'Bearer x' },
      body: form,
    })
    expect(await response.json()).toMatchObject({
      filename: 'picture.png',
      purpose: 'vision',
      bytes: content.length,
      sha256: hash('sha256', content),
    })
  })

  it('echo WebSocket messages, long and short, text and bytes', async () => {
    const socket = new WebSocket(`${simulator().url.replace('http', 'ws')}/v1/realtime?model=x`, ['realtime'])
    socket.binaryType = 'arraybuffer'
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    const answer = (): Promise<unknown> =>
      new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data), { once: true }))
    for (const message of ['hello', 'ü'.repeat(1000), 'x'.repeat(100_000)]) {
      const echoed = answer()
      socket.send(message)
      expect(await echoed).toBe(message)
    }
    const echoed = answer()
    socket.send(Uint8Array.from([1, 2, 3]))
    expect(await echoed).toEqual(Uint8Array.from([1, 2, 3]).buffer)
    expect(socket.protocol).toBe('realtime')
    const received = simulator().requests().at(-1)
    socket.close()
    expect(await received?.whenEnded()).toMatchObject({ how: 'answered' })
  })
})

describe('the record of requests', () => {
  it('tells when a client left before its answer was out', async () => {
    const leave = new AbortController()
    const arriving = simulator().nextRequest()
    const asking = fetch(chatUrl(), {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'x-sim-fault': 'hang' },
      body: JSON.stringify(aChat()),
      signal: leave.signal,
    })
    const received = await arriving
    expect(received.end).toBeUndefined()
    leave.abort()
    await expect(asking).rejects.toThrow(/abort/)
    expect(await received.whenEnded()).toMatchObject({ how: 'client_closed' })
  })

  it('keeps the last requests only, and counts them all', async () => {
    const small = await startSimulator({ logLimit: 2 })
    for (const path of ['/one', '/two', '/three']) await (await fetch(small.url + path)).text()
    expect(small.requests().map(({ path }) => path)).toEqual(['/two', '/three'])
    expect(small.counters.received).toBe(3)
    await small.close()
  })
})
