import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AdminPorts } from '../../src/admin/ports.ts'
import { adminRoutes } from '../../src/admin/routes.ts'
import { startAdmin } from '../../src/admin/server.ts'
import type { Admin } from '../../src/admin/server.ts'
import { anAdminCall } from '../fakes/admin-arbitrary.ts'
import { adminPorts } from '../fakes/admin-ports.ts'
import { ask } from '../fakes/ask.ts'
import { learnAdmin } from '../fakes/learn-admin.ts'
import { sendAdminCalls } from '../fakes/send-admin-calls.ts'
import { silentLog } from '../fakes/silent-log.ts'

// Every route of the admin port is in these tests by being in `adminRoutes`.
const ROUTES = adminRoutes(adminPorts())
const WRITES = ROUTES.filter(({ need }) => need === 'write')
const GUARDED = ROUTES.filter(({ need }) => need !== 'nothing')
/** What a stranger may cause to be read. */
const FOR_STRANGERS = ['readiness', 'prove']
const SEED = 20_261_120
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const tokens = { full: 'full-token-0123456789abcdef', read: 'read-token-0123456789abcdef' }
const untouched = Object.getOwnPropertyNames(Object.prototype)

/** A path that the route answers to. */
function concrete(path: string): string {
  return path.replace(/:\w+/g, '0199a0b0-0000-7000-8000-000000000001')
}

function bodyFor(method: string): { readonly body?: string } {
  return method === 'GET' ? {} : { body: '{}' }
}

/** Ports that write down who of them was called. */
function watchedPorts(called: string[]): AdminPorts {
  return new Proxy(adminPorts(), {
    get: (ports, name, receiver) => {
      called.push(String(name))
      return Reflect.get(ports, name, receiver)
    },
  })
}

describe('an admin port with tokens', () => {
  const called: string[] = []
  const errors: unknown[] = []
  let admin: Admin
  beforeAll(async () => {
    admin = await startAdmin({
      listen: { host: '127.0.0.1', port: 0 },
      tokens: { token: tokens.full, readToken: tokens.read },
      ports: watchedPorts(called),
      log: { ...silentLog, error: (event, fields) => void errors.push([event, fields]) },
      handlerTimeoutMs: 5_000,
    })
  })
  afterAll(() => admin.close())

  it('answers 3 000 generated requests in time and as JSON, fails in none and tells no secret', async () => {
    const learnt = await learnAdmin(admin.port, ROUTES, tokens.full)
    expect(learnt.fields).toEqual(expect.arrayContaining(['path', 'weights']))
    expect(learnt.parameters).toEqual(expect.arrayContaining(['minutes', 'from']))
    const calls = anAdminCall({ routes: ROUTES, tokens, learnt })
    const secrets = [...Object.values(tokens), 'sk-described-0123456789']
    await sendAdminCalls(admin.port, calls, {
      count: 3_000,
      seed: SEED,
      secrets,
      afterBatch: () => {
        expect(errors).toEqual([])
        expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(untouched)
      },
    })
  })

  it('does nothing at all for 2 000 generated requests without a valid token, but say that it is alive', async () => {
    const calls = anAdminCall({ routes: ROUTES, tokens }).filter(
      ({ presented }) => presented === 'none' || presented === 'odd',
    )
    called.length = 0
    await sendAdminCalls(admin.port, calls, {
      count: 2_000,
      seed: SEED + 1,
      secrets: Object.values(tokens),
      afterBatch: () => {
        expect(called.filter((port) => !FOR_STRANGERS.includes(port))).toEqual([])
      },
    })
    expect(called).toContain('readiness')
  })

  it.each(GUARDED)('$method $path asks for a token first', async ({ method, path }) => {
    called.length = 0
    expect((await ask(admin.port, concrete(path), { method, ...bodyFor(method) })).status).toBe(401)
    expect(called).toEqual([])
  })

  it.each(WRITES)('$method $path asks for the full token', async ({ method, path }) => {
    called.length = 0
    const headers = { authorization: `Bearer ${tokens.read}` }
    expect((await ask(admin.port, concrete(path), { method, headers, ...bodyFor(method) })).status).toBe(403)
    expect(called).toEqual([])
  })
})

describe('an admin port without tokens', () => {
  const called: string[] = []
  let admin: Admin
  beforeAll(async () => {
    admin = await startAdmin({
      listen: { host: '127.0.0.1', port: 0 },
      tokens: { token: undefined, readToken: undefined },
      ports: watchedPorts(called),
      log: silentLog,
    })
  })
  afterAll(() => admin.close())

  it.each(ROUTES)('$method $path answers under no name that a page can have been rebound from', async (route) => {
    const hosts = ['evil.example', `evil.example:${admin.port}`, 'localhost.evil.example', '0.0.0.0', '169.254.169.254']
    for (const host of hosts) {
      for (const method of new Set([route.method, ...METHODS])) {
        const { status } = await ask(admin.port, concrete(route.path), { method, headers: { host } })
        expect([host, method, status]).toEqual([host, method, 403])
      }
    }
  })

  const POSTS = ROUTES.filter(({ method }) => method !== 'GET')
  it.each(POSTS)('$method $path takes nothing from the page of another site, whatever type it sends', async (route) => {
    called.length = 0
    for (const type of ['application/yaml', 'application/json', 'application/sql', 'text/plain']) {
      for (const from of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
        const headers = { host: 'localhost', 'content-type': type, ...from }
        const { status } = await ask(admin.port, concrete(route.path), { method: route.method, headers, body: '{}' })
        expect([type, status]).toEqual([type, 403])
      }
    }
    expect(called).toEqual([])
  })
})
