import { expect, it } from 'vitest'
import type { EraseRequest, EraseStatus } from '../../src/admin/ports.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

const post = (body: string, type = 'application/json') => ({
  method: 'POST',
  headers: { 'content-type': type },
  body,
})

it('an erasure is started for whom it is asked, and told of without a name', async () => {
  const asked: EraseRequest[] = []
  const eraseStatus = (): EraseStatus => ({
    kind: 'done',
    isDryRun: false,
    tables: [{ table: 'contents', rows: 3, action: 'deleted' }],
  })
  const { port } = await openAdmin({
    eraseUser: (request) => {
      asked.push(request)
      return 'started'
    },
    eraseStatus,
  })
  const answer = await ask(port, '/admin/erasure', post('{"user":"jo@b.de","before":"2026-11-20","dry_run":true}'))
  expect(answer.status).toBe(202)
  await ask(port, '/admin/erasure', post('{"user":"jo@b.de"}'))
  expect(asked).toEqual([
    { user: 'jo@b.de', before: Date.UTC(2026, 10, 20), isDryRun: true },
    { user: 'jo@b.de', before: undefined, isDryRun: false },
  ])
  const told = await ask(port, '/admin/erasure')
  expect(told.json).toEqual({
    erasure: { state: 'done', is_dry_run: false, tables: [{ table: 'contents', rows: 3, action: 'deleted' }] },
  })
  expect(JSON.stringify([answer.json, told.json])).not.toContain('jo@')
})

it.each([
  '',
  '[]',
  '{}',
  '{"user":""}',
  '{"user":7}',
  `{"user":"${'x'.repeat(5_000)}"}`,
  '{"user":"a","before":"yesterday"}',
  '{"user":"a","before":"2026-02-31T10:00:00Z"}',
  '{"user":"a","before":7}',
  '{"user":"a","dry_run":"yes"}',
  '{"user":"a","user_id":"b"}',
])('what is no erasure is refused, and nobody is erased: %s', async (body) => {
  let started = 0
  const { port } = await openAdmin({
    eraseUser: () => {
      started += 1
      return 'started'
    },
  })
  expect(await ask(port, '/admin/erasure', post(body))).toMatchObject({ status: 400 })
  expect(await ask(port, '/admin/erasure', post('{"user":"a"}', 'text/plain'))).toMatchObject({ status: 415 })
  expect(started).toBe(0)
})

it.each([
  ['busy', 409],
  ['unavailable', 503],
] as const)('an erasure that cannot begin (%s) is answered %i', async (reason, status) => {
  const { port } = await openAdmin({ eraseUser: () => reason })
  expect(await ask(port, '/admin/erasure', post('{"user":"a"}'))).toMatchObject({ status })
})
