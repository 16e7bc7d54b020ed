import { expect, it } from 'vitest'
import type { AdminPorts } from '../../src/admin/ports.ts'
import type { ChangeAnswer, ChangeRequest } from '../../src/domain/changes/change-request.ts'
import { weightsViews } from '../../src/domain/changes/weights-view.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

const { policy } = aRoutingState(`routes:
  chat: { match: { model: gpt-* }, strategy: weighted, targets: [{ target: openai/a, weight: 9 }, { target: second/b, weight: 1 }] }
`)
const AWAY: ChangeAnswer = { kind: 'unavailable', detail: 'the store is away' }

/** An admin port whose changes are answered with `answer` and remembered. */
async function open(answer: ChangeAnswer = AWAY, parts: Partial<AdminPorts> = {}) {
  const asked: ChangeRequest[] = []
  const admin = await openAdmin({
    weights: () => weightsViews(policy, undefined, () => undefined),
    changeWeights: async (request) => {
      asked.push(request)
      return answer
    },
    ...parts,
  })
  return { port: admin.port, asked }
}

const put = (port: number, body: unknown, headers: Record<string, string> = {}) =>
  ask(port, '/admin/weights/chat', {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

it('a change names the route, what is wanted, who wants it, why, and on top of what', async () => {
  const { port, asked } = await open()
  await put(
    port,
    { weights: { 'openai/a': 0.5 }, pins: ['second/b'], reason: 'r' },
    { 'if-match': '"e1"', 'x-understudy-actor': ' ada ' },
  )
  await put(port, { tasks: { math: { 'openai/a': 1, 'second/b': 0 } } })
  await put(port, { pins: [] }, { 'if-match': '*' })
  await ask(port, '/admin/weights/chat?reason=enough', { method: 'DELETE', headers: { 'if-match': 'e2' } })
  expect(asked).toEqual([
    {
      route: 'chat',
      wish: { weights: { 'openai/a': 0.5 }, pins: ['second/b'] },
      actor: 'ada',
      reason: 'r',
      ifMatch: 'e1',
    },
    {
      route: 'chat',
      wish: { weights: {}, pins: undefined, tasks: { math: { 'openai/a': 1, 'second/b': 0 } } },
      actor: 'unauthenticated@127.0.0.1',
      reason: '',
      ifMatch: undefined,
    },
    {
      route: 'chat',
      wish: { weights: {}, pins: [] },
      actor: 'unauthenticated@127.0.0.1',
      reason: '',
      ifMatch: undefined,
    },
    { route: 'chat', wish: undefined, actor: 'unauthenticated@127.0.0.1', reason: 'enough', ifMatch: 'e2' },
  ])
})

it.each([
  ['[]', 'found no JSON object'],
  ['{"weights": {"openai/a": 1}', 'found no JSON object'],
  ['{"weight": {"openai/a": 1}}', 'found another field'],
  ['{"weights": [1]}', 'found weights that are no object'],
  ['{"weights": {"openai/a": "1"}}', 'found a weight that is no number'],
  ['{"tasks": []}', 'found tasks that are no object'],
  ['{"tasks": {"math": 1}}', 'found weights that are no object'],
  ['{"tasks": {"math": {"openai/a": null}}}', 'found a weight that is no number'],
  ['{"pins": "second/b"}', 'found pins that are no list of targets'],
  ['{"reason": "why not"}', 'found neither weights nor pins'],
  ['{"weights": {"openai/a": 1}, "reason": 1}', 'found a reason that is no text'],
])('%s changes nothing, and the answer says what was expected', async (body, found) => {
  const { port, asked } = await open()
  const { status, json } = await put(port, body)
  expect(status).toBe(400)
  expect(JSON.stringify(json)).toContain(`Expected {\\"weights\\": {\\"<target>\\": 1}`)
  expect(JSON.stringify(json)).toContain(found)
  expect(asked).toEqual([])
})

it.each<[ChangeAnswer, number, string]>([
  [{ kind: 'refused', fault: 'no such route', isUnknownRoute: true }, 404, 'not_found'],
  [{ kind: 'refused', fault: 'no such target', isUnknownRoute: false }, 422, 'invalid_weights'],
  [{ kind: 'conflict', found: 'e9' }, 412, 'conflict'],
  [AWAY, 503, 'store_unavailable'],
])('%j is answered %i %s', async (answer, status, code) => {
  const { port } = await open(answer)
  expect(await put(port, { pins: [] })).toMatchObject({ status, json: { error: { code } } })
})

it('a body of another type, an unknown route to look at, and an unknown parameter are refused', async () => {
  const { port } = await open()
  expect((await put(port, '{}', { 'content-type': 'text/plain' })).status).toBe(415)
  const missing = await ask(port, '/admin/weights/nobody')
  expect(missing).toMatchObject({ status: 404 })
  expect(JSON.stringify(missing.json)).toContain('Known: chat.')
  expect((await ask(port, '/admin/changes?since=1')).status).toBe(400)
  expect((await ask(port, '/admin/weights')).json).toMatchObject({
    routes: [{ route: 'chat', live: false, tag: 'file', last_change: null, weights: { 'openai/a': 9, 'second/b': 1 } }],
  })
})

it('nobody who changes weights is taken for what changes them by itself', async () => {
  const { port, asked } = await open()
  for (const actor of ['understudy', 'config file', 'understudy-admin']) {
    await put(port, { pins: [] }, { 'x-understudy-actor': actor })
  }
  expect(asked.map(({ actor }) => actor)).toEqual(['understudy (by hand)', 'config file (by hand)', 'understudy-admin'])
})
