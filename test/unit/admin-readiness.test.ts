import { describe, expect, it } from 'vitest'
import { readinessOf } from '../../src/admin/health.ts'
import { readinessFacts } from '../fakes/admin-ports.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

const fault = {
  file: 'PUT',
  line: 3,
  column: 5,
  path: 'providers.openai.dialect',
  text: 'expected openai, found opnai',
}

describe('readiness', () => {
  const { config, spool } = readinessFacts()
  const down = { kind: 'embedded', state: 'down', detail: 'connect ECONNREFUSED' } as const
  it.each([
    ['all is well', {}, 'ready', []],
    ['ClickHouse is down', { store: down }, 'degraded', ['store_down']],
    ['ClickHouse is starting', { store: { ...down, state: 'starting' } }, 'degraded', ['store_starting']],
    [
      'its tables are being brought up to date',
      { store: { ...down, state: 'migrating' } },
      'degraded',
      ['store_migrating'],
    ],
    ['ClickHouse can never be', { store: { ...down, state: 'failed' } }, 'degraded', ['store_failed']],
    ['there is to be no store', { store: { kind: 'none', state: 'none', detail: 'x' } }, 'ready', []],
    [
      'the newer config is faulty',
      { config: { ...config, rejected: { since: 0, faults: [fault] } } },
      'degraded',
      ['config_rejected'],
    ],
    ['the spool is at 80 %', { spool: { ...spool, bytes: 800 } }, 'ready', []],
    ['the spool is above 80 %', { spool: { ...spool, bytes: 801 } }, 'degraded', ['spool_nearly_full']],
    ['all workers serve', { workers: { serving: 2, wanted: 2 } }, 'ready', []],
    ['a worker is missing', { workers: { serving: 1, wanted: 2 } }, 'degraded', ['workers_missing']],
    ['the data port is not open yet', { isServing: false }, 'starting', []],
    ['a shutdown has begun', { isDraining: true }, 'draining', []],
    [
      'a shutdown has closed the data port',
      { isDraining: true, isServing: false, store: down },
      'draining',
      ['store_down'],
    ],
  ] as const)('when %s', (_, facts, status, because) => {
    expect(readinessOf(readinessFacts(facts))).toEqual({ status, because })
  })

  it.each([
    ['ready', {}, 200],
    ['degraded', { store: down }, 200],
    ['starting', { isServing: false }, 503],
    ['draining', { isDraining: true }, 503],
  ] as const)('%s answers a probe with the right status', async (status, facts, code) => {
    const { port } = await openAdmin({ readiness: () => readinessFacts(facts) })
    const answered = await ask(port, '/readyz')
    expect(answered.status).toBe(code)
    expect(answered.json).toMatchObject({ status })
  })

  it('names every detail in the same shape', async () => {
    const { port } = await openAdmin({
      readiness: () =>
        readinessFacts({
          store: down,
          config: { ...config, rejected: { since: 1_000, faults: [fault] }, restartNeeded: ['listen'] },
        }),
    })
    expect((await ask(port, '/readyz')).json).toEqual({
      status: 'degraded',
      because: ['config_rejected', 'store_down'],
      config: {
        version: '0123456789abcdef',
        file: 'understudy.yaml',
        applied_at: '2026-11-20T12:00:00.000Z',
        rejected: { since: '1970-01-01T00:00:01.000Z', faults: [fault] },
        restart_needed: ['listen'],
      },
      store: { kind: 'embedded', state: 'down', detail: 'connect ECONNREFUSED' },
      spool: { rows: 0, bytes: 0, max_bytes: 1000, oldest_at: null, dropped_rows: 0, quarantined_rows: 0 },
    })
  })

  it('is not asked for by the liveness probe', async () => {
    const { port } = await openAdmin({
      readiness: () => {
        throw new Error('a bug')
      },
    })
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200, json: { status: 'alive' } })
  })
})
