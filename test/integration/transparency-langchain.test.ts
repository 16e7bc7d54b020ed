import { ChatAnthropic } from '@langchain/anthropic'
import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import type { AIMessage, AIMessageChunk, BaseMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { inputTokens, outputTokens } from '../../src/domain/usage.ts'
import { simulatedTwins } from '../fakes/direct-and-proxied.ts'
import { headersOf, sameThroughTheProxy } from '../fakes/same-through-the-proxy.ts'

const twins = simulatedTwins()

type Model = ChatOpenAI | ChatAnthropic
type Headers = Readonly<Record<string, string>>
type Maker = (url: string, model?: string, headers?: Headers) => Model

const openai =
  (useResponsesApi: boolean): Maker =>
  (url, model = 'sim-plain', headers = {}) =>
    new ChatOpenAI({
      model,
      apiKey: 'sk-test',
      useResponsesApi,
      maxRetries: 0,
      configuration: { baseURL: `${url}/v1`, defaultHeaders: headers },
    })
const anthropic: Maker = (url, model = 'sim-plain', headers = {}) =>
  new ChatAnthropic({
    model,
    apiKey: 'sk-ant-test',
    anthropicApiUrl: url,
    maxRetries: 0,
    maxTokens: 400,
    clientOptions: { defaultHeaders: headers },
  })

const MODELS: readonly (readonly [string, Maker, string])[] = [
  ['ChatOpenAI', openai(false), 'chat_completions'],
  ['ChatOpenAI with the Responses API', openai(true), 'responses'],
  ['ChatAnthropic', anthropic, 'messages'],
]

const QUESTION = 'What is 17 + 25?'
const weather = tool(({ city }) => `Clear over ${city}.`, {
  name: 'get_weather',
  description: 'Current weather of a city.',
  schema: z.object({ city: z.string() }),
})

/** What an application sees of a message. Ids of runs are LangChain's own, and drawn at random. */
const visible = (message: BaseMessage): unknown => ({
  ...message.toDict().data,
  ...(message.id?.startsWith('run-') === true ? { id: 'run' } : {}),
})

async function gathered(stream: AsyncIterable<AIMessageChunk>): Promise<readonly AIMessageChunk[]> {
  const chunks: AIMessageChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

/** The usage that LangChain reports for a whole answer. */
const UsageMetadata = z.object({ input_tokens: z.number(), output_tokens: z.number() })

describe.each(MODELS)('LangChain’s %s', (_name, make, api) => {
  it.each(['sim-plain', 'sim-reasoning'])('invoked with %s', async (model) => {
    const { records, result } = await sameThroughTheProxy(twins(), async (url) => {
      const answer = await make(url, model).invoke(QUESTION)
      return { message: visible(answer), text: answer.text, usage: answer.usage_metadata }
    })
    expect(result.text).toContain('42')
    expect(records).toMatchObject([{ outcome: 'completed', request: { api, model, isStream: false } }])
    const usage = records[0]?.attempts[0]?.usage
    if (usage === undefined) throw new Error('no usage')
    const metadata = UsageMetadata.parse(result.usage)
    expect(inputTokens(usage)).toBe(metadata.input_tokens)
    expect(outputTokens(usage)).toBe(metadata.output_tokens)
  })

  it('streamed, chunk by chunk, with the usage at its end', async () => {
    const { records, result } = await sameThroughTheProxy(twins(), async (url) => {
      const chunks = await gathered(await make(url).stream(QUESTION))
      const whole = chunks.reduce((sum, chunk) => sum.concat(chunk))
      return { chunks: chunks.map(visible), text: whole.text, usage: whole.usage_metadata }
    })
    expect(result.chunks.length).toBeGreaterThan(3)
    expect(result.text).toContain('42')
    expect(records).toMatchObject([
      // It asks for usage itself.
      { outcome: 'completed', request: { api, isStream: true, shape: { injectsUsage: false } } },
    ])
    const usage = records[0]?.attempts[0]?.usage
    if (usage === undefined) throw new Error('no usage')
    const metadata = UsageMetadata.parse(result.usage)
    expect([usage.isPartial, inputTokens(usage)]).toEqual([false, metadata.input_tokens])
    expect(outputTokens(usage)).toBe(usage.providerOutputTokens)
    // LangChain adds the count in Anthropic's first event, a placeholder of 1, to the last one, which is the sum.
    expect(outputTokens(usage)).toBe(metadata.output_tokens - (api === 'messages' ? 1 : 0))
  })

  it.each(['invoked', 'streamed'])('with a tool that it calls and hears the result of, %s', async (how) => {
    const { records, result } = await sameThroughTheProxy(twins(), async (url) => {
      const model = make(url).bindTools([weather])
      const turns: BaseMessage[] = [new HumanMessage('Ask get_weather about Lisbon.')]
      const answer = async (): Promise<AIMessage> =>
        how === 'invoked'
          ? model.invoke(turns)
          : (await gathered(await model.stream(turns))).reduce((sum, chunk) => sum.concat(chunk))
      const called = await answer()
      const [call] = called.tool_calls ?? []
      if (call === undefined) throw new Error('no tool was called')
      const said: unknown = await weather.invoke(call)
      if (!(said instanceof ToolMessage)) throw new Error('the tool said nothing')
      turns.push(called, said)
      const last = await answer()
      return { call: { ...call, id: 'any' }, turns: [called, last].map(visible), text: last.text }
    })
    expect(result.call).toMatchObject({ name: 'get_weather', args: { city: expect.any(String) } })
    expect(result.text).not.toBe('')
    expect(records.map(({ outcome, request }) => [outcome, request.api, request.shape.hasTools])).toEqual([
      ['completed', api, true],
      ['completed', api, true],
    ])
  })

  it('with an answer in the structure of a schema', async () => {
    const Order = z.object({ city: z.string(), total: z.number(), currency: z.enum(['EUR', 'USD', 'GBP']) })
    const { records, result } = await sameThroughTheProxy(twins(), (url) =>
      make(url).withStructuredOutput(Order, { name: 'order' }).invoke('Order 7 from Ada in Berlin, total EUR 12.50.'),
    )
    expect(Order.safeParse(result).success).toBe(true)
    expect(records).toMatchObject([{ outcome: 'completed', request: { api } }])
    // Of Anthropic it demands a tool whose arguments have the structure.
    const isTool = api === 'messages'
    expect(records[0]?.request.shape).toMatchObject({ hasSchema: !isTool, hasTools: isTool })
  })

  it('tells the proxy team, user and tags in headers, which go no further', async () => {
    const headers = {
      'x-understudy-team': 'research',
      'x-understudy-user': 'user-7',
      'x-understudy-session': 'session-1',
      'x-understudy-task': 'math',
      'x-understudy-tags': 'feature=chain,tier=pro',
    }
    const { records, received } = await sameThroughTheProxy(twins(), async (url) =>
      visible(await make(url, 'sim-plain', headers).invoke(QUESTION)),
    )
    expect(records[0]?.request.controls).toEqual({
      route: undefined,
      session: 'session-1',
      user: 'user-7',
      team: 'research',
      tags: { feature: 'chain', tier: 'pro' },
      task: 'math',
    })
    expect(received.flatMap(headersOf).filter(([name]) => name.toLowerCase().startsWith('x-understudy-'))).toEqual([])
  })

  it.each(['status@400', 'status@429', 'status@503'])('raises the provider’s own error at %s', async (fault) => {
    const { records, result } = await sameThroughTheProxy(twins(), (url) =>
      errorOf(make(url, 'sim-plain', { 'x-sim-fault': fault }).invoke(QUESTION)),
    )
    expect(result).toMatchObject({ status: Number(fault.slice(7)) })
    expect(records).toMatchObject([{ outcome: 'refused', error: 'upstream_error', status: Number(fault.slice(7)) }])
  })

  it.each(['error@3', 'cut@3', 'reset@3'])('raises an error at %s in mid-stream', async (fault) => {
    const { records, result } = await sameThroughTheProxy(twins(), (url) =>
      errorOf(make(url, 'sim-plain', { 'x-sim-fault': fault }).stream(QUESTION).then(gathered)),
    )
    expect(result.message).not.toBe('')
    expect(records).toMatchObject([{ status: 200, outcome: fault === 'error@3' ? 'refused' : 'interrupted' }])
  })
})

async function errorOf(run: Promise<unknown>): Promise<{ readonly message: string; readonly status: unknown }> {
  try {
    await run
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { message: error.message, status: 'status' in error ? error.status : undefined }
  }
  throw new Error('expected an error, and there was none')
}

it('LangChain’s ChatOpenAI that wants no usage sees none, and its record has it', async () => {
  const { proxy, recordOf } = twins()
  const model = new ChatOpenAI({
    model: 'sim-plain',
    apiKey: 'sk-test',
    streamUsage: false,
    configuration: { baseURL: `${proxy.url}/v1` },
  })
  const [record, chunks] = await recordOf(async () => gathered(await model.stream(QUESTION)))
  expect(chunks.every(({ usage_metadata }) => usage_metadata === undefined)).toBe(true)
  expect(record).toMatchObject({ outcome: 'completed', request: { shape: { injectsUsage: true } } })
  expect(record.attempts[0]?.usage).toMatchObject({ isPartial: false, uncachedInputTokens: expect.any(Number) })
})

it('LangChain’s OpenAIEmbeddings of many texts are the same numbers', async () => {
  const texts = ['one', 'two', 'three', 'größe 東京']
  const { records, result } = await sameThroughTheProxy(twins(), (url) =>
    new OpenAIEmbeddings({
      model: 'sim-embedding',
      apiKey: 'sk-test',
      batchSize: 2,
      maxConcurrency: 1, // so that both runs ask in the same order
      configuration: { baseURL: `${url}/v1` },
    }).embedDocuments(texts),
  )
  expect(result).toHaveLength(texts.length)
  expect(records.map(({ outcome, request }) => [outcome, request.api])).toEqual([
    ['completed', 'embeddings'],
    ['completed', 'embeddings'],
  ])
})
