import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ANSWER, aRawRoute, callsOf, DONE, FAILED, FAILURE, streaming, whole } from '../fakes/a-raw-route.ts'
import { SPARE_KEY } from '../fakes/a-routed-proxy.ts'
import { valueOf } from '../fakes/http-message.ts'
import { aPost, exchangeRaw, RawClient } from '../fakes/raw-client.ts'

const route = aRawRoute(`
  elsewhere: { dialect: openai, base_url: 'http://127.0.0.1:9' }
routes:
  again: { match: { model: again }, target: openai/*, fallback: { retries: 1 } }
  keyless: { match: { model: keyless }, target: elsewhere/x }
  other: { match: { model: asked }, target: openai/served }
  away: { match: { model: away }, target: spare-openai/small }
  spared: { match: { model: 'm*' }, target: openai/*, fallbacks: [spare-openai/small] }
models:
  small: { max_output_tokens: 100, refuses: [temperature] }
`)

const CHAT = '/v1/chat/completions'
const ask = (body: string | Buffer, headers: readonly (readonly [string, string])[] = []) =>
  exchangeRaw(route().proxy.port, aPost(CHAT, body, headers))

describe('another target than the client asked for', () => {
  it('gets the same bytes but for the model’s name, and the client hears whose answer it has', async () => {
    route().primary.serve(whole(ANSWER))
    const answer = await ask('{ "model" : "asked",  "messages":[], "x":1e2 }')
    expect(answer.body.toString()).toBe(ANSWER)
    expect((await route().primary.calls[0]?.body)?.toString()).toBe('{ "model" : "served",  "messages":[], "x":1e2 }')
    expect(valueOf(answer.headers, 'x-understudy-model')).toBe('served')
    const record = await route().record()
    expect(record.request.model).toBe('asked')
    expect(record.attempts[0]).toMatchObject({ role: 'primary', target: { provider: 'openai', model: 'served' } })
  })

  it('gets what its model bears, and the record says what was changed for it', async () => {
    await ask('{"model":"away","max_tokens":500,"temperature":0.5,"messages":[]}')
    expect((await route().spare.calls[0]?.body)?.toString()).toBe('{"model":"small","max_tokens":100,"messages":[]}')
    const { attempts } = await route().record()
    expect(attempts[0]?.adaptations?.toSorted()).toEqual(['dropped:temperature', 'max_tokens_clamped:100'])
  })

  it('at another provider gets the server’s key, and nothing of the client’s account', async () => {
    await ask('{"model":"away","messages":[]}', [
      ['Authorization', 'Bearer sk-client'],
      ['OpenAI-Organization', 'org-client'],
      ['OpenAI-Project', 'proj-client'],
      ['Cookie', 'session=client'],
      ['X-Understudy-Team', 'client'],
      ['X-Kept', 'yes'],
    ])
    const headers = JSON.stringify(route().spare.calls[0]?.headers)
    expect(headers).toContain(SPARE_KEY)
    expect(headers).toContain('X-Kept')
    expect(headers).not.toContain('client"')
    expect(headers).not.toContain('sk-client')
  })

  it('gets a compressed body decoded where something in it changes, and as it came where nothing does', async () => {
    const gzip = [['Content-Encoding', 'gzip']] as const
    await ask(gzipSync('{"model":"away","messages":[]}'), gzip)
    const [changed] = route().spare.calls
    expect((await changed?.body)?.toString()).toBe('{"model":"small","messages":[]}')
    expect(valueOf(changed?.headers ?? [], 'content-encoding')).toBeUndefined()
    route().primary.serve(whole(ANSWER))
    await ask(gzipSync('{"model":"m","messages":[]}'), gzip)
    const [same] = route().primary.calls
    expect(valueOf(same?.headers ?? [], 'content-encoding')).toBe('gzip')
    expect(gunzipSync((await same?.body) ?? '').toString()).toBe('{"model":"m","messages":[]}')
  })

  it('is asked for usage where it understands that, and the client sees none that it has not asked for', async () => {
    route().primary.serve(whole(FAILURE, FAILED))
    const usage = 'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'
    route().spare.serve(streaming(DONE.replace('data: [DONE]', `${usage}data: [DONE]`), true))
    const answer = await ask('{"model":"m","stream":true,"messages":[]}')
    expect((await route().spare.calls[0]?.body)?.toString()).toContain('"include_usage":true')
    expect(answer.body.toString()).toBe(DONE)
    const { attempts } = await route().record()
    expect(attempts[1]?.usage?.textOutputTokens).toBe(4)
  })
})

describe('the same target once more', () => {
  const limited = 'HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after-ms: '

  it('is asked after the time that it asked for, and both calls are on the record', async () => {
    let calls = 0
    route().primary.serve((call) => (calls++ === 0 ? whole(FAILURE, `${limited}300`) : whole(ANSWER))(call))
    const since = performance.now()
    expect((await ask('{"model":"again","messages":[]}')).body.toString()).toBe(ANSWER)
    expect(performance.now() - since).toBeGreaterThan(290)
    const record = await route().record()
    expect(callsOf(record)).toEqual([
      ['primary', 'refused', undefined],
      ['primary', 'completed', 'rate_limit'],
    ])
    expect(record.overheadMs).toBeLessThan(200)
  })

  it('is not asked for a client that has left meanwhile', async () => {
    route().primary.serve(whole(FAILURE, `${limited}3000`))
    const client = new RawClient(route().proxy.port)
    const arrived = route().primary.next()
    await client.send(aPost(CHAT, '{"model":"again","messages":[]}'), 'POST')
    await (
      await arrived
    ).body
    setTimeout(() => client.socket.destroy(), 200)
    const record = await route().record()
    expect(record).toMatchObject({ status: 0, outcome: 'cancelled', error: 'client_closed' })
    expect(record.durationMs).toBeLessThan(2_500)
    expect(callsOf(record)).toEqual([['primary', 'refused', undefined]])
    expect(route().primary.calls).toHaveLength(1)
  })
})

it('a request without a target that may be called is refused, and the record says why', async () => {
  const answer = await ask('{"model":"keyless","messages":[]}')
  expect(answer.status).toBe(503)
  expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'understudy_no_usable_target' } })
  expect(answer.body.toString()).toContain('elsewhere/x (no_key)')
  expect(await route().record()).toMatchObject({
    status: 503,
    outcome: 'rejected',
    error: 'no_usable_target',
    decision: { route: 'keyless', rejected: [{ target: 'elsewhere/x', why: 'no_key' }] },
    inputs: { facts: { model: 'keyless' } },
    attempts: [],
  })
})

it('a web page may not spend the server’s key by a route that leads to it', async () => {
  const origin = [['Origin', 'https://evil.example']] as const
  expect((await ask('{"model":"m","messages":[]}', origin)).status).toBe(403)
  expect(await route().record()).toMatchObject({ outcome: 'rejected', error: 'forbidden_origin', attempts: [] })
  route().primary.serve(whole(ANSWER))
  expect((await ask('{"model":"asked","messages":[]}', origin)).status).toBe(200)
  expect(route().spare.calls).toHaveLength(0)
})

it('what is not read goes to the provider of its mount, whatever the routes say', async () => {
  route().primary.serve(whole('{"data":[]}'))
  await exchangeRaw(route().proxy.port, 'GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n', 'GET')
  await ask('no JSON at all')
  expect(route().primary.calls.map(({ line }) => line)).toEqual(['GET /v1/models HTTP/1.1', `POST ${CHAT} HTTP/1.1`])
  const records = await route().proxy.recorded(2)
  expect(records.map(({ decision }) => decision.route)).toEqual(['default', 'default'])
})
