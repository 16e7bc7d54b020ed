import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { AdminPorts, TraceFilter } from '../../src/admin/ports.ts'
import type { Log } from '../../src/domain/ports.ts'
import { adminPorts } from '../fakes/admin-ports.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'
import { silentLog } from '../fakes/silent-log.ts'

const traceId = '0199a0b0-0000-7000-8000-000000000001'
describe('traces', () => {
  const recording = () => {
    const filters: TraceFilter[] = []
    const recentTraces: AdminPorts['recentTraces'] = async (filter) => {
      filters.push(filter)
      return { kind: 'ok', value: [{ trace_id: traceId, cost_usd: '0.002000000000' }] }
    }
    return { filters, recentTraces }
  }

  it('are listed as the store has them, the last hour by default', async () => {
    const { filters, recentTraces } = recording()
    const { port } = await openAdmin({ recentTraces })
    expect((await ask(port, '/admin/traces')).json).toEqual({
      traces: [{ trace_id: traceId, cost_usd: '0.002000000000' }],
    })
    expect(filters).toEqual([{ limit: 50, minutes: 60, equals: {}, status: undefined }])
  })

  it('are filtered by what the query names', async () => {
    const { filters, recentTraces } = recording()
    const { port } = await openAdmin({ recentTraces })
    const query = 'limit=10&minutes=1440&status=429&requested_model=gpt%2F5%20%27mini&outcome=refused&team='
    expect((await ask(port, `/admin/traces?${query}`)).status).toBe(200)
    expect(filters).toEqual([
      {
        limit: 10,
        minutes: 1440,
        equals: { requested_model: "gpt/5 'mini", outcome: 'refused', team: '' },
        status: 429,
      },
    ])
  })

  it.each([
    ['limit=0', /limit: expected a whole number from 1 to 1000, found "0"/],
    ['limit=1001', /limit/],
    ['limit=1e2', /limit/],
    ['limit=', /limit/],
    ['minutes=999999', /minutes: expected a whole number from 1 to 10080/],
    ['status=-1', /status/],
    ['model=x', /Unknown parameter "model"\. Known: limit, minutes, status, route/],
    ['route=a&route=b', /"route" is given twice/],
    ['__proto__=x', /Unknown parameter "__proto__"/],
  ])('refuse the query %s and say what they expect', async (query, message) => {
    const { filters, recentTraces } = recording()
    const { port } = await openAdmin({ recentTraces })
    const answered = await ask(port, `/admin/traces?${query}`)
    expect(answered.status).toBe(400)
    expect(answered.json).toMatchObject({ error: { code: 'bad_request', message: expect.stringMatching(message) } })
    expect(filters).toEqual([])
  })

  it('show one with its attempts', async () => {
    const rows = { trace: { trace_id: traceId }, attempts: [{ role: 'primary' }, { role: 'fallback' }] }
    const asked: string[] = []
    const { port } = await openAdmin({
      trace: async (id) => {
        asked.push(id)
        return { kind: 'ok', value: rows }
      },
    })
    expect((await ask(port, `/admin/traces/${traceId.toUpperCase()}`)).json).toEqual({ ...rows, content: null })
    expect(asked).toEqual([traceId])
  })

  it('tell an unknown id from one that is none', async () => {
    const { port } = await openAdmin()
    expect(await ask(port, `/admin/traces/${traceId}`)).toMatchObject({
      status: 404,
      json: { error: { code: 'not_found' } },
    })
    expect((await ask(port, "/admin/traces/1'or'1")).status).toBe(400)
    expect((await ask(port, '/admin/traces/%ff')).status).toBe(400)
  })

  it('are summed up over the minutes asked for', async () => {
    const { port } = await openAdmin({
      summary: async (minutes) => ({ kind: 'ok', value: [{ minutes_asked: minutes }] }),
    })
    expect((await ask(port, '/admin/summary?minutes=15')).json).toEqual({ minutes: 15, rows: [{ minutes_asked: 15 }] })
    expect((await ask(port, '/admin/summary?hours=1')).status).toBe(400)
  })

  it('say that ClickHouse is away rather than that there are none', async () => {
    const away = async () => ({ kind: 'unavailable', detail: 'connect ECONNREFUSED' }) as const
    const { port } = await openAdmin({ recentTraces: away, trace: away, summary: away })
    for (const path of ['/admin/traces', `/admin/traces/${traceId}`, '/admin/summary']) {
      const answered = await ask(port, path)
      expect(answered).toMatchObject({ status: 503, json: { error: { code: 'store_unavailable' } } })
      expect(answered.headers['retry-after']).toBe('5')
    }
  })
})

describe('GET /admin/store', () => {
  const { kind, state, detail } = adminPorts().storeView()

  it('keeps credentials out of the address', async () => {
    const url = 'https://u:secret@ch.example:8443/?password=secret'
    const access = { url, database: 'understudy', readOnly: { username: 'ro', password: 'secret' } }
    const { port } = await openAdmin({ storeView: () => ({ kind, state, detail, access }) })
    const { json, body } = await ask(port, '/admin/store')
    expect(body).not.toContain('secret')
    expect(json).toEqual({
      kind: 'embedded',
      state: 'ready',
      detail: 'ClickHouse is ready.',
      access: {
        url: 'https://ch.example:8443/',
        database: 'understudy',
        read_only: { username: 'ro', password: null },
      },
    })
  })

  it('says null where there is nothing to look at', async () => {
    const { port } = await openAdmin({ storeView: () => ({ kind, state, detail, access: undefined }) })
    expect((await ask(port, '/admin/store')).json).toMatchObject({ access: null })
  })
})

describe('the admin port', () => {
  it('serves the metrics in their own type', async () => {
    const { port } = await openAdmin()
    const answered = await ask(port, '/metrics')
    expect(answered.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(answered.body).toBe('up 1\n')
    expect(await ask(port, '/metrics', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })

  it.each([
    ['GET', '/', 404, 'not_found', undefined],
    ['GET', '/admin', 404, 'not_found', undefined],
    ['GET', '/admin/traces/a/b', 404, 'not_found', undefined],
    ['GET', '/v1/chat/completions', 404, 'not_found', undefined],
    ['POST', '/admin/policy', 405, 'method_not_allowed', 'GET, PUT'],
    ['DELETE', '/admin/traces', 405, 'method_not_allowed', 'GET'],
    ['PUT', '/metrics', 405, 'method_not_allowed', 'GET'],
  ])('answers %s %s with JSON', async (method, path, status, code, allow) => {
    const { port } = await openAdmin()
    const answered = await ask(port, path, { method })
    expect(answered).toMatchObject({ status, json: { error: { code } } })
    expect(answered.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answered.headers.allow).toBe(allow)
  })

  it('answers a bug in a port function with 500, says nothing about it, and logs it', async () => {
    const errors: unknown[] = []
    const log: Log = { ...silentLog, error: (event, fields) => errors.push([event, fields]) }
    const bug = new Error('secret detail')
    const failing = (): never => {
      throw bug
    }
    const { port } = await openAdmin({ storeView: failing, summary: async () => failing() }, log)
    for (const path of ['/admin/store', '/admin/summary']) {
      const answered = await ask(port, path)
      expect(answered).toMatchObject({ status: 500, json: { error: { code: 'internal' } } })
      expect(answered.body).not.toContain('secret')
    }
    expect(errors).toEqual([
      ['admin_request_failed', { path: '/admin/store', bug }],
      ['admin_request_failed', { path: '/admin/summary', bug }],
    ])
  })

  it('gives up on a port function that does not come back, and stops it', async () => {
    const errors: string[] = []
    const { promise, reject } = Promise.withResolvers<never>()
    const summary: AdminPorts['summary'] = (_, signal) => {
      signal.addEventListener('abort', () => reject(new Error('stopped')))
      return promise
    }
    const { port } = await openAdmin({ summary }, { ...silentLog, error: (event) => errors.push(event) }, 50)
    expect(await ask(port, '/admin/summary')).toMatchObject({ status: 504, json: { error: { code: 'timeout' } } })
    await expect(promise).rejects.toThrow('stopped')
    expect(errors).toEqual([])
  })

  it('stops the work for a client that has gone', async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<string>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { port } = await openAdmin({
      summary: (_, signal) => {
        signal.addEventListener('abort', () => resolve('stopped'))
        begin()
        return new Promise(() => undefined)
      },
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /admin/summary HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await begun
    socket.destroy()
    expect(await stopped).toBe('stopped')
  })

  it('closes with idle connections open, once or twice', async () => {
    const admin = await openAdmin()
    const socket = connect(admin.port, '127.0.0.1')
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(socket, 'data')
    const ended = text(socket)
    await Promise.all([admin.close(), admin.close()])
    await ended
    await expect(ask(admin.port, '/healthz')).rejects.toThrow('ECONNREFUSED')
  })

  it('answers what is not HTTP and goes on', async () => {
    const { port } = await openAdmin()
    const socket = connect(port, '127.0.0.1')
    socket.write('\x16\x03\x01 not http\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400/)
    expect((await ask(port, '/healthz')).status).toBe(200)
  })
})
