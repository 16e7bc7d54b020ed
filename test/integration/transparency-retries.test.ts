import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import Anthropic0 from 'anthropic-sdk-0'
import { generateText } from 'ai'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { aPair, seenByClient } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { aPost } from '../fakes/raw-client.ts'
import { plain } from '../fakes/raw-upstream.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'

globalThis.AI_SDK_LOG_WARNINGS = false // about models that it does not know

const pair = aPair()
const prompt = [{ role: 'user' as const, content: 'hi' }]

const OPENAI_LIMITED = [
  'HTTP/1.1 429 Too Many Requests',
  'Content-Type: application/json',
  'Retry-After: 1',
  'retry-after-ms: 5',
  'X-RateLimit-Limit-Requests: 10000',
  'x-ratelimit-remaining-tokens: 0',
  'x-ratelimit-reset-tokens: 6m0s',
  'x-request-id: req_1',
  'x-should-retry: true',
].join('\r\n')
const OPENAI_BODY =
  '{"error":{"message":"Rate limit reached","type":"tokens","param":null,"code":"rate_limit_exceeded"}}'

const ANTHROPIC_LIMITED = [
  'HTTP/1.1 429 Too Many Requests',
  'Content-Type: application/json',
  'retry-after: 0',
  'retry-after-ms: 5',
  'Anthropic-RateLimit-Unified-Status: rejected',
  'anthropic-ratelimit-unified-reset: 1792675200',
  'anthropic-ratelimit-input-tokens-remaining: 0',
  'anthropic-ratelimit-requests-reset: 2026-11-20T10:00:00Z',
  'request-id: req_011',
].join('\r\n')
const ANTHROPIC_BODY =
  '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"request_id":"req_011"}'

describe.each([
  ['OpenAI', '/v1/chat/completions', OPENAI_LIMITED, OPENAI_BODY, 'tokens', 'req_1'],
  ['Anthropic', '/v1/messages', ANTHROPIC_LIMITED, ANTHROPIC_BODY, 'rate_limit_error', 'req_011'],
])('a 429 of %s', (_provider, path, head, body, errorType, requestId) => {
  it.each([
    ['a plain call', '{"model":"m"}'],
    ['a stream', '{"model":"m","stream":true}'],
  ])('keeps every header, name and value, and its body: %s', async (_what, ask) => {
    const { direct, proxied, record } = await pair().bothWays(aPost(path, ask), (call) => call.write(plain(body, head)))
    expect(seenByClient(proxied.headers)).toEqual(seenByClient(direct.headers))
    expect(seenByClient(proxied.headers)).toHaveLength(head.split('\r\n').length)
    expect(proxied.body.toString()).toBe(body)
    expect(record).toMatchObject({ outcome: 'refused', status: 429, error: 'upstream_error' })
    expect(record.attempts[0]).toMatchObject({ providerRequestId: requestId, outcome: { errorType }, usage: undefined })
  })
})

/** One call of an SDK, and what came of it: the answer's id, or the error's class and status. */
type Call = (url: string) => Promise<unknown>

const CALLS: readonly (readonly [string, string, string, Call])[] = [
  [
    'the OpenAI SDK',
    OPENAI_LIMITED,
    OPENAI_BODY,
    (url) =>
      new OpenAI({ apiKey: 'sk', baseURL: `${url}/v1` }).chat.completions.create({ model: 'm', messages: prompt }),
  ],
  [
    'the Anthropic SDK 1.x',
    ANTHROPIC_LIMITED,
    ANTHROPIC_BODY,
    (url) =>
      new Anthropic({ apiKey: 'sk', baseURL: url }).messages.create({ model: 'm', max_tokens: 5, messages: prompt }),
  ],
  [
    'the Anthropic SDK 0.x',
    ANTHROPIC_LIMITED,
    ANTHROPIC_BODY,
    (url) =>
      new Anthropic0({ apiKey: 'sk', baseURL: url }).messages.create({ model: 'm', max_tokens: 5, messages: prompt }),
  ],
  [
    'the AI SDK with OpenAI',
    OPENAI_LIMITED,
    OPENAI_BODY,
    (url) => generateText({ model: createOpenAI({ apiKey: 'sk', baseURL: `${url}/v1` }).chat('m'), prompt: 'hi' }),
  ],
  [
    'the AI SDK with Anthropic',
    ANTHROPIC_LIMITED,
    ANTHROPIC_BODY,
    (url) => generateText({ model: createAnthropic({ apiKey: 'sk', baseURL: `${url}/v1` })('m'), prompt: 'hi' }),
  ],
]

async function errorOf(run: Promise<unknown>): Promise<object> {
  try {
    await run
    return { name: undefined }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return {
      name: error.constructor.name,
      status: 'status' in error ? error.status : undefined,
      message: error.message,
    }
  }
}

describe.each(CALLS)('%s', (_name, head, body, ask) => {
  const attempts = async (url: string, serve: (call: RawCall) => Promise<void>): Promise<readonly [number, object]> => {
    const { upstream } = pair()
    upstream.serve(serve)
    const before = upstream.calls.length
    const error = await errorOf(ask(url))
    return [upstream.calls.length - before, error]
  }

  it.each([
    ['a 429 that stays', head, body],
    [
      'a 500 that says not to retry',
      'HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nx-should-retry: false\r\nretry-after-ms: 5',
      body,
    ],
    ['a 409', 'HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nretry-after-ms: 5', body],
    ['a 400', 'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json', body],
    ['a 529', 'HTTP/1.1 529 Overloaded\r\nContent-Type: application/json\r\nretry-after-ms: 5', body],
  ])(
    'calls the provider as often as directly, and raises the same error: %s',
    async (_what, answerHead, answerBody) => {
      const { proxy, upstream } = pair()
      const serve = (call: RawCall): Promise<void> => call.write(plain(answerBody, answerHead))
      const [directCalls, directError] = await attempts(upstream.url, serve)
      const recordsBefore = proxy.exchanges.length
      const [proxiedCalls, proxiedError] = await attempts(proxy.url, serve)
      expect(proxiedCalls).toBe(directCalls)
      expect(proxiedError).toEqual(directError)
      expect(directError).toMatchObject({ name: expect.any(String) })
      const records = (await proxy.recorded(recordsBefore + proxiedCalls)).slice(recordsBefore)
      expect(records).toHaveLength(proxiedCalls)
      const [status] = records.map((record) => record.status)
      expect(records.every((record) => record.outcome === 'refused' && record.status === status)).toBe(true)
    },
  )
})

it('each retry of an SDK is a record of its own that says which retry it was', async () => {
  const { proxy, upstream } = pair()
  let calls = 0
  upstream.serve((call) =>
    call.write(
      ++calls < 3
        ? plain(OPENAI_BODY, OPENAI_LIMITED)
        : plain('{"id":"c","object":"chat.completion","model":"m-1","choices":[]}'),
    ),
  )
  const before = proxy.exchanges.length
  const client = new OpenAI({ apiKey: 'sk', baseURL: `${proxy.url}/openai/v1` })
  const answer = await client.chat.completions.create({ model: 'm', messages: prompt })
  expect(answer.id).toBe('c')
  const records = (await proxy.recorded(before + 3)).slice(before)
  expect(records.map(({ status, request }) => [status, request.client.sdkRetry])).toEqual([
    [429, 0],
    [429, 1],
    [200, 2],
  ])
})

it('the proxy itself never sends a request twice, whatever the provider does to it', async () => {
  const { proxy, upstream } = pair()
  const breaks: readonly ((call: RawCall) => void | Promise<void>)[] = [
    (call) => void call.socket.destroy(),
    (call) => void call.socket.resetAndDestroy(),
    (call) => call.write(plain('{}', 'HTTP/1.1 503 Service Unavailable\r\nretry-after: 0')),
    (call) => call.write(plain('{}', 'HTTP/1.1 408 Request Timeout\r\nconnection: close')),
    (call) => call.write(plain('', 'HTTP/1.1 307 Temporary Redirect\r\nlocation: /v1/elsewhere')),
  ]
  for (const serve of breaks) {
    for (const path of ['/v1/chat/completions', '/v1/unknown']) {
      upstream.serve(serve)
      const before = upstream.calls.length
      const response = await fetch(`${proxy.url}${path}`, { method: 'POST', body: '{"model":"m"}', redirect: 'manual' })
      await response.text()
      expect(upstream.calls.length - before).toBe(1)
      expect(valueOf([...response.headers], 'x-understudy-trace-id')).toBeDefined()
    }
  }
})
