import { describe, expect, it } from 'vitest'
import { inboundHeaders, outboundHeaders } from '../../src/upstream/headers.ts'
import { aProvider } from '../fakes/a-provider.ts'

describe('outboundHeaders', () => {
  it('carries everything in order and case but hop-by-hop headers, host, framing, baggage and our own controls', () => {
    const raw = [
      'Host',
      'proxy',
      'X-Custom',
      'a',
      'Authorization',
      'Bearer sk',
      'Connection',
      'keep-alive, X-Hop',
      'X-Hop',
      '1',
      'x-custom',
      'b',
      'Baggage',
      'k=v',
      'X-Understudy-Team',
      't',
      'Content-Length',
      '3',
      'TE',
      'trailers',
      'traceparent',
      '00-1',
    ]
    expect(outboundHeaders(raw, aProvider())).toEqual([
      'X-Custom',
      'a',
      'Authorization',
      'Bearer sk',
      'x-custom',
      'b',
      'traceparent',
      '00-1',
    ])
  })

  it("puts the config's key in the provider's own manner and lets no client key through beside it", () => {
    const raw = ['Authorization', 'Bearer client', 'x-api-key', 'client', 'api-key', 'client', 'accept', '*/*']
    expect(outboundHeaders(raw, aProvider({ apiKey: 'server' }))).toEqual([
      'accept',
      '*/*',
      'authorization',
      'Bearer server',
    ])
    expect(outboundHeaders(raw, aProvider({ dialect: 'anthropic', apiKey: 'server' }))).toEqual([
      'accept',
      '*/*',
      'x-api-key',
      'server',
    ])
    expect(
      outboundHeaders([...raw, 'x-goog-api-key', 'client'], aProvider({ dialect: 'gemini', apiKey: 'server' })),
    ).toEqual(['accept', '*/*', 'x-goog-api-key', 'server'])
  })

  it.each([
    ['bearer', 'authorization', 'Bearer server'],
    ['api-key', 'api-key', 'server'],
    ['x-api-key', 'x-api-key', 'server'],
    ['x-goog-api-key', 'x-goog-api-key', 'server'],
  ] as const)('puts it where auth %s says, whatever the dialect', (auth, name, value) => {
    const raw = ['Authorization', 'Bearer client', 'API-Key', 'client', 'X-Goog-Api-Key', 'client']
    for (const dialect of ['openai', 'anthropic', 'gemini'] as const)
      expect(outboundHeaders(raw, aProvider({ dialect, auth, apiKey: 'server' }))).toEqual([name, value])
    expect(outboundHeaders(raw, aProvider({ auth }))).toEqual(raw)
  })

  it('sends no key at all where none is asked for', () => {
    const raw = [
      'Authorization',
      'Bearer client',
      'api-key',
      'client',
      'x-api-key',
      'client',
      'x-goog-api-key',
      'c',
      'a',
      'b',
    ]
    expect(outboundHeaders(raw, aProvider({ auth: 'none' }))).toEqual(['a', 'b'])
    expect(outboundHeaders(raw, aProvider({ auth: 'none', apiKey: 'server' }))).toEqual(['a', 'b'])
  })

  it("lets the config's extra headers replace the client's", () => {
    expect(
      outboundHeaders(['X-Org', 'client', 'a', '1'], aProvider({ headers: new Map([['x-org', 'ours']]) })),
    ).toEqual(['a', '1', 'x-org', 'ours'])
  })
})

describe('the trace context of a request', () => {
  const THEIRS = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const OURS = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01'
  const raw = ['Traceparent', THEIRS, 'a', '1', 'tracestate', 'vendor=x']

  it('goes on as the client wrote it by default, whatever it is', () => {
    expect(outboundHeaders(raw, aProvider())).toEqual(raw)
    expect(outboundHeaders(['traceparent', 'nonsense'], aProvider())).toEqual(['traceparent', 'nonsense'])
  })

  it('does not leave where it is to be stripped', () => {
    expect(outboundHeaders(raw, aProvider({ traceContext: 'strip' }))).toEqual(['a', '1'])
  })

  it('names our own span where it is propagated, and keeps what vendors noted about the same trace', () => {
    const provider = aProvider({ traceContext: 'propagate' })
    expect(outboundHeaders(raw, provider, OURS)).toEqual(['a', '1', 'tracestate', 'vendor=x', 'traceparent', OURS])
  })

  it('begins anew, without the notes of another trace, where the client sent nothing usable', () => {
    const provider = aProvider({ traceContext: 'propagate' })
    const broken = ['traceparent', THEIRS.toUpperCase(), 'tracestate', 'vendor=x', 'a', '1']
    expect(outboundHeaders(broken, provider, OURS)).toEqual(['a', '1', 'traceparent', OURS])
  })

  it('goes on as it came where it would be propagated but no spans are exported', () => {
    expect(outboundHeaders(raw, aProvider({ traceContext: 'propagate' }))).toEqual(raw)
  })

  it('is not there twice where the config sets one', () => {
    const headers = new Map([['traceparent', 'fixed']])
    const provider = aProvider({ traceContext: 'propagate', headers })
    expect(outboundHeaders(raw, provider, OURS)).toEqual(['a', '1', 'tracestate', 'vendor=x', 'traceparent', 'fixed'])
  })
})

describe('inboundHeaders', () => {
  it('keeps duplicates, order and case and drops only what belongs to the connection', () => {
    const raw = [
      'Set-Cookie',
      'a',
      'set-cookie',
      'b',
      'Retry-After',
      '2',
      'Transfer-Encoding',
      'chunked',
      'Connection',
      'close',
      'X-RateLimit-Remaining',
      '0',
    ]
    expect(inboundHeaders(raw)).toEqual([
      'Set-Cookie',
      'a',
      'set-cookie',
      'b',
      'Retry-After',
      '2',
      'X-RateLimit-Remaining',
      '0',
    ])
  })
})
