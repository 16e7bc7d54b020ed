import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'

/** A request that nobody should send: pieces that are each wrong in some way, then bytes changed at random. */
export function hostileRequest(evilPort: number): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      aMessage(evilPort),
      fc.oneof(
        { weight: 7, arbitrary: fc.constant([]) },
        { weight: 3, arbitrary: fc.array(aMutation, { maxLength: 3 }) },
      ),
      fc.option(aMessage(evilPort), { freq: 4 }),
    )
    .map(([first, mutations, second]) => {
      const bytes = second === null ? first : Buffer.concat([first, second])
      return mutations.reduce(mutate, bytes)
    })
}

const HIDDEN = 'GET /v1/hidden HTTP/1.1\r\nHost: b\r\n\r\n'

function aMessage(evilPort: number): fc.Arbitrary<Buffer> {
  const evil = `127.0.0.1:${evilPort}`
  const target = mostly(
    3,
    [
      '/v1/chat/completions',
      '/v1/messages',
      '/v1/responses',
      '/v1/embeddings',
      '/anthropic/v1/messages',
      '/openai/v1/chat/completions',
      '/v1/models',
      '/v1/files',
      '/v1/messages/count_tokens',
      '/p/openai/v1/completions',
    ],
    [
      `http://${evil}/v1/models`,
      `http://${evil}`,
      `//${evil}/v1`,
      '//',
      '*',
      evil,
      `/\\${evil}`,
      '/openai/..//x',
      '/%00',
      '/v1/%',
      '/understudy/x',
      '/p/none/v1',
      '/v1/\u00e9',
      '/v1/ x',
      '',
      `/${'a'.repeat(3000)}`,
      '/?',
      '/#',
    ],
  )
  const methods = ['GET', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH', 'SEARCH', 'BREW', 'post', '']
  const method = mostly(3, ['POST'], methods)
  const version = mostly(20, ['HTTP/1.1'], ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/11', ''])
  const endOfLine = mostly(40, ['\r\n'], ['\n', '\r', '\r\n '])
  const hosts = mostly(15, ['Host: a', `Host: ${evil}`], ['Host: a|Host: b', 'Host:', ''])
  const others = fc.array(aHeader(evil), { maxLength: 4 })
  return fc
    .tuple(fc.tuple(method, target, version, endOfLine), hosts, others, aFramedBody)
    .map(([[verb, path, protocol, eol], host, headers, { framing, body }]) => {
      const lines = [
        `${verb} ${path} ${protocol}`,
        ...host.split('|'),
        ...headers.flatMap((header) => header.split('|')),
        ...framing,
      ].filter((line) => line !== '')
      return Buffer.concat([Buffer.from(lines.join(eol) + eol + eol, 'latin1'), body])
    })
}

function aHeader(evil: string): fc.Arbitrary<string> {
  const odd = [
    'Connection: close',
    'Connection: keep-alive',
    'Connection: content-length, host',
    'Keep-Alive: timeout=0',
    'X: \u0080\u00ff',
    'Upgrade: h2c',
    'Connection: Upgrade|Upgrade: websocket',
    'Expect: 100-continue',
    'Expect: x',
    'TE: trailers',
    'Trailer: x-a',
    'Content-Encoding: gzip',
    'Content-Encoding: br',
    'Content-Encoding: zstd',
    'Content-Encoding: gzip, gzip',
    'Content-Encoding: \u00ff',
    'Authorization: Bearer sk-hostile',
    'x-api-key: sk-hostile',
    'anthropic-version: 2023-06-01',
    'Content-Type: text/event-stream',
    'x-understudy-tags: a=b,=,__proto__=1',
    'x-understudy-route: \u00ff%0d%0a',
    'x-understudy-model: x',
    `x-understudy-user: ${'u'.repeat(5000)}`,
    `X-Forwarded-Host: ${evil}`,
    `Forwarded: host=${evil}`,
    'Proxy-Connection: close',
    `X: ${'y'.repeat(20_000)}`,
    'baggage: a=b',
    'traceparent: 00-zz-00-00',
    'x-stainless-retry-count: -1',
    'x-stainless-timeout: 1e9',
  ]
  const broken = [' folded', 'no colon', ': no name', 'a b: c', 'X: \u0000', 'X: \u007f', 'X: \u0001', 'X\u00e9: y']
  return fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...odd) },
    { weight: 1, arbitrary: fc.constantFrom(...broken) },
    { weight: 1, arbitrary: aRandomHeader },
  )
}

const aRandomHeader = fc
  .tuple(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 40 }))
  .map(([name, value]) => `${Buffer.from(name).toString('latin1')}:${Buffer.from(value).toString('latin1')}`)

const JSON_BODIES = [
  '{}',
  '{"model":"m","messages":[]}',
  '{"model":"m","stream":true,"stream_options":{}}',
  '{"model":"m","stream":true,"stream_options":null,"messages":[{"role":"user","content":"\\ud800"}]}',
  '{"model":"a\\r\\nX-Evil: 1","model":"b"}',
  `{"model":"m","a":${'['.repeat(2000)}${']'.repeat(2000)}}`,
  '{"__proto__":{"stream":true},"stream":true,"model":null}',
  '{"model":"m"',
  '',
  HIDDEN,
]

const aBody = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...JSON_BODIES).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b)),
    ),
    fc.nat(9),
  )
  .map(([bytes, packing]) => {
    if (packing === 0) return gzipSync(bytes)
    if (packing === 1) return brotliCompressSync(bytes)
    if (packing === 2) return zstdCompressSync(bytes)
    return packing === 3 ? deflateSync(bytes) : bytes
  })

type FramedBody = { readonly framing: readonly string[]; readonly body: Buffer }

const aFramedBody: fc.Arbitrary<FramedBody> = fc.tuple(aBody, fc.nat(22), fc.nat(300)).map(([body, kind, number]) => {
  const { length } = body
  switch (kind) {
    case 0:
      return { framing: [], body }
    case 1:
      return { framing: ['Transfer-Encoding: chunked'], body: chunked(body, number) }
    case 2:
      return { framing: ['Transfer-Encoding: chunked', `Content-Length: ${length}`], body: chunked(body, number) }
    case 3:
      return { framing: [`Content-Length: ${length}`, `Content-Length: ${number}`], body }
    case 4:
      return { framing: [`Content-Length: ${number}`], body }
    case 5:
      return { framing: ['Transfer-Encoding : chunked', `Content-Length: ${length}`], body }
    case 6:
      return { framing: ['Transfer-Encoding: \u000bchunked'], body: chunked(body, number) }
    case 7:
      return { framing: ['Transfer-Encoding: gzip, chunked'], body: chunked(body, number) }
    case 8:
      return {
        framing: ['Transfer-Encoding: chunked'],
        body: Buffer.concat([Buffer.from(`${number.toString(16)}\r\n`), body]),
      }
    case 9:
      return { framing: [`Content-Length: -${number}`], body }
    case 10:
      return { framing: ['Transfer-Encoding: identity'], body }
    default:
      return { framing: [`Content-Length: ${length}`], body }
  }
})

function chunked(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += size + 1) {
    const part = body.subarray(at, at + size + 1)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

type Mutation = {
  readonly kind: 'flip' | 'drop' | 'insert' | 'cut' | 'double'
  readonly at: number
  readonly value: number
}

const aMutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('flip', 'drop', 'insert', 'cut', 'double'),
  at: fc.nat(1000),
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 9, 10, 13, 32, 58, 127, 255)),
})

function mutate(bytes: Buffer, { kind, at, value }: Mutation): Buffer {
  if (bytes.length === 0) return bytes
  const offset = at % bytes.length
  switch (kind) {
    case 'flip': {
      const flipped = Buffer.from(bytes)
      flipped[offset] = value
      return flipped
    }
    case 'drop':
      return Buffer.concat([bytes.subarray(0, offset), bytes.subarray(offset + 1)])
    case 'insert':
      return Buffer.concat([bytes.subarray(0, offset), Buffer.from([value]), bytes.subarray(offset)])
    case 'cut':
      return bytes.subarray(0, offset)
    case 'double':
      return Buffer.concat([bytes.subarray(0, offset), bytes])
  }
}

/** One of `usual` so many times as often as one of `odd`. */
function mostly(times: number, usual: readonly string[], odd: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: times, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  )
}
