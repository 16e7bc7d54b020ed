import { describe, expect, it } from 'vitest'
import { createCell } from '../../src/domain/cell.ts'
import { explainDescribed } from '../../src/compose/explain-described.ts'
import { NO_TARGETS } from '../../src/domain/routing/health-report.ts'
import type { World } from '../../src/domain/ports.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

const world: World = {
  now: () => Date.UTC(2026, 10, 20, 12),
  monotonic: () => 0,
  newId: () => '01a1f911-5188-7c72-a105-cf8427e19a66',
}
const FILE = `routes:
  team: { match: { team: research, headers: { x-env: prod }, tags: { app: a } }, target: second/b }
  short:
    match: { model: gpt-4o* }
    rules:
      - { name: tools, when: { needs: tools }, target: second/c }
      - { name: billing, when: { task: billing }, target: openai/d }
    otherwise: openai/e
    fallbacks: [keyless/f, openai/g]
labels:
  task_types: [billing, technical]
  task:
    - { label: billing, when: { keywords: [refund, credit note] } }
models: { openai/g: { context_tokens: 10 } }
`
const BODY = {
  model: 'gpt-4o',
  messages: [{ role: 'user', content: 'I want a REFUND, please, for what I never bought.' }],
}

async function explained(described: unknown): Promise<{ status: number; json: unknown }> {
  const { port } = await openAdmin({
    explain: explainDescribed(createCell(aRoutingState(FILE)), world, () => NO_TARGETS),
  })
  const headers = { 'content-type': 'application/json' }
  const { status, json } = await ask(port, '/admin/route', { method: 'POST', headers, body: JSON.stringify(described) })
  return { status, json }
}

describe('POST /admin/route', () => {
  it('tells facts, labels, rule, targets with what speaks against them, and why each route does not match', async () => {
    const { status, json } = await explained({
      body: BODY,
      headers: { 'X-Understudy-Session': 's1', 'x-env': 'staging' },
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      facts: {
        api: 'chat_completions',
        model: 'gpt-4o',
        task: 'billing',
        task_source: 'rule',
        needs: [],
        unit_source: 'session',
      },
      alias: null,
      decision: { route: 'short', rule: 'billing', refused: null, reasons: ['rule_held'] },
      targets: [
        { target: 'second/c', place: null, rejected: null },
        { target: 'openai/d', place: 1, rejected: null },
        { target: 'openai/e', place: null, rejected: null },
        { target: 'keyless/f', place: null, rejected: 'no_key' },
        { target: 'openai/g', place: null, rejected: 'context_window' },
      ],
      rules: [
        { name: 'tools', failed: [{ field: 'needs', expected: 'tools', found: 'nothing' }] },
        { name: 'billing', failed: [] },
      ],
      routes: [
        {
          name: 'team',
          chosen: false,
          failed: [
            { field: 'team', expected: 'research', found: 'nothing' },
            { field: 'headers.x-env', expected: 'prod', found: 'staging' },
            { field: 'tags.app', expected: 'a', found: 'nothing' },
          ],
        },
        { name: 'short', chosen: true, failed: [] },
      ],
    })
    expect(JSON.stringify(json)).not.toContain('REFUND')
  })

  it('tells who keeps what the request goes on from, and whom that leaves out', async () => {
    const asking = async (more: object): Promise<unknown> =>
      (await explained({ path: '/v1/responses', body: { model: 'gpt-4o', input: 'x', ...more } })).json
    expect(await asking({ tools: [{ type: 'custom' }], conversation: 'conv_1' })).toMatchObject({
      facts: { stored_at: 'openai' },
      targets: expect.arrayContaining([expect.objectContaining({ target: 'second/c', rejected: 'stored_elsewhere' })]),
    })
    expect(await asking({ previous_response_id: 'resp_1' })).toMatchObject({ facts: { stored_at: 'unknown' } })
    expect(await asking({})).toMatchObject({ facts: { stored_at: null } })
  })

  it('reads the request by its path, as the data port does', async () => {
    const body = { model: 'claude-x', max_tokens: 5, messages: [] }
    const { json } = await explained({ path: '/v1/messages', body })
    expect(json).toMatchObject({ facts: { dialect: 'anthropic', api: 'messages' }, decision: { route: 'default' } })
  })

  it.each([
    ['no object', 'x'],
    ['another field', { bod: {} }],
    ['a path that is none', { path: 'v1' }],
    ['headers that are none', { headers: 'x' }],
    ['a header that is no text', { headers: { a: 1 } }],
    ['a path that no route sees', { path: '/v1/models' }],
    ['a provider that is not there', { path: '/p/nobody/v1/chat/completions' }],
  ])('answers 400 to %s', async (_, described) => {
    expect((await explained(described)).status).toBe(400)
  })

  it('takes JSON alone, a type that no form of a web page can send', async () => {
    const { port } = await openAdmin({ explain: () => ({ error: 'not_routed' }) })
    expect(
      (await ask(port, '/admin/route', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }))
        .status,
    ).toBe(415)
  })
})
