import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startAdmin } from '../../src/admin/server.ts'
import type { Admin, AdminOptions } from '../../src/admin/server.ts'
import { adminPorts, readinessFacts } from '../fakes/admin-ports.ts'
import { ask } from '../fakes/ask.ts'
import { silentLog } from '../fakes/silent-log.ts'

const tokens = { token: 'full-token-0123456789', readToken: 'read-token-0123456789' }
const noTokens = { token: undefined, readToken: undefined }
const loopback = { host: '127.0.0.1', port: 0 }
const yaml = { 'content-type': 'application/yaml' }

function start(options: Partial<AdminOptions>): Promise<Admin> {
  return startAdmin({ listen: loopback, tokens: noTokens, ports: adminPorts(), log: silentLog, ...options })
}

describe('an admin port with tokens', () => {
  let admin: Admin
  beforeAll(async () => {
    admin = await start({ tokens })
  })
  afterAll(() => admin.close())

  const reads = ['/metrics', '/admin/policy', '/admin/traces', '/admin/summary', '/admin/store']
  const bearers = {
    none: undefined,
    wrong: 'Bearer wrong-token-0123456789',
    read: `Bearer ${tokens.readToken}`,
    full: `Bearer ${tokens.token}`,
    basic: `Basic ${Buffer.from(`admin:${tokens.token}`).toString('base64')}`,
    bare: tokens.token,
    empty: 'Bearer ',
    both: `Bearer ${tokens.token} ${tokens.readToken}`,
  }
  type Who = keyof typeof bearers
  const expected: Readonly<Record<Who, readonly [probe: number, read: number, write: number]>> = {
    none: [200, 401, 401],
    wrong: [200, 401, 401],
    read: [200, 200, 403],
    full: [200, 200, 200],
    basic: [200, 401, 401],
    bare: [200, 401, 401],
    empty: [200, 401, 401],
    both: [200, 401, 401],
  }
  const whos: Who[] = ['none', 'wrong', 'read', 'full', 'basic', 'bare', 'empty', 'both']

  it.each(whos)('lets through what it should for authorization: %s', async (who) => {
    const authorization = bearers[who]
    const headers = authorization === undefined ? {} : { authorization }
    const [probe, read, write] = expected[who]
    for (const path of ['/healthz', '/readyz']) {
      expect([path, (await ask(admin.port, path, { headers })).status]).toEqual([path, probe])
    }
    for (const path of reads) {
      expect([path, (await ask(admin.port, path, { headers })).status]).toEqual([path, read])
    }
    const put = { method: 'PUT', headers: { ...headers, ...yaml }, body: 'providers: {}' }
    expect((await ask(admin.port, '/admin/policy', put)).status).toBe(write)
  })

  it('refuses every token but the exact one, however near', async () => {
    const { token } = tokens
    const flip = (at: number) => `${token.slice(0, at)}~${token.slice(at + 1)}`
    const near = [
      ...Array.from(token, (_, at) => flip(at)),
      ...Array.from(token, (_, at) => token.slice(0, at)),
      `${token}0`,
      token.toUpperCase(),
      'x'.repeat(8_000),
    ]
    const statuses = await Promise.all(
      near.map(async (guess) => {
        const { status } = await ask(admin.port, '/admin/store', { headers: { authorization: `Bearer ${guess}` } })
        return status
      }),
    )
    expect(new Set(statuses)).toEqual(new Set([401]))
  })

  it('takes the scheme in any case, and tells who was turned away which scheme to use', async () => {
    const headers = { authorization: `bearer ${tokens.readToken}` }
    expect((await ask(admin.port, '/admin/store', { headers })).status).toBe(200)
    const { headers: answered, json } = await ask(admin.port, '/admin/store')
    expect(answered['www-authenticate']).toMatch(/^Bearer /)
    expect(json).toMatchObject({ error: { code: 'unauthorized' } })
  })

  it('shows the password of the read-only SQL user to the full token alone', async () => {
    const asWho = async (who: 'read' | 'full') => {
      const { json } = await ask(admin.port, '/admin/store', { headers: { authorization: bearers[who] } })
      return json
    }
    expect(await asWho('full')).toMatchObject({ access: { read_only: { username: 'ro', password: 'ro-password' } } })
    expect(await asWho('read')).toMatchObject({ access: { read_only: { username: 'ro', password: null } } })
  })

  it('answers under any Host name: the token is the guard', async () => {
    const headers = { host: 'understudy.internal', authorization: bearers.full, origin: 'https://console.internal' }
    const put = { method: 'PUT', headers: { ...headers, ...yaml }, body: 'providers: {}' }
    expect((await ask(admin.port, '/admin/policy', put)).status).toBe(200)
  })

  it('reads no body of a write that it refuses', async () => {
    let applied = 0
    const ports = adminPorts({
      applyPolicy: async () => {
        applied++
        return { kind: 'applied', version: 'x', restartNeeded: [] }
      },
    })
    const other = await start({ tokens, ports })
    onTestFinished(() => other.close())
    const put = { method: 'PUT', headers: { ...yaml, authorization: bearers.read }, body: 'providers: {}' }
    expect((await ask(other.port, '/admin/policy', put)).status).toBe(403)
    expect(applied).toBe(0)
  })

  it('tells strangers only codes about its state, and those with a token the details', async () => {
    const fault = { file: 'understudy.yaml', line: 4, column: 2, path: 'providers.x', text: 'expected a, found b' }
    const facts = readinessFacts({
      store: { kind: 'url', state: 'down', detail: 'ECONNREFUSED 10.1.2.3:8123' },
      config: { ...readinessFacts().config, rejected: { since: 0, faults: [fault] } },
    })
    const other = await start({ tokens, ports: adminPorts({ readiness: () => facts }) })
    onTestFinished(() => other.close())
    expect((await ask(other.port, '/readyz')).json).toEqual({
      status: 'degraded',
      because: ['config_rejected', 'store_down'],
    })
    const { json } = await ask(other.port, '/readyz', { headers: { authorization: bearers.read } })
    expect(json).toMatchObject({
      config: { rejected: { since: '1970-01-01T00:00:00.000Z', faults: [fault] } },
      store: { state: 'down', detail: 'ECONNREFUSED 10.1.2.3:8123' },
    })
  })
})

describe('an admin port without tokens', () => {
  let admin: Admin
  beforeAll(async () => {
    admin = await start({ tokens: noTokens })
  })
  afterAll(() => admin.close())

  it('lets this machine read and write', async () => {
    expect((await ask(admin.port, '/metrics')).status).toBe(200)
    const put = { method: 'PUT', headers: yaml, body: 'providers: {}' }
    expect((await ask(admin.port, '/admin/policy', put)).status).toBe(200)
  })

  it('keeps the password of the read-only SQL user to itself', async () => {
    expect((await ask(admin.port, '/admin/store')).json).toMatchObject({ access: { read_only: { password: null } } })
  })

  it.each([
    ['localhost', 200],
    ['LOCALHOST:8788', 200],
    ['127.0.0.1:8788', 200],
    ['127.0.0.2', 200],
    ['[::1]:8788', 200],
    ['evil.example', 403],
    ['evil.example:8788', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['127.0.0.1:8788@evil.example', 403],
    ['evil.example#localhost', 403],
    ['localhost:8788:1', 403],
    ['10.0.0.1', 403],
    ['0.0.0.0', 403],
    ['[::]', 403],
  ])('answers the Host header "%s" with %i, so that no rebound name can read it', async (host, status) => {
    for (const path of ['/admin/policy', '/metrics', '/readyz', '/healthz']) {
      expect((await ask(admin.port, path, { headers: { host } })).status).toBe(status)
    }
  })

  it.each(['GET /metrics HTTP/1.0\r\n\r\n', 'GET /metrics HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'])(
    'refuses a request that names no host: %j',
    async (head) => {
      const socket = connect(admin.port, '127.0.0.1')
      socket.write(head)
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 403/)
    },
  )

  it.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'http://localhost:3000' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: '' }, 403],
    [{ referer: 'https://evil.example/page' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://localhost:8788' }, 403],
    [{ origin: 'http://localhost:8788' }, 200],
    [{ referer: 'http://localhost:8788/console' }, 200],
    [{ origin: 'http://localhost:8788', 'sec-fetch-site': 'same-origin' }, 200],
    [{}, 200],
  ])('answers a write with the headers %o with %i', async (headers, status) => {
    const put = { method: 'PUT', headers: { host: 'localhost:8788', ...yaml, ...headers }, body: 'providers: {}' }
    expect((await ask(admin.port, '/admin/policy', put)).status).toBe(status)
  })

  it('offers nothing to the scripts of other sites', async () => {
    const { headers } = await ask(admin.port, '/admin/policy', { headers: { origin: 'https://evil.example' } })
    expect(headers['access-control-allow-origin']).toBeUndefined()
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
    expect(headers['cache-control']).toBe('no-store')
  })
})

describe('starting the admin port', () => {
  it.each([
    ['every address without a token', { host: '0.0.0.0', port: 0 }, noTokens, /loopback.*found 0\.0\.0\.0:0/],
    ['every IPv6 address without a token', { host: '::', port: 0 }, noTokens, /loopback/],
    ['a network address without a token', { host: '192.168.1.5', port: 0 }, noTokens, /loopback/],
    ['a name without a token', { host: 'proxy.internal', port: 0 }, noTokens, /loopback/],
    ['an empty token', { host: '0.0.0.0', port: 0 }, { token: ' ', readToken: undefined }, /not empty/],
    ['an empty read token', loopback, { token: 'a', readToken: '' }, /not empty/],
    ['a read token alone', loopback, { token: undefined, readToken: 'a' }, /full rights/],
    ['one token for both', loopback, { token: 'a', readToken: 'a' }, /differ/],
  ])('is refused for %s, with what to do', async (_, listen, given, message) => {
    await expect(start({ listen, tokens: given })).rejects.toThrow(message)
  })

  it('opens on every address when there is a token', async () => {
    const admin = await start({ listen: { host: '0.0.0.0', port: 0 }, tokens })
    onTestFinished(() => admin.close())
    expect((await ask(admin.port, '/healthz')).status).toBe(200)
  })

  it('says who to look for when the port is taken', async () => {
    const first = await start({})
    onTestFinished(() => first.close())
    await expect(start({ listen: { host: '127.0.0.1', port: first.port } })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${first.port}: another process holds it`,
    )
  })
})
