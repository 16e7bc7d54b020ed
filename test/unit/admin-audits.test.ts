import { expect, test } from 'vitest'
import type { AuditCell, AuditRun, AuditStatus } from '../../src/domain/audit.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

const cell: AuditCell = {
  kind: 'route',
  path: 'chat',
  task: 'math',
  answered: 9,
  failed: 1,
  mean: 0.8,
  low: 0.5,
  high: 0.9,
  minimum: 0.9,
  isPassed: false,
  picoUsd: 1_500n,
}
const run: AuditRun = {
  audit: 'nightly',
  run: '2026-11-20T00:00:00.000Z',
  questionSet: '0123456789abcdef',
  endedAt: Date.UTC(2026, 10, 20, 0, 5),
  ending: 'complete',
  cells: [cell],
  policyVersion: 'abc',
}

test('an audit shows how it stands, when it is due again, and what its last run found', async () => {
  const status: AuditStatus = {
    audit: 'nightly',
    state: 'stuck',
    detail: 'golden.jsonl cannot be read.',
    asked: 3,
    questions: 10,
    nextAt: Date.UTC(2026, 10, 21),
    leftOut: [{ path: 'openai/*', why: 'it has whatever model is asked for' }],
    last: run,
    totals: { answered: 9, failed: 1, picoUsd: 1_500n },
  }
  const { port } = await openAdmin({ audits: () => [status, { ...status, audit: 'new', last: undefined }] })
  const { json } = await ask(port, '/admin/audits')
  expect(json).toMatchObject({
    audits: [
      {
        name: 'nightly',
        state: 'stuck',
        detail: 'golden.jsonl cannot be read.',
        next_at: '2026-11-21T00:00:00.000Z',
        left_out: [{ path: 'openai/*' }],
        totals: { cost_usd: '0.000000001500' },
        last: { ended_at: '2026-11-20T00:05:00.000Z', passed: false, cells: [{ path: 'chat', passed: false }] },
      },
      { name: 'new', last: null },
    ],
  })
})

async function send(sent: unknown, isAway = false) {
  const got: AuditRun[] = []
  const { port } = await openAdmin({
    keepAudit: async (asked) => {
      got.push(asked)
      return isAway ? { kind: 'unavailable', detail: 'away' } : { kind: 'ok', value: undefined }
    },
  })
  const headers = { 'content-type': 'application/json' }
  const { status } = await ask(port, '/admin/audits', { method: 'POST', headers, body: JSON.stringify({ run: sent }) })
  return { status, got }
}

const told = { ...run, cells: [{ ...cell, picoUsd: '1500' }] }

test('a run by hand is kept as one of the audit golden, under the policy in force, and judged here', async () => {
  const { status, got } = await send({ ...told, cells: [{ ...told.cells[0], isPassed: true }] })
  expect(status).toBe(200)
  expect(got).toEqual([{ ...run, audit: 'golden', policyVersion: expect.stringMatching(/^[\da-f]{16}$/) }])
  expect((await send(told, true)).status).toBe(503)
})

test.each([
  ['no run', undefined],
  ['no cells', { ...told, cells: [] }],
  ['another ending', { ...told, ending: 'stopped' }],
  ['a mean above one', { ...told, cells: [{ ...told.cells[0], mean: 2 }] }],
  ['a cell of no kind', { ...told, cells: [told.cells[0], { ...told.cells[0], kind: 'x' }] }],
])('%s is refused', async (_, sent) => {
  expect(await send(sent)).toEqual({ status: 400, got: [] })
})
