import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import type { Learnt } from './learn-admin.ts'

/** What a generated request may use: every route of the admin port, and the tokens that open it. */
export type AdminTarget = {
  readonly routes: readonly { readonly method: string; readonly path: string }[]
  readonly tokens: { readonly full: string; readonly read: string } | undefined
  /** What stands for a name in a path, besides what never is one. */
  readonly ids?: readonly string[]
  /** Fields and parameters that some route reads. */
  readonly learnt?: Learnt
}

/** With which rights a request was made, as far as its maker knows. `odd`: a header that must not count as a token. */
export type Presented = 'full' | 'read' | 'none' | 'odd'

export type AdminCall = {
  readonly bytes: Buffer
  readonly method: string
  readonly presented: Presented
}

/** A request to the admin port that is wrong in several ways at once, or in none. */
export function anAdminCall(target: AdminTarget): fc.Arbitrary<AdminCall> {
  return fc
    .tuple(
      fc.constantFrom(...target.routes),
      fc.record({
        method: aMethod,
        path: aPathChange,
        id: fc.constantFrom(...IDS, ...(target.ids ?? [])),
        query: fc.oneof({ weight: 2, arbitrary: fc.constant('') }, aQuery(target.learnt?.parameters ?? [])),
        version: fc.oneof({ weight: 20, arbitrary: fc.constant('HTTP/1.1') }, fc.constantFrom('HTTP/1.0', 'HTTP/2.0')),
        host: fc.oneof({ weight: 8, arbitrary: fc.constant('localhost') }, fc.constantFrom('evil.example', '', '[::1')),
      }),
      anAuthorization(target.tokens),
      fc.array(aHeader, { maxLength: 4 }),
      aFramedBody(aBody(target.learnt?.fields ?? [])),
    )
    .map(([route, line, { presented, authorization }, headers, { contentType, framing, body }]) => {
      const method = line.method === 'own' ? route.method : line.method
      const path = line.path(route.path.replace(/:\w+/g, line.id))
      const lines = [
        `${method} ${path}${line.query} ${line.version}`,
        `Host: ${line.host}`,
        ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
        ...(contentType === '' ? [] : [`Content-Type: ${contentType}`]),
        ...headers,
        ...framing,
      ]
      return { bytes: Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]), method, presented }
    })
}

const aMethod = fc.oneof(
  { weight: 6, arbitrary: fc.constant('own') },
  fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get'),
)

type PathChange = (path: string) => string

const aPathChange: fc.Arbitrary<PathChange> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<PathChange>((path) => path) },
  fc.constantFrom<PathChange>(
    (path) => `${path}/`,
    (path) => `/${path}`,
    (path) => path.toUpperCase(),
    (path) => path.replace('/', '/%2e/'),
    (path) => `/healthz/..${path}`,
    (path) => `/healthz/%2e%2e${path}`,
    (path) => `/healthz%2f..${path}`,
    (path) => `/healthz\\..${path.replaceAll('/', '\\')}`,
    (path) => path.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
    (path) => `${path}%00`,
    (path) => `${path}%ff`,
    (path) => `${path}%`,
    (path) => `${path}%0d%0aX-Evil:%201`,
    (path) => `${path};a=b`,
    (path) => `${path}#x`,
    (path) => `${path}/${'a'.repeat(4_000)}`,
    (path) => `http://evil.example${path}`,
    (path) => `http://u:p@localhost${path}`,
    (path) => `//evil.example${path}`,
    (path) => path.slice(1),
    () => '*',
    () => '/__proto__/constructor',
    () => 'http://[',
  ),
)

const IDS = [
  '0199a0b0-0000-7000-8000-000000000001',
  '__proto__',
  'constructor',
  '..',
  '%2e%2e%2fpolicy',
  "1'or'1",
  '%00',
  '%e9',
  'x'.repeat(300),
  '{x:String}',
  '%0d%0aX-Evil:%201',
]

const NAMES = ['limit', 'minutes', 'status', 'route', 'from', 'to', 'challenge', 'user', '__proto__', 'constructor', '']
const VALUES = [
  '1',
  '0',
  '-1',
  '1e9',
  '99999999999999999999',
  'NaN',
  '2026-11-20',
  '2026-02-30',
  'a'.repeat(2_000),
  '%00',
  '%ff',
  '%',
  '%0d%0aX-Evil:1',
  "'; DROP TABLE traces --",
  '%F0%9F%98%80',
  'ab'.repeat(32),
]

function aQuery(parameters: readonly string[]): fc.Arbitrary<string> {
  const name = fc.constantFrom(...NAMES, ...parameters)
  return fc
    .array(fc.tuple(name, fc.constantFrom(...VALUES)), { minLength: 1, maxLength: 3 })
    .map((pairs) => `?${pairs.map((pair) => pair.join('=')).join('&')}`)
}

type Authorization = { readonly presented: Presented; readonly authorization: string | undefined }

function anAuthorization(tokens: AdminTarget['tokens']): fc.Arbitrary<Authorization> {
  const none = fc.constant<Authorization>({ presented: 'none', authorization: undefined })
  if (tokens === undefined) return none
  const { full, read } = tokens
  const odd = [
    full,
    `Basic ${Buffer.from(`admin:${full}`).toString('base64')}`,
    `Bearer ${full}x`,
    `Bearer ${full.slice(1)}`,
    `Bearer ${read.toUpperCase()}`,
    `Bearer ${full},${read}`,
    `Bearer ${full} ${read}`,
    'Bearer',
    'Bearer undefined',
    `Bearer ${'a'.repeat(9_000)}`,
    'Bearer \xff\x80',
  ].map((authorization): Authorization => ({ presented: 'odd', authorization }))
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant<Authorization>({ presented: 'full', authorization: `Bearer ${full}` }) },
    { weight: 2, arbitrary: fc.constant<Authorization>({ presented: 'read', authorization: `Bearer ${read}` }) },
    { weight: 2, arbitrary: none },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  )
}

const aHeader = fc.constantFrom(
  'Origin: https://evil.example',
  'Origin: null',
  'Referer: https://evil.example/x',
  'Sec-Fetch-Site: cross-site',
  'X-HTTP-Method-Override: PUT',
  'X-Original-URL: /admin/policy',
  'X-Rewrite-URL: /admin/policy',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-For: 127.0.0.1',
  'Forwarded: host=evil.example',
  'Accept: text/html',
  'Accept-Encoding: gzip, br',
  'If-None-Match: *',
  'If-Modified-Since: Fri, 20 Nov 2099 00:00:00 GMT',
  'Range: bytes=0-1',
  'Expect: 100-continue',
  'Expect: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Content-Encoding: gzip',
  'Content-Encoding: br, br',
  'TE: trailers',
  'Cookie: token=x; __proto__=y',
  'X-Odd: \x80\xff',
  `X-Long: ${'y'.repeat(15_000)}`,
  'X-Folded: a\r\n b',
  'no colon',
  'X-Nul: \x00',
)

const TYPES = [
  '',
  'application/json',
  'application/json',
  'application/json',
  'application/yaml',
  'application/sql',
  'application/json; charset=utf-16',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'APPLICATION/JSON;',
  '\xff',
]

const BODIES = [
  '',
  '{}',
  '[]',
  'null',
  '"x"',
  '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}',
  '{"path":"/v1/chat/completions","headers":{"__proto__":"x"},"body":{"__proto__":{"model":"m"},"model":"gpt-4o"}}',
  '{"path":"/v1/chat/completions","headers":{"authorization":"Bearer sk-described-0123456789"},"body":{"model":"m"}}',
  '{"path":"//x/v1/../..","headers":{"x":1},"body":null}',
  '{"path":"/v1/chat/completions","body":{"model":"a\\r\\nX-Evil: 1"}}',
  `{"path":"/v1/chat/completions","body":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
  `${'['.repeat(100_000)}`,
  '{"a":',
  '"\\ud800"',
  'providers: {}',
  'providers:\n  openai: &a\n    dialect: *a\n',
  '__proto__: { polluted: true }\nproviders: { __proto__: { dialect: openai } }',
  'listen: ${OPENAI_API_KEY}\nproviders: { x: { dialect: "${UNDERSTUDY_ADMIN_TOKEN}", base_url: "${HOME}" } }',
  `a: ${'&a ['.repeat(500)}`,
  '!!js/function "function(){}"',
  'SELECT 1',
  'SELECT count() FROM traces',
  "SELECT * FROM file('/etc/passwd')",
  "SELECT throwIf(1, 'X')",
  'SELECT',
  'SELECT 1; DROP TABLE traces',
  `SELECT ${'('.repeat(3_000)}`,
  '\x00\x01\x02',
  '\xff\xfe{\x00}\x00',
  'x'.repeat(1_100_000),
]

type FramedBody = { readonly contentType: string; readonly framing: readonly string[]; readonly body: Buffer }

function aBody(fields: readonly string[]): fc.Arbitrary<Buffer> {
  const names = fc.constantFrom('__proto__', 'constructor', ...fields)
  const values = fc.oneof(
    fc.constantFrom(...VALUES),
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(1, -1, true, {}, []),
  )
  const nested = fc.oneof(values, fc.dictionary(fc.oneof(names, fc.constantFrom('openai/a', 'openai/b')), values))
  const known = fc.array(fc.tuple(names, nested), { maxLength: 4 }).map((members) => {
    // Not by Object.fromEntries: a member may be called __proto__, and twice the same.
    return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
  })
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...BODIES).map((text) => Buffer.from(text, 'latin1')) },
    { weight: 3, arbitrary: known.map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.constantFrom(...BODIES).map((text) => gzipSync(text)) },
  )
}

function aFramedBody(body: fc.Arbitrary<Buffer>): fc.Arbitrary<FramedBody> {
  return fc
    .tuple(fc.constantFrom(...TYPES), body, fc.nat(12))
    .map(([contentType, bytes, kind]) => framed(contentType, bytes, kind))
}

function framed(contentType: string, body: Buffer, kind: number): FramedBody {
  const chunked = Buffer.concat([
    ...(body.length === 0 ? [] : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]),
    Buffer.from('0\r\n\r\n'),
  ])
  switch (kind) {
    case 0:
      return { contentType, framing: ['Transfer-Encoding: chunked'], body: chunked }
    case 1:
      return { contentType, framing: ['Transfer-Encoding: chunked', `Content-Length: ${body.length}`], body: chunked }
    case 2:
      return { contentType, framing: [`Content-Length: ${body.length}`, 'Content-Length: 3'], body }
    case 3:
      return { contentType, framing: ['Content-Length: -1'], body }
    case 4:
      return { contentType, framing: [], body }
    default:
      return { contentType, framing: [`Content-Length: ${body.length}`], body }
  }
}
