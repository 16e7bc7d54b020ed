import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { spareRoutes, startRouted } from './a-routed-proxy.ts'
import { CHAT_BEGUN } from './begun-streams.ts'
import type { ProxyChanges, TestProxy } from './proxy.ts'
import { aPost, exchangeRaw, type RawAnswer } from './raw-client.ts'
import { chunk, plain, type RawCall, type RawUpstream, startRawUpstream, STREAM_HEAD } from './raw-upstream.ts'

/** Two providers whose every byte the test decides, and a proxy with a route from the one to the other. */
export type RawRoute = {
  readonly primary: RawUpstream
  readonly spare: RawUpstream
  readonly proxy: TestProxy
  readonly ask: (body?: string) => Promise<RawAnswer>
  /** The first record of this test. */
  readonly record: () => Promise<Exchange>
}

/** Every trigger there is, and little patience. */
const RULES =
  '{ on: [error, rate_limit, slow_answer, slow_first_token, context_window, refusal, invalid_json], answer_timeout: 500ms, first_token_timeout: 500ms }'

/** No target is ever left out: what one test does to a provider says nothing of the next one's calls. */
const UNSHAKEN = 'health: { consecutive_failures: 1000, min_requests: 1000 }'

/** For the tests of one file; before each the spare answers well, and what was recorded is forgotten. */
export function aRawRoute(routing = `${spareRoutes(RULES)}${UNSHAKEN}`, changes: ProxyChanges = {}): () => RawRoute {
  let route: RawRoute | undefined
  const ready = (): RawRoute => {
    if (route === undefined) throw new Error('used before its beforeAll ran')
    return route
  }
  beforeAll(async () => {
    const primary = await startRawUpstream()
    const spare = await startRawUpstream()
    const proxy = await startRouted(primary.url, spare.url, routing, changes)
    const record = async (): Promise<Exchange> => {
      const [first] = await proxy.recorded(1)
      if (first === undefined) throw new Error('no record')
      return first
    }
    route = { primary, spare, proxy, record, ask: (body = CHAT) => exchangeRaw(proxy.port, aChatPost(body)) }
  })
  afterAll(async () => {
    const { proxy, primary, spare } = ready()
    await proxy.close(200)
    await primary.close()
    await spare.close()
  })
  beforeEach(() => {
    const { proxy, primary, spare } = ready()
    proxy.takeRecords()
    primary.takeCalls()
    spare.takeCalls()
    spare.serve(whole(ANSWER))
  })
  return ready
}

export const ANSWER = JSON.stringify({
  id: 'chatcmpl-9',
  object: 'chat.completion',
  model: 'm-1',
  choices: [{ index: 0, message: { role: 'assistant', content: '{"a":1}' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
})
/** The head of an error, as no proxy would write it. */
export const FAILED = `HTTP/1.1 503 No Luck Today\r\nContent-Type: application/json; charset=x\r\nX-Request-Id: req_1\r\nx-odd: 1\r\nX-Odd: 2`
export const FAILURE = '{"error": {"message": "no luck",  "type": "server_error", "code": null}}'
export const CHAT = '{"model":"m","messages":[]}'
export const STREAM = '{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}'
/** A whole stream. */
export const DONE = `${CHAT_BEGUN}data: [DONE]\n\n`

/** Answers every call with these bytes, its body read before. */
export function whole(body: string | Buffer, head?: string): (call: RawCall) => Promise<void> {
  return async (call) => {
    await call.body
    await call.write(plain(body, head))
  }
}

/** Answers every call with a stream of these events, which `ends` or stays open. */
export function streaming(text: string, ends: boolean): (call: RawCall) => Promise<void> {
  return async (call) => {
    await call.body
    await call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(text), ...(ends ? [chunk()] : [])]))
  }
}

export function aChatPost(body: string): Buffer {
  return aPost('/v1/chat/completions', body)
}

/** What a record says of each call: its role, how it ended, why it was made. */
export function callsOf({ attempts }: Exchange): readonly (readonly [string, string, string | undefined])[] {
  return attempts.map(({ role, outcome, fallbackReason }) => [role, outcome.kind, fallbackReason] as const)
}
