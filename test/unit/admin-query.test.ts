import { expect, it } from 'vitest'
import type { AdminPorts } from '../../src/admin/ports.ts'
import { startAdmin } from '../../src/admin/server.ts'
import { adminPorts } from '../fakes/admin-ports.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'
import { silentLog } from '../fakes/silent-log.ts'

const sqlBody = { method: 'POST', headers: { 'content-type': 'application/sql' }, body: 'SELECT 1' }

it('a query is handed over as it came, a thousand rows by default, and its rows come back in the order of the columns', async () => {
  const asked: (readonly [string, number])[] = []
  const query: AdminPorts['query'] = async (sql, limit) => {
    asked.push([sql, limit])
    return { kind: 'ok', columns: [{ name: 'a', type: 'UInt64' }], rows: [['1']], isCut: true }
  }
  const { port } = await openAdmin({ query })
  const answer = await ask(port, '/admin/query', { ...sqlBody, body: 'SELECT 1 AS a -- ü\n' })
  expect(answer.json).toEqual({ columns: [{ name: 'a', type: 'UInt64' }], rows: [['1']], is_cut: true })
  await ask(port, '/admin/query?limit=7', sqlBody)
  expect(asked).toEqual([
    ['SELECT 1 AS a -- ü\n', 1000],
    ['SELECT 1', 7],
  ])
})

it.each([
  ['refused', 400, 'invalid_query', 'The function file cannot be used here.'],
  ['unavailable', 503, 'store_unavailable', 'ClickHouse does not answer: away'],
] as const)('a query that is %s is answered %i with the reason', async (kind, status, code, message) => {
  const detail = kind === 'refused' ? message : 'away'
  const { port } = await openAdmin({ query: async () => ({ kind, detail }) })
  expect(await ask(port, '/admin/query', sqlBody)).toMatchObject({ status, json: { error: { code, message } } })
})

it.each([
  ['?limit=0', {}, 400],
  ['?limit=10001', {}, 400],
  ['?sql=x', {}, 400],
  ['', { headers: { 'content-type': 'text/plain' } }, 415],
  ['', { headers: {} }, 415],
  ['', { body: Buffer.from([0xff]) }, 400],
  ['', { method: 'PUT' }, 405],
])('what is no query is refused: %s %o', async (path, parts, status) => {
  const { port } = await openAdmin({ query: () => Promise.reject(new Error('asked')) })
  expect(await ask(port, `/admin/query${path}`, { ...sqlBody, ...parts })).toMatchObject({ status })
})

it('either token may ask, and nobody without one', async () => {
  const tokens = { token: 'full-token-0123456789', readToken: 'read-token-0123456789' }
  const admin = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    tokens,
    ports: adminPorts(),
    log: silentLog,
  })
  const statusWith = async (headers: Record<string, string>): Promise<number> =>
    (await ask(admin.port, '/admin/query', { ...sqlBody, headers: { ...sqlBody.headers, ...headers } })).status
  expect(await statusWith({ authorization: `Bearer ${tokens.token}` })).toBe(200)
  expect(await statusWith({ authorization: `Bearer ${tokens.readToken}` })).toBe(200)
  expect(await statusWith({})).toBe(401)
  await admin.close()
})

it('a web page cannot ask a port without a token', async () => {
  const { port } = await openAdmin()
  const foreign = { ...sqlBody.headers, host: `127.0.0.1:${port}`, origin: 'https://evil.example' }
  expect(await ask(port, '/admin/query', { ...sqlBody, headers: foreign })).toMatchObject({ status: 403 })
})
