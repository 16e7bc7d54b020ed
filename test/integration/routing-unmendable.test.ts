import { describe, expect, it } from 'vitest'
import { aRawRoute, callsOf, CHAT, FAILURE, STREAM, streaming, whole } from '../fakes/a-raw-route.ts'

/** The client asks at the mount `openai`, with its own key, for the model `m`. */
const ROUTES = `routes:
  own-key: { match: { model: server-key }, target: spare-openai/theirs, fallbacks: [openai/good] }
  own-model: { match: { model: renamed }, target: openai/gone, fallbacks: [spare-openai/good] }
  elsewhere: { match: { model: elsewhere }, target: spare-openai/*, fallbacks: [openai/good] }
  key-401: { match: { model: key-401 }, target: spare-openai/a, fallbacks: [openai/good] }
  key-403: { match: { model: key-403 }, target: spare-openai/b, fallbacks: [openai/good] }
  clients: { match: { model: m }, target: openai/*, fallbacks: [spare-openai/*] }
health: { probe_after: 1m, probe_after_max: 1m }
`
const route = aRawRoute(ROUTES)

const asking = (body: string, model: string): string => body.replace('"m"', `"${model}"`)
const refusing = (status: number, body = FAILURE) =>
  whole(body, `HTTP/1.1 ${status} No\r\ncontent-type: application/json`)
const WELL = '{"id":"x","object":"chat.completion","choices":[]}'
const FELL_BACK = [
  ['primary', 'refused', undefined],
  ['fallback', 'completed', 'error'],
]

describe('what no client can mend is a reason to fall back', () => {
  it.each([401, 403])('a %i to the server’s key', async (status) => {
    const { primary, spare, ask, record } = route()
    spare.serve(refusing(status))
    primary.serve(whole(WELL))
    expect((await ask(asking(CHAT, 'server-key'))).status).toBe(200)
    expect(callsOf(await record())).toEqual(FELL_BACK)
  })

  it('a 404 to a model of the route’s own choice, though the key is the client’s', async () => {
    const { primary, ask, record } = route()
    primary.serve(refusing(404))
    expect((await ask(asking(CHAT, 'renamed'))).status).toBe(200)
    expect(callsOf(await record())).toEqual(FELL_BACK)
  })

  it('a provider that the client did not ask does not have its model; its other models are none the worse', async () => {
    const { primary, spare, ask, proxy } = route()
    spare.serve(refusing(404))
    primary.serve(whole(WELL))
    for (let call = 0; call < 6; call++) expect((await ask(asking(CHAT, 'elsewhere'))).status).toBe(200)
    const records = await proxy.recorded(6)
    // Five failures would have opened the breaker, and the sixth would not have been sent there.
    for (const record of records) expect(callsOf(record)).toEqual(FELL_BACK)
  })

  it.each([
    [401, 5],
    [403, 6],
  ])(
    'a %i that comes six times is met %i times: a refused key shuts the target, a refused call does not',
    async (status, met) => {
      const { primary, spare, ask, proxy } = route()
      spare.serve(refusing(status))
      primary.serve(whole(WELL))
      for (let call = 0; call < 6; call++) expect((await ask(asking(CHAT, `key-${status}`))).status).toBe(200)
      await proxy.recorded(6)
      expect(spare.calls).toHaveLength(met)
    },
  )

  it('an error event at the start of a stream that says so', async () => {
    const { primary, spare, ask, record } = route()
    spare.serve(
      streaming('data: {"error":{"message":"x","type":"invalid_request_error","code":"invalid_api_key"}}\n\n', true),
    )
    primary.serve(
      streaming('data: {"id":"x","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n', true),
    )
    expect((await ask(asking(STREAM, 'server-key'))).body.toString()).toContain('Hi')
    expect(callsOf(await record())).toEqual(FELL_BACK)
  })
})

describe('what the client can mend is not', () => {
  it.each([401, 403, 404])('a %i to its own key and its own model', async (status) => {
    const { primary, spare, ask } = route()
    primary.serve(refusing(status))
    expect((await ask()).status).toBe(status)
    expect(spare.calls).toHaveLength(0)
  })

  it('a 401 to its own key, whatever model the route asks for', async () => {
    const { primary, spare, ask } = route()
    primary.serve(refusing(401))
    expect((await ask(asking(CHAT, 'renamed'))).status).toBe(401)
    expect(spare.calls).toHaveLength(0)
  })

  it('a request that the server’s key and model refuse', async () => {
    const { primary, spare, ask } = route()
    spare.serve(refusing(400))
    expect((await ask(asking(CHAT, 'server-key'))).status).toBe(400)
    expect(primary.calls).toHaveLength(0)
  })
})
