import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { adminRoutes } from '../../src/admin/routes.ts'
import { anAdminCall } from '../fakes/admin-arbitrary.ts'
import { adminPorts } from '../fakes/admin-ports.ts'
import { startApp } from '../fakes/an-app.ts'
import type { TestApp } from '../fakes/an-app.ts'
import { ask } from '../fakes/ask.ts'
import { learnAdmin } from '../fakes/learn-admin.ts'
import { sendAdminCalls } from '../fakes/send-admin-calls.ts'

// The same requests as in property/admin-requests, to the whole proxy with its engine.
const SEED = 20_261_121
const tokens = { full: 'full-token-0123456789abcdef', read: 'read-token-0123456789abcdef' }
const SERVER_KEY = 'sk-of-the-server-0123456789'
const HEADER_KEY = 'a-key-in-a-header-0123456789'
const target = { routes: adminRoutes(adminPorts()), tokens }
const untouched = Object.getOwnPropertyNames(Object.prototype)

let app: TestApp
let port = 0
beforeAll(async () => {
  app = await startApp({
    admin: { listen: '127.0.0.1:0', token: tokens.full, read_token: tokens.read },
    providers: {
      openai: {
        dialect: 'openai',
        base_url: 'http://127.0.0.1:9',
        api_key: SERVER_KEY,
        headers: { 'x-second-key': HEADER_KEY },
      },
    },
    routes: { half: { match: { team: 'x' }, strategy: 'balance', targets: ['openai/a', 'openai/b'] } },
  })
  port = Number(new URL(app.adminUrl).port)
})
afterAll(() => app.close())

const asFull = { headers: { authorization: `Bearer ${tokens.full}` } }

/** What a request may change: the policy and its file. */
async function state(): Promise<unknown> {
  const { json } = await ask(port, '/admin/policy', asFull)
  return { policy: json, file: readFileSync(app.configFile, 'utf8') }
}

it('3 000 generated requests with any token or none are answered in time, tell no secret and leave no error', async () => {
  const learnt = await learnAdmin(port, target.routes, tokens.full)
  expect(learnt.fields).toContain('weights')
  await sendAdminCalls(port, anAdminCall({ ...target, learnt, ids: ['half', 'half', 'half'] }), {
    count: 3_000,
    seed: SEED,
    secrets: [...Object.values(tokens), SERVER_KEY, HEADER_KEY],
    afterBatch: () => {
      expect(
        app
          .log()
          .split('\n')
          .filter((line) => line.includes('"admin_request_failed"')),
      ).toEqual([])
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(untouched)
    },
  })
  // Deep enough to have changed something where that is allowed.
  expect(app.log()).toContain('"weights_changed"')
  expect((await ask(port, '/readyz', asFull)).status).toBe(200)
})

it('3 000 generated requests without a valid token change neither the policy nor its file nor a row', async () => {
  const before = await state()
  const rows = await counts()
  expect(rows.length).toBeGreaterThan(5)
  const strangers = anAdminCall(target).filter(({ presented }) => presented === 'none' || presented === 'odd')
  await sendAdminCalls(port, strangers, {
    count: 3_000,
    seed: SEED + 1,
    secrets: [SERVER_KEY, HEADER_KEY],
    afterBatch: async () => expect(await state()).toEqual(before),
  })
  expect(await counts()).toEqual(rows)
})

it('no secret of the config is a row of any table', async () => {
  const tables = await counts()
  const held = await Promise.all(
    tables.map(({ name }) => app.rows(`SELECT * FROM understudy.\`${String(name)}\` LIMIT 1000`)),
  )
  const text = JSON.stringify(held)
  expect(text).toContain('x-second-key')
  for (const secret of [...Object.values(tokens), SERVER_KEY, HEADER_KEY]) expect(text).not.toContain(secret)
})

/** Rows of every table. */
function counts(): ReturnType<TestApp['rows']> {
  return app.rows(
    `SELECT name, total_rows FROM system.tables WHERE database = 'understudy' AND total_rows IS NOT NULL ORDER BY name`,
  )
}
