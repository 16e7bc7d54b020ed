import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import Anthropic0 from 'anthropic-sdk-0'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { inputTokens, outputTokens, type Usage } from '../../src/domain/usage.ts'
import { seenByClient, simulatedTwins } from '../fakes/direct-and-proxied.ts'
import type { Header } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'

globalThis.AI_SDK_LOG_WARNINGS = false // about models that it does not know

const twins = simulatedTwins()
const messages = [{ role: 'user' as const, content: 'What is 17 + 25?' }]
const KEYS = [
  ['authorization', 'Bearer sk-test'],
  ['x-api-key', 'sk-ant-test'],
  ['anthropic-version', '2023-06-01'],
  ['accept-encoding', 'gzip, br, zstd'],
] as const

const CHAT = { path: '/v1/chat/completions', body: { model: 'sim-plain', messages, stream: true } }
const COMPLETION = { path: '/v1/completions', body: { model: 'sim-instruct', prompt: 'Say something.', stream: true } }
const RESPONSES = { path: '/v1/responses', body: { model: 'sim-plain', input: 'What is 17 + 25?', stream: true } }
const MESSAGES = { path: '/v1/messages', body: { model: 'sim-plain', max_tokens: 200, messages, stream: true } }
const TOOLS = [
  {
    type: 'function',
    function: { name: 'look_up', parameters: { type: 'object', properties: { q: { type: 'string' } } } },
  },
]

/** Headers without the date: one twin may answer in the next second. */
const timeless = (headers: readonly Header[]): readonly Header[] =>
  seenByClient(headers).filter(([name]) => name.toLowerCase() !== 'date')

type Ask = { readonly path: string; readonly body: object }

/** The same call to both twins, as bytes; what `fault` names befalls both. */
async function bothTwins({ path, body }: Ask, fault?: string) {
  const { direct, proxy, recordOf } = twins()
  const request = aPost(path, JSON.stringify(body), fault === undefined ? KEYS : [...KEYS, ['x-sim-fault', fault]])
  const straight = await exchangeRaw(direct.port, request)
  const [record, proxied] = await recordOf(() => exchangeRaw(proxy.port, request))
  return { straight, proxied, record }
}

describe('the client sees what it would have seen without the proxy, and the usage is recorded', () => {
  const withOptions = (ask: Ask, stream_options: object): Ask => ({ ...ask, body: { ...ask.body, stream_options } })

  it.each<readonly [string, Ask, boolean]>([
    ['chat, not asking for usage', CHAT, true],
    ['chat, asking for usage itself', withOptions(CHAT, { include_usage: true }), false],
    ['chat, saying that it wants none', withOptions(CHAT, { include_usage: false }), true],
    ['chat, with other stream options', withOptions(CHAT, { include_obfuscation: false }), true],
    ['chat, with null for stream options', { ...CHAT, body: { ...CHAT.body, stream_options: null } }, true],
    ['chat with tools', { ...CHAT, body: { ...CHAT.body, tools: TOOLS } }, true],
    ['chat with three choices', { ...CHAT, body: { ...CHAT.body, n: 3 } }, true],
    ['chat with a reasoning model', { ...CHAT, body: { ...CHAT.body, model: 'sim-reasoning' } }, true],
    ['chat, each event a packet of its own', { ...CHAT, body: { ...CHAT.body, model: 'sim-stream' } }, true],
    ['chat, not streamed', { ...CHAT, body: { ...CHAT.body, stream: false } }, false],
    ['completions, not asking for usage', COMPLETION, true],
    ['completions, asking for usage itself', withOptions(COMPLETION, { include_usage: true }), false],
    ['completions, not streamed', { ...COMPLETION, body: { ...COMPLETION.body, stream: false } }, false],
    ['responses', RESPONSES, false],
    ['responses, not streamed', { ...RESPONSES, body: { ...RESPONSES.body, stream: false } }, false],
    ['messages', MESSAGES, false],
    [
      'messages with thinking',
      { ...MESSAGES, body: { ...MESSAGES.body, max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 1024 } } },
      false,
    ],
    ['messages, not streamed', { ...MESSAGES, body: { ...MESSAGES.body, stream: false } }, false],
    ['embeddings', { path: '/v1/embeddings', body: { model: 'sim-embedding', input: 'words' } }, false],
  ])('%s', async (_what, ask, injects) => {
    const { straight, proxied, record } = await bothTwins(ask)
    expect(straight.status).toBe(200)
    expect(proxied.body.toString()).toBe(straight.body.toString())
    expect(timeless(proxied.headers)).toEqual(timeless(straight.headers))
    expect(proxied.end).toBe('whole')
    expect(record).toMatchObject({ outcome: 'completed', status: 200, request: { shape: { injectsUsage: injects } } })
    const [attempt] = record.attempts
    const usage = attempt?.usage
    if (usage === undefined) throw new Error('no usage')
    expect(usage.isPartial).toBe(false)
    expect(inputTokens(usage)).toBeGreaterThan(0)
    if (ask.path !== '/v1/embeddings') expectWholeOutput(usage, attempt?.firstTokenMs, attempt?.finishReason)
  })

  it.each(['crlf', 'split@1', 'multibyte', 'multibyte, split@1, crlf', 'heartbeat@3'])(
    'chat whose bytes come with %s',
    async (fault) => {
      const { straight, proxied, record } = await bothTwins(CHAT, fault)
      expect(proxied.body.toString()).toBe(straight.body.toString())
      expect(record).toMatchObject({ outcome: 'completed', request: { shape: { injectsUsage: true } } })
      expect(record.attempts[0]?.usage).toMatchObject({ isPartial: false })
    },
  )

  it.each(['gzip', 'br', 'zstd'])(
    'chat, asking for usage itself, compressed with %s, byte for byte',
    async (encoding) => {
      const { straight, proxied, record } = await bothTwins(
        withOptions(CHAT, { include_usage: true }),
        `encode@${encoding}`,
      )
      expect(Buffer.compare(proxied.body, straight.body)).toBe(0)
      expect(record.attempts[0]?.usage).toMatchObject({ isPartial: false })
    },
  )
})

function expectWholeOutput(usage: Usage, firstTokenMs: number | undefined, finishReason: string | undefined): void {
  expect(outputTokens(usage)).toBe(usage.providerOutputTokens)
  expect(outputTokens(usage)).toBeGreaterThan(0)
  expect(firstTokenMs).toBeGreaterThanOrEqual(0)
  expect(finishReason).toMatch(/^(stop|tool_calls|end_turn|length|completed)$/)
}

it('the chunk that only carries usage never reaches a client that did not ask, not even its null on other chunks', async () => {
  const { proxied, record } = await bothTwins(CHAT)
  expect(proxied.body.toString()).not.toContain('usage')
  expect(record.attempts[0]?.usage).toBeDefined()
})

it('a provider that does not know include_usage is not asked for it', async () => {
  const simulator = await startSimulator()
  const proxy = await startProxy(simulator.url, { provider: { supportsIncludeUsage: false } })
  const arrived = simulator.nextRequest()
  const answer = await exchangeRaw(proxy.port, aPost(CHAT.path, JSON.stringify(CHAT.body), KEYS))
  expect(answer.status).toBe(200)
  const request = await arrived
  expect(JSON.parse(request.body.toString())).toEqual(CHAT.body)
  await proxy.recorded(1)
  expect(proxy.exchanges[0]?.attempts[0]).toMatchObject({
    usage: undefined,
    cost: { kind: 'unpriced', why: 'no_usage' },
    outcome: { kind: 'completed' },
  })
  await proxy.close(100)
  await simulator.close()
})

describe('with the real SDKs the answer is the same as direct, and the record holds its usage', () => {
  /** Runs against a URL and returns all that the caller of the SDK can see. */
  type Run = (url: string) => Promise<unknown>

  async function all(stream: AsyncIterable<unknown>): Promise<readonly unknown[]> {
    const parts: unknown[] = []
    for await (const part of stream) parts.push(part)
    return parts
  }
  const openai = (url: string): OpenAI => new OpenAI({ apiKey: 'sk', baseURL: `${url}/v1`, maxRetries: 0 })
  const textStream = async (model: Parameters<typeof streamText>[0]['model']): Promise<unknown> => {
    const result = streamText({ model, prompt: 'What is 17 + 25?', maxRetries: 0 })
    return [await result.text, await result.totalUsage, await result.finishReason]
  }
  const runs: readonly (readonly [string, Run])[] = [
    ['openai chat', (url) => openai(url).chat.completions.create({ model: 'sim-plain', messages })],
    [
      'openai chat stream',
      async (url) => all(await openai(url).chat.completions.create({ model: 'sim-plain', messages, stream: true })),
    ],
    ['openai responses', (url) => openai(url).responses.create({ model: 'sim-plain', input: 'hi' })],
    [
      'openai responses stream',
      async (url) => all(await openai(url).responses.create({ model: 'sim-plain', input: 'hi', stream: true })),
    ],
    [
      'openai completions stream',
      async (url) => all(await openai(url).completions.create({ model: 'sim-instruct', prompt: 'hi', stream: true })),
    ],
    ['openai embeddings', (url) => openai(url).embeddings.create({ model: 'sim-embedding', input: 'hi' })],
    [
      'anthropic 1.x',
      (url) =>
        new Anthropic({ apiKey: 'sk', baseURL: url }).messages.create({ model: 'sim-plain', max_tokens: 99, messages }),
    ],
    [
      'anthropic 1.x stream',
      async (url) =>
        all(
          await new Anthropic({ apiKey: 'sk', baseURL: url }).messages.create({
            model: 'sim-plain',
            max_tokens: 99,
            messages,
            stream: true,
          }),
        ),
    ],
    [
      'anthropic 0.x stream helper',
      (url) =>
        new Anthropic0({ apiKey: 'sk', baseURL: url }).messages
          .stream({ model: 'sim-plain', max_tokens: 99, messages })
          .finalMessage(),
    ],
    ['ai openai (responses)', (url) => textStream(createOpenAI({ apiKey: 'sk', baseURL: `${url}/v1` })('sim-plain'))],
    [
      'ai openai.chat, which asks for usage itself',
      (url) => textStream(createOpenAI({ apiKey: 'sk', baseURL: `${url}/v1` }).chat('sim-plain')),
    ],
    ['ai anthropic', (url) => textStream(createAnthropic({ apiKey: 'sk', baseURL: `${url}/v1` })('sim-plain'))],
    [
      'ai generateText',
      async (url) =>
        (
          await generateText({
            model: createOpenAI({ apiKey: 'sk', baseURL: `${url}/v1` }).chat('sim-plain'),
            prompt: 'hi',
            maxRetries: 0,
          })
        ).text,
    ],
  ]

  it.each(runs)('%s', async (_name, run) => {
    const { direct, proxy, recordOf } = twins()
    const straight = await run(direct.url)
    const [record, proxied] = await recordOf(() => run(proxy.url))
    expect(JSON.stringify(proxied)).toBe(JSON.stringify(straight))
    expect(record).toMatchObject({ outcome: 'completed', status: 200 })
    expect(record.attempts[0]?.usage).toMatchObject({ isPartial: false })
    expect(record.request.model).toMatch(/^sim-/)
    expect(record.request.client.keySubject).toHaveLength(16)
  })

  it.each([
    ['/openai/v1', 'openai'],
    ['/v1', 'openai'],
    ['/p/openai/v1', 'openai'],
  ])('the OpenAI SDK at %s', async (mount, provider) => {
    const { proxy, recordOf } = twins()
    const client = new OpenAI({ apiKey: 'sk', baseURL: `${proxy.url}${mount}` })
    const [record, answer] = await recordOf(() => client.chat.completions.create({ model: 'sim-plain', messages }))
    expect(answer.choices[0]?.message.content).toContain('42')
    expect(record).toMatchObject({
      outcome: 'completed',
      request: { provider, api: 'chat_completions', upstreamPath: '/v1/chat/completions' },
    })
    const [listed, models] = await recordOf(() => client.models.list())
    expect(models.data.length).toBeGreaterThan(3)
    expect(listed).toMatchObject({ outcome: 'completed', request: { provider, api: 'passthrough', method: 'GET' } })
  })

  it.each([
    ['/anthropic', Anthropic, 'anthropic'],
    ['', Anthropic, 'anthropic'],
    ['/p/anthropic', Anthropic, 'anthropic'],
    ['/anthropic', Anthropic0, 'anthropic'],
  ] as const)('the Anthropic SDK at "%s"', async (mount, Sdk, provider) => {
    const { proxy, recordOf } = twins()
    const client = new Sdk({ apiKey: 'sk', baseURL: `${proxy.url}${mount}` })
    const [record, answer] = await recordOf(async () => client.messages.countTokens({ model: 'sim-plain', messages }))
    expect(answer.input_tokens).toBeGreaterThan(0)
    expect(record).toMatchObject({ outcome: 'completed', request: { provider, api: 'count_tokens' } })
    const [listed] = await recordOf(async () => client.models.list())
    expect(listed).toMatchObject({ outcome: 'completed', request: { provider, api: 'passthrough' } })
  })
})
