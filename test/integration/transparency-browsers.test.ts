import { afterEach, describe, expect, it } from 'vitest'
import type { Access, Provider } from '../../src/domain/policy.ts'
import { isForeign } from '../../src/gateway/is-foreign.ts'
import { aProvider } from '../fakes/a-provider.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import type { TestProxy } from '../fakes/proxy.ts'
import { exchangeRaw, RawClient } from '../fakes/raw-client.ts'
import type { RawAnswer } from '../fakes/raw-client.ts'
import { plain } from '../fakes/raw-upstream.ts'

const pair = aPair()
const proxies: TestProxy[] = []
const NOBODY: Access = { allowedOrigins: new Set(), allowedHosts: new Set() }

/** A proxy on loopback that holds the key, or what `provider` says instead. */
async function aProxy(access: Access = NOBODY, provider: Partial<Provider> = { apiKey: 'sk-server' }) {
  const { upstream } = pair()
  upstream.serve((call) => call.write(call.line.includes('realtime') ? SWITCHED : plain('{}')))
  const dialects = ['openai', 'anthropic', 'gemini'] as const
  const proxy = await startProxy(upstream.url, { provider, dialects, policy: { access } })
  proxies.push(proxy)
  return proxy
}

afterEach(async () => {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close(50)))
})

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
type Kind = readonly [what: string, line: string, framing: string, body: string]
const COMPLETION: Kind = ['a chat completion', 'POST /v1/chat/completions', 'Content-Length: 2\r\n', '{}']
const KINDS: readonly Kind[] = [
  COMPLETION,
  ['a message', 'POST /v1/messages', 'Content-Length: 2\r\n', '{}'],
  ['a Gemini call', 'POST /v1beta/models/m:generateContent', 'Content-Length: 2\r\n', '{}'],
  ['an unread path', 'GET /v1/models', '', ''],
  ['an upload', 'POST /p/openai/v1/files', 'Content-Length: 2\r\n', '{}'],
  ['a preflight', 'OPTIONS /v1/chat/completions', 'Access-Control-Request-Method: POST\r\n', ''],
  ['a WebSocket', 'GET /v1/realtime', UPGRADE, ''],
]

/** The answer to a request of one kind with these headers. */
function ask(proxy: TestProxy, [, line, framing, body]: Kind, headers: string): Promise<RawAnswer> {
  const text = `${line} HTTP/1.1\r\n${headers}${framing}\r\n${body}`
  return line.includes('realtime')
    ? untilHead(proxy, text)
    : exchangeRaw(proxy.port, text, line.slice(0, line.indexOf(' ')))
}

/** A WebSocket's answer has no end. */
async function untilHead(proxy: TestProxy, text: string): Promise<RawAnswer> {
  const client = new RawClient(proxy.port)
  await client.send(text, 'GET')
  await client.until(([answer]) => answer !== undefined && (answer.status === 101 || answer.end !== 'open'))
  const [answer] = client.answers()
  client.socket.destroy()
  if (answer === undefined) throw new Error('no answer')
  return answer
}

const LOCAL = 'Host: localhost\r\n'
const FORBIDDEN = {
  openai: { error: { code: 'understudy_forbidden_origin', type: 'permission_error' } },
  anthropic: { type: 'error', error: { type: 'permission_error' } },
  gemini: { error: { code: 403, status: 'PERMISSION_DENIED' } },
}

describe.each(KINDS)('%s for which the server has the key', (...kind) => {
  it.each([
    ['with an Origin', `${LOCAL}Origin: https://evil.example\r\n`],
    ['with the Origin of a sandboxed page', `${LOCAL}Origin: null\r\n`],
    ['with the Host of a page rebound to loopback', 'Host: evil.example:8787\r\n'],
    ['with a Host that only looks like loopback', 'Host: 127.0.0.1.evil.example\r\n'],
  ])('is refused %s, told in the dialect, recorded, and not sent', async (_with, headers) => {
    const { upstream } = pair()
    const proxy = await aProxy()
    const before = upstream.calls.length
    const answer = await ask(proxy, kind, headers)
    expect(answer.status).toBe(403)
    const [record] = await proxy.recorded(1)
    expect(JSON.parse(answer.body.toString())).toMatchObject(FORBIDDEN[record?.request.dialect ?? 'openai'])
    expect(valueOf(answer.headers, 'x-understudy-trace-id')).toBe(record?.request.id)
    expect(record).toMatchObject({ outcome: 'rejected', error: 'forbidden_origin', status: 403, attempts: [] })
    expect(upstream.calls).toHaveLength(before)
  })

  it.each([LOCAL, 'Host: 127.0.0.1:8787\r\n', 'Host: [::1]:8787\r\n', 'Host: LocalHost:1\r\n'])(
    'passes from a program with %j',
    async (headers) => {
      expect((await ask(await aProxy(), kind, headers)).status).toBeLessThan(400)
    },
  )

  it('passes from pages and under names that the config allows', async () => {
    const proxy = await aProxy({
      allowedOrigins: new Set(['https://app.example']),
      allowedHosts: new Set(['llm.example']),
    })
    const headers = 'Host: LLM.example:8787\r\nOrigin: https://App.example\r\n'
    expect((await ask(proxy, kind, headers)).status).toBeLessThan(400)
  })

  it('passes from any page where the key is the client’s own: the proxy is transparent', async () => {
    const proxy = await aProxy(NOBODY, {})
    const headers = 'Host: evil.example\r\nOrigin: https://evil.example\r\n'
    expect((await ask(proxy, kind, headers)).status).toBeLessThan(400)
  })
})

it('a change of the allowed pages counts from the next request on', async () => {
  const proxy = await aProxy()
  const headers = `${LOCAL}Origin: https://app.example\r\n`
  expect((await ask(proxy, COMPLETION, headers)).status).toBe(403)
  const access: Access = { ...NOBODY, allowedOrigins: new Set(['https://app.example']) }
  proxy.state.swap((state) => ({ ...state, policy: { ...state.policy, access } }))
  expect((await ask(proxy, COMPLETION, headers)).status).toBe(200)
})

it('a provider that asks for no key is guarded like one whose key is the server’s', () => {
  const keyless = aProvider({ auth: 'none' })
  expect(isForeign({ host: 'localhost', origin: 'https://evil.example' }, keyless, NOBODY, true)).toBe(true)
  expect(isForeign({ host: 'evil.example' }, keyless, NOBODY, true)).toBe(true)
  expect(isForeign({ host: 'localhost' }, keyless, NOBODY, true)).toBe(false)
})

it('names say nothing where other machines may connect, pages still do', () => {
  const provider = aProvider({ apiKey: 'sk-server' })
  expect(isForeign({ host: 'llm.example' }, provider, NOBODY, false)).toBe(false)
  expect(isForeign({ host: 'llm.example', origin: 'https://evil.example' }, provider, NOBODY, false)).toBe(true)
})

it.each(['', 'localhost:', 'evil@localhost', 'localhost:80:80', 'localhost.', '127.0.0.1 evil', '[::1'])(
  'the Host %j is no loopback name',
  (host) => {
    expect(isForeign({ host }, aProvider({ apiKey: 'sk-server' }), NOBODY, true)).toBe(true)
  },
)
