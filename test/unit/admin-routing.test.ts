import { expect, it } from 'vitest'
import { aPolicyView } from '../fakes/admin-ports.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

it('GET /admin/policy lists every route in order, with what it matches, its strategy and its fallback rules', async () => {
  const { policy } = aRoutingState(`
routes:
  first:
    match:
      model: gpt-*
      headers: { X-Env: [a, b] }
      tags: { app: x }
      turn: { from: 2 }
      stream: false
      hours: { between: 22:00-06:00, zone: Europe/Berlin, days: sat-sun }
    target: openai/a
    fallbacks: second/b
    fallback: { on: error, answer_timeout: 5s, retries: 2 }
  second: { match: { team: t }, strategy: balance, targets: [openai/a, { target: second/b, weight: 2.5 }] }
  third:
    rules: [{ name: tools, when: { needs: [tools, json] }, target: openai/a }]
    otherwise: openai/b
aliases: { fast: b, far: second/c }
labels: { task: [{ label: math, when: { keywords: sum, pattern: 'a+', has_code: false, input_tokens: { below: 9 } } }] }
models: { a: { context_tokens: 5, lacks: audio } }
`)
  const { port } = await openAdmin({ policyView: () => aPolicyView({ policy }) })
  const { json } = await ask(port, '/admin/policy')
  const fallback = {
    on: ['error', 'rate_limit', 'slow_answer', 'slow_first_token', 'context_window'],
    answer_timeout_ms: 30_000,
    first_token_timeout_ms: 10_000,
    max_attempts: 4,
    retries: 0,
  }
  expect(json).toMatchObject({
    effective: {
      routes: [
        {
          name: 'first',
          dialect: 'openai',
          match: {
            model: ['gpt-*'],
            headers: { 'x-env': ['a', 'b'] },
            tags: { app: ['x'] },
            turn: { from: 2 },
            stream: false,
            hours: { from_minute: 1320, to_minute: 360, zone: 'Europe/Berlin', days: [6, 7] },
          },
          strategy: 'fixed',
          target: 'openai/a',
          fallbacks: ['second/b'],
          fallback: { ...fallback, on: ['error'], answer_timeout_ms: 5000, retries: 2 },
        },
        {
          name: 'second',
          match: { team: ['t'] },
          strategy: 'balance',
          targets: [
            { target: 'openai/a', weight: 1 },
            { target: 'second/b', weight: 2.5 },
          ],
          fallbacks: [],
          fallback,
        },
        {
          name: 'third',
          match: {},
          strategy: 'rules',
          rules: [{ name: 'tools', when: { needs: ['tools', 'json'] }, target: 'openai/a' }],
          otherwise: 'openai/b',
        },
      ],
      aliases: { fast: 'b', far: 'second/c' },
      labels: {
        task: [
          { label: 'math', when: { keywords: ['sum'], pattern: 'a+', has_code: false, input_tokens: { below: 9 } } },
        ],
        complexity: [],
      },
      models: { a: { context_tokens: 5, lacks: ['audio'] } },
    },
  })
})
