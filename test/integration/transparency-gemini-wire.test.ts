import { ApiError, GoogleGenAI } from '@google/genai'
import { describe, expect, it } from 'vitest'
import { aPair, seenByClient } from '../fakes/direct-and-proxied.ts'
import { startProxy } from '../fakes/proxy.ts'
import type { ProxyChanges, TestProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import { chunk, plain, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const pair = aPair({ dialects: ['openai', 'anthropic', 'gemini'] })

const MODEL = '/v1beta/models/gemini-2.5-flash'
const EVENTS = `${MODEL}:streamGenerateContent?alt=sse`
const ARRAY = `${MODEL}:streamGenerateContent`
const BODY = '{"contents":[{"parts":[{"text":"hi"}]}]}'
const ARRAY_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=UTF-8\r\ntransfer-encoding: chunked\r\n\r\n'

type Told = { readonly text?: string; readonly output: number; readonly finish?: string; readonly index?: number }

/** One chunk of an answer, its usage included. */
function told({ text = '', output, finish, index = 0 }: Told): string {
  const finishing = finish === undefined ? {} : { finishReason: finish }
  return JSON.stringify({
    candidates: [{ content: { parts: [{ text }], role: 'model' }, ...finishing, index }],
    usageMetadata: { promptTokenCount: 2, candidatesTokenCount: output, totalTokenCount: 2 + output },
    modelVersion: 'gemini-2.5-flash',
  })
}

const event = (what: Told): string => `data: ${told(what)}\r\n\r\n`

/** A proxy of its own in front of the file's upstream. */
async function withProxy(changes: ProxyChanges, run: (proxy: TestProxy) => Promise<void>): Promise<void> {
  const proxy = await startProxy(pair().upstream.url, { dialects: ['gemini'], ...changes })
  try {
    await run(proxy)
  } finally {
    await proxy.close(100)
  }
}

describe('a stream', () => {
  const over = (form: 'events' | 'array', parts: readonly Told[]): string[] =>
    form === 'events'
      ? parts.map(event)
      : [...parts.map((part, index) => `${index === 0 ? '[' : ',\r\n'}${told(part)}\n`), ']']

  it.each([
    ['events', EVENTS, STREAM_HEAD],
    ['array', ARRAY, ARRAY_HEAD],
  ] as const)('of %s goes on after a finish reason, and its last usage counts', async (form, path, head) => {
    const both = await pair().bothWays(aPost(path, BODY), async (call) => {
      await call.write(head)
      const parts: readonly Told[] = [
        { text: 'a', output: 1, finish: 'STOP' },
        { text: 'b', output: 5 },
        { output: 7, finish: 'STOP' },
      ]
      for (const part of over(form, parts)) await call.write(chunk(part))
      await call.write(chunk())
    })
    expect(Buffer.compare(both.proxied.body, both.direct.body)).toBe(0)
    expect(both.record.outcome).toBe('completed')
    expect(both.record.attempts[0]).toMatchObject({
      finishReason: 'STOP',
      usage: { textOutputTokens: 7, isPartial: false },
    })
  })

  it.each([
    ['events', EVENTS, STREAM_HEAD],
    ['array', ARRAY, ARRAY_HEAD],
  ] as const)(
    'of %s whose end is clean but that never finished is recorded as interrupted',
    async (form, path, head) => {
      const parts = over(form, [{ text: 'a', output: 1 }])
      const both = await pair().bothWays(aPost(path, BODY), async (call) => {
        await call.write(head)
        for (const part of parts) await call.write(chunk(part))
        await call.write(chunk())
      })
      expect(both.proxied.body.toString()).toBe(parts.join(''))
      expect(both.record).toMatchObject({ outcome: 'interrupted', error: 'no_terminal_event' })
      expect(both.record.attempts[0]?.usage).toMatchObject({ textOutputTokens: 1, isPartial: true })
    },
  )

  it.each([
    ['after its first element', [{ text: 'a', output: 1 }]],
    ['before its closing bracket', [{ text: 'a', output: 1, finish: 'STOP' }]],
  ] as const)('of an array without a length that stops %s is a cut for the client too', async (_where, parts) => {
    const text = over('array', parts).slice(0, -1).join('')
    const { upstream, proxy, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${text}`)
      call.socket.end()
    })
    const [record, answer] = await recordOf(() => exchangeRaw(proxy.port, aPost(ARRAY, BODY)))
    expect(answer.body.toString()).toBe(text)
    expect(answer.end).toBe('cut')
    expect(record).toMatchObject({ outcome: 'interrupted', error: 'no_terminal_event' })
  })

  it('has its first token with the first part that is not empty', async () => {
    const { upstream, proxy, recordOf } = pair()
    const waitMs = 60
    upstream.serve(async (call) => {
      await call.write(STREAM_HEAD + chunk(event({ output: 0 })).toString())
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      await call.write(Buffer.concat([chunk(event({ text: 'a', output: 1, finish: 'STOP' })), chunk()]))
    })
    const [record] = await recordOf(() => exchangeRaw(proxy.port, aPost(EVENTS, BODY)))
    const [attempt] = record.attempts
    expect(attempt?.firstTokenMs).toBeGreaterThan((attempt?.firstByteMs ?? Infinity) + waitMs / 2)
  })

  it.each([
    ['events', EVENTS, STREAM_HEAD],
    ['array', ARRAY, ARRAY_HEAD],
  ] as const)(
    'of %s whose client leaves is closed upstream within 50 ms, and its usage so far is kept',
    async (form, path, head) => {
      const { upstream, proxy, recordOf } = pair()
      const arrived = upstream.next()
      upstream.serve(() => undefined)
      const client = new RawClient(proxy.port)
      const [record, tookMs] = await recordOf(async () => {
        await client.send(aPost(path, BODY), 'POST')
        const call = await arrived
        const [first = ''] = over(form, [{ text: 'a', output: 3 }])
        await call.write(head + chunk(first).toString())
        await client.received('"text":"a"')
        const leftAt = performance.now()
        client.socket.destroy()
        return (await call.closed) - leftAt
      })
      expect(tookMs).toBeLessThan(50)
      expect(record.outcome).toBe('cancelled')
      expect(record.attempts[0]?.usage).toMatchObject({ textOutputTokens: 3, isPartial: true })
    },
  )

  it('of events that falls silent ends with an error in the words of the dialect, which the SDK raises', async () => {
    await withProxy({ provider: { idleTimeoutMs: 80 } }, async (proxy) => {
      const first = event({ text: 'a', output: 1 })
      pair().upstream.serve((call) => call.write(STREAM_HEAD + chunk(first).toString()))
      const text = (await exchangeRaw(proxy.port, aPost(EVENTS, BODY))).body.toString()
      expect(text.startsWith(first)).toBe(true)
      const data = text.split('data: ').at(-1) ?? ''
      expect(JSON.parse(data)).toMatchObject({ error: { code: 504, status: 'DEADLINE_EXCEEDED' } })
      const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: proxy.url } })
      const stream = await client.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'hi' })
      await expect(async () => {
        for await (const part of stream) expect(part.text).toBe('a')
      }).rejects.toMatchObject({ name: 'ApiError', status: 504 })
    })
  })

  it('of an array that falls silent is cut: an array has no place for an error', async () => {
    await withProxy({ provider: { idleTimeoutMs: 80 } }, async (proxy) => {
      const [first = ''] = over('array', [{ text: 'a', output: 1 }])
      pair().upstream.serve((call) => call.write(ARRAY_HEAD + chunk(first).toString()))
      const answer = await exchangeRaw(proxy.port, aPost(ARRAY, BODY))
      expect(answer).toMatchObject({ end: 'cut', body: Buffer.from(first) })
    })
  })
})

describe('what the proxy itself refuses is a google.rpc.Status', () => {
  it('that the SDK raises with its status and the reason', async () => {
    await withProxy({ policy: { limits: { maxBodyBytes: 1000, bodyTimeoutMs: 60_000 } } }, async (proxy) => {
      const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `${proxy.url}/gemini` } })
      const asked = client.models.generateContent({ model: 'gemini-2.5-flash', contents: 'x'.repeat(2000) })
      const error: unknown = await asked.catch((thrown: unknown) => thrown)
      if (!(error instanceof ApiError)) throw new Error('expected an ApiError')
      expect(error.status).toBe(413)
      expect(JSON.parse(error.message)).toMatchObject({
        error: {
          code: 413,
          status: 'INVALID_ARGUMENT',
          message: expect.stringContaining('limits.max_body'),
          details: [{ reason: 'UNDERSTUDY_BODY_TOO_LARGE', domain: 'understudy' }, { requestId: expect.any(String) }],
        },
      })
      await proxy.recorded(1)
      // Refused before its body was read, and still the record knows the model: the path has said it.
      expect(proxy.exchanges[0]).toMatchObject({
        outcome: 'rejected',
        status: 413,
        request: { model: 'gemini-2.5-flash' },
      })
    })
  })

  it.each([
    ['/gemini/v1beta/models', 'unknown_provider'],
    ['/v1beta/models/gemini-2.5-flash:generateContent?key=AIzaSy-secret', 'no_route'],
  ])('also where no such provider is configured: %s', async (path, code) => {
    await withProxy({ dialects: ['openai'] }, async (proxy) => {
      const answer = await exchangeRaw(proxy.port, aPost(path, BODY))
      expect(answer.status).toBe(404)
      expect(JSON.parse(answer.body.toString())).toMatchObject({
        error: { code: 404, status: 'NOT_FOUND', details: [{ reason: `UNDERSTUDY_${code.toUpperCase()}` }, {}] },
      })
      await proxy.recorded(1)
      expect(proxy.exchanges[0]).toMatchObject({ outcome: 'rejected', error: code, request: { dialect: 'gemini' } })
      expect(JSON.stringify(proxy.exchanges[0])).not.toContain('AIzaSy')
    })
  })
})

it('a 429 keeps every header, and its retry delay in the body', async () => {
  const head = [
    'HTTP/1.1 429 Too Many Requests',
    'Vary: Origin',
    'Vary: X-Origin',
    'Content-Type: application/json; charset=UTF-8',
    'Server-Timing: gfet4t7; dur=120',
    'Retry-After: 34',
  ].join('\r\n')
  const body = '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"34.4s"}]}}'
  for (const path of [`${MODEL}:generateContent`, EVENTS, ARRAY]) {
    const both = await pair().bothWays(aPost(path, BODY), (call) => call.write(plain(body, head)))
    expect(both.proxied.line).toBe(both.direct.line)
    expect(seenByClient(both.proxied.headers)).toEqual(seenByClient(both.direct.headers))
    expect(both.proxied.body.toString()).toBe(body)
    expect(both.record).toMatchObject({ outcome: 'refused', status: 429 })
    expect(both.record.attempts[0]?.outcome).toMatchObject({ errorType: 'RESOURCE_EXHAUSTED' })
  }
})

it('a request body reaches the upstream byte for byte, signatures and key order included', async () => {
  const body =
    '{ "contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"z":1,"a":[]}},"thoughtSignature":"EqUC+/=="}]}],\n"generation_config":{"response_schema":{"type":"STRING"}}, "tools":[{"functionDeclarations":[]}] }'
  const both = await pair().bothWays(aPost(`${MODEL}:generateContent`, body), (call) => call.write(plain('{}')))
  expect((await both.proxiedCall.body).toString()).toBe(body)
  expect(both.record.request).toMatchObject({
    isStream: false,
    shape: { hasTools: true, hasSchema: true, unreadable: undefined },
  })
})

it('an upload to the files API passes through to Gemini', async () => {
  const both = await pair().bothWays(
    aPost('/upload/v1beta/files?uploadType=media&key=k', Buffer.from([0, 255, 1]), [['X-Goog-Upload-Protocol', 'raw']]),
    (call) => call.write(plain('{"file":{}}')),
  )
  expect(Buffer.compare(await both.proxiedCall.body, Buffer.from([0, 255, 1]))).toBe(0)
  expect(both.record).toMatchObject({
    outcome: 'completed',
    request: { provider: 'gemini', api: 'passthrough', path: '/upload/v1beta/files' },
  })
})
