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
  })

  it("lets the config's extra headers replace the client's", () => {
    expect(
      outboundHeaders(['X-Org', 'client', 'a', '1'], aProvider({ headers: new Map([['x-org', 'ours']]) })),
    ).toEqual(['a', '1', 'x-org', 'ours'])
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
