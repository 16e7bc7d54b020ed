import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { aRawRoute, whole } from '../fakes/a-raw-route.ts'
import { SPARE_KEY } from '../fakes/a-routed-proxy.ts'
import { aPost, exchangeRaw, type RawAnswer } from '../fakes/raw-client.ts'
import type { RawUpstream } from '../fakes/raw-upstream.ts'

/** Half of the conversations have their answers at the spare account; either stands by for the other. */
const ROUTES = `routes:
  shared:
    match: { model: m }
    targets: [{ target: openai/m, weight: 50 }, { target: spare-openai/m, weight: 50 }]
    fallbacks: [openai/m, spare-openai/m]
health: { consecutive_failures: 1000, min_requests: 1000 }
`
const route = aRawRoute(ROUTES)

let answers = 0
/** An answer of the Responses API with an id of its own. */
function answering(upstream: RawUpstream): void {
  upstream.serve((call) =>
    whole(JSON.stringify({ id: `resp_${++answers}`, object: 'response', status: 'completed', model: 'm', output: [] }))(
      call,
    ),
  )
}

type Turn = { readonly answer: RawAnswer; readonly id: string; readonly record: Exchange }

async function ask(body: object): Promise<Turn> {
  const answer = await exchangeRaw(route().proxy.port, aPost('/v1/responses', JSON.stringify({ model: 'm', ...body })))
  const record = await route().record()
  route().proxy.takeRecords()
  return { answer, id: String(/resp_\d+/.exec(answer.body.toString())), record }
}

const providerOf = ({ record }: Turn): string | undefined => record.attempts.at(-1)?.target.provider
const unitOf = ({ record }: Turn): unknown => record.inputs?.facts.unit

describe('a conversation that goes on by previous_response_id', () => {
  it('stays with its provider and its unit, turn by turn', async () => {
    answering(route().primary)
    answering(route().spare)
    const providers = new Set<string | undefined>()
    for (let conversation = 0; conversation < 12; conversation++) {
      const first = await ask({ input: `Hello ${conversation}` })
      providers.add(providerOf(first))
      let last = first
      for (let turn = 0; turn < 3; turn++) {
        last = await ask({ input: `more ${turn}`, previous_response_id: last.id })
        expect([providerOf(last), unitOf(last)]).toEqual([providerOf(first), unitOf(first)])
      }
    }
    expect(providers.size).toBe(2)
  })

  it('stays with the fallback that answered it, and gets its error rather than another’s answer', async () => {
    route().primary.serve(whole('{"error":{"message":"no luck"}}', 'HTTP/1.1 500 No\r\ncontent-type: application/json'))
    answering(route().spare)
    const first = await ask({ input: 'Hi' })
    expect(providerOf(first)).toBe('spare-openai')
    answering(route().primary)
    expect(providerOf(await ask({ input: 'more', previous_response_id: first.id }))).toBe('spare-openai')
    route().spare.serve(whole('{"error":{"message":"x"}}', 'HTTP/1.1 500 No\r\ncontent-type: application/json'))
    route().primary.takeCalls()
    const failed = await ask({ input: 'more', previous_response_id: first.id })
    expect(failed.answer.status).toBe(500)
    expect(route().primary.calls).toHaveLength(0)
    expect(failed.record.decision.rejected).toEqual([{ target: 'openai/m', why: 'stored_elsewhere' }])
  })

  it('that nobody here has seen begin is looked for: only the word that it is not there leads on', async () => {
    const continuing = { input: 'more', previous_response_id: 'resp_of_another_day', prompt_cache_key: 'k' }
    const notHere = '{"error":{"message":"x","type":"invalid_request_error","code":"previous_response_not_found"}}'
    route().primary.serve(whole(notHere, 'HTTP/1.1 400 No\r\ncontent-type: application/json'))
    answering(route().spare)
    expect(providerOf(await ask(continuing))).toBe('spare-openai')
    answering(route().primary)
    route().spare.serve(whole(notHere, 'HTTP/1.1 400 No\r\ncontent-type: application/json'))
    const found = await ask(continuing)
    expect(providerOf(found)).toBe('openai')
    // From here on it is known.
    route().spare.takeCalls()
    expect(providerOf(await ask({ input: 'more', previous_response_id: found.id }))).toBe('openai')
    expect(route().spare.calls).toHaveLength(0)
  })

  it('that nobody here has seen begin is not passed on for any other failure', async () => {
    const failing = whole('{"error":{"message":"x"}}', 'HTTP/1.1 500 No\r\ncontent-type: application/json')
    route().primary.serve(failing)
    route().spare.serve(failing)
    const { answer, record } = await ask({ input: 'more', previous_response_id: 'resp_of_another_day' })
    expect([answer.status, record.attempts.length]).toEqual([500, 1])
    expect(record.decision.reasons).toContain('keeper_unknown')
  })

  it('that is kept nowhere gets the error of the first that was asked', async () => {
    const notHere = '{"error":{"message":"x","type":"invalid_request_error","code":"previous_response_not_found"}}'
    const nowhere = whole(notHere, 'HTTP/1.1 400 No\r\ncontent-type: application/json')
    route().primary.serve(nowhere)
    route().spare.serve(nowhere)
    const { answer } = await ask({ input: 'more', previous_response_id: 'resp_of_another_day' })
    expect([answer.status, answer.body.toString()]).toEqual([400, notHere])
  })
})

describe('an answer that is asked for by its id', () => {
  const ACCOUNT = 'openai-organization: org-mine\r\ncookie: a=1\r\n'
  const byId = (id: string, method = 'GET', more = '', headers = ''): Buffer =>
    Buffer.from(`${method} /v1/responses/${id}${more} HTTP/1.1\r\nhost: x\r\n${ACCOUNT}${headers}\r\n`)
  const OF_THE_SPARE = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nopenai-organization: org-spare\r\nset-cookie: b=2\r\nx-request-id: r`

  it('is asked of the fallback that gave it, with its own key, and neither learns of the other’s account', async () => {
    route().primary.serve(whole('{"error":{"message":"no"}}', 'HTTP/1.1 500 No\r\ncontent-type: application/json'))
    answering(route().spare)
    const { id } = await ask({ input: 'Hi' })
    route().primary.takeCalls()
    route().spare.takeCalls()
    route().spare.serve(whole('{"of":"spare"}', OF_THE_SPARE))
    for (const [method, more] of [
      ['GET', '?include[]=x'],
      ['GET', '/input_items'],
      ['DELETE', ''],
    ] as const) {
      const answer = await exchangeRaw(route().proxy.port, byId(id, method, more))
      expect(answer.body.toString()).toBe('{"of":"spare"}')
      expect(JSON.stringify(answer.headers)).not.toMatch(/set-cookie|org-spare/i)
      const [call] = route().spare.takeCalls()
      expect(call?.line).toBe(`${method} /v1/responses/${id}${more} HTTP/1.1`)
      const sent = JSON.stringify(call?.headers)
      expect(sent).toContain(SPARE_KEY)
      expect(sent).not.toMatch(/org-mine|cookie/i)
    }
    expect(route().primary.calls).toHaveLength(0)
  })

  it('is asked of the mount by whoever has another key, and where nobody here has seen it', async () => {
    route().primary.serve(whole('{"error":{"message":"no"}}', 'HTTP/1.1 500 No\r\ncontent-type: application/json'))
    answering(route().spare)
    const { id } = await ask({ input: 'Hi' })
    route().primary.serve(whole('{"of":"primary"}'))
    route().spare.takeCalls()
    for (const bytes of [
      byId(id, 'GET', '', 'authorization: Bearer sk-other\r\n'),
      byId('resp_unknown'),
      byId(`${id}x`),
      byId(id, 'GET', '/../../files'),
    ]) {
      expect((await exchangeRaw(route().proxy.port, bytes)).body.toString()).toBe('{"of":"primary"}')
    }
    expect(route().spare.calls).toHaveLength(0)
  })
})

describe('reasoning that another account has sealed', () => {
  it('leads on to whoever can read it', async () => {
    const sealed = '{"error":{"message":"x","type":"invalid_request_error","code":"invalid_encrypted_content"}}'
    const refusing = whole(sealed, 'HTTP/1.1 400 No\r\ncontent-type: application/json')
    const input = [
      { type: 'reasoning', encrypted_content: 'gAAA' },
      { role: 'user', content: 'Hi' },
    ]
    answering(route().primary)
    route().spare.serve(refusing)
    expect(providerOf(await ask({ input }))).toBe('openai')
    answering(route().spare)
    route().primary.serve(refusing)
    expect(providerOf(await ask({ input }))).toBe('spare-openai')
  })
})

describe('what the provider of the mount keeps', () => {
  it.each([
    ['a conversation', { input: 'Hi', conversation: 'conv_1' }],
    ['a stored prompt', { prompt: { id: 'pmpt_1' } }],
    ['a file', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] }],
    ['an answer to be asked for later', { input: 'Hi', background: true }],
    ['a vector store', { input: 'Hi', tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
  ])('%s is looked for there and nowhere else', async (_, body) => {
    answering(route().primary)
    answering(route().spare)
    for (let unit = 0; unit < 6; unit++) {
      expect(providerOf(await ask({ ...body, safety_identifier: `u${unit}` }))).toBe('openai')
    }
    expect(route().spare.calls).toHaveLength(0)
  })
})
