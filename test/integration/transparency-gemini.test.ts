import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai'
import { describe, expect, it } from 'vitest'
import { inputTokens, outputTokens } from '../../src/domain/usage.ts'
import { seenByClient, simulatedTwins } from '../fakes/direct-and-proxied.ts'
import type { Header } from '../fakes/http-message.ts'
import type { ProxyChanges } from '../fakes/proxy.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'

const DIALECTS: ProxyChanges = { dialects: ['openai', 'anthropic', 'gemini'] }
const twins = simulatedTwins({}, DIALECTS)

const KEY = 'AIzaSyTest-key-of-a-client'
const ask = { model: 'sim-plain', contents: 'What is 17 + 25?' }
const contents = [{ role: 'user', parts: [{ text: 'What is 17 + 25?' }] }]
const weather = { name: 'get_weather', parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } } } }

function gemini(url: string, mount = '', headers: Record<string, string> = {}): GoogleGenAI {
  return new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: `${url}${mount}`, headers } })
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

/** What a caller of the SDK can see, its view of the HTTP headers left out: they hold ours. */
function visible(answer: unknown): string {
  return JSON.stringify(answer, (key, value: unknown) => (key === 'sdkHttpResponse' ? undefined : value))
}

type Run = (client: GoogleGenAI) => Promise<unknown>

const RUNS: readonly (readonly [string, Run, object])[] = [
  ['generateContent', (client) => client.models.generateContent(ask), { isStream: false, api: 'generate_content' }],
  [
    'generateContentStream',
    async (client) => all(await client.models.generateContentStream(ask)),
    { isStream: true, api: 'generate_content' },
  ],
  [
    'a thinking model that shows its thoughts',
    async (client) =>
      all(
        await client.models.generateContentStream({
          ...ask,
          model: 'sim-reasoning',
          config: { thinkingConfig: { includeThoughts: true } },
        }),
      ),
    { model: 'sim-reasoning' },
  ],
  [
    'tools',
    async (client) =>
      all(
        await client.models.generateContentStream({
          ...ask,
          config: {
            tools: [{ functionDeclarations: [weather] }],
            toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
          },
        }),
      ),
    { shape: { hasTools: true, hasSchema: false } },
  ],
  [
    'a response schema',
    (client) =>
      client.models.generateContent({
        ...ask,
        config: {
          responseMimeType: 'application/json',
          responseSchema: { type: Type.OBJECT, properties: { answer: { type: Type.STRING } } },
        },
      }),
    { shape: { hasTools: false, hasSchema: true } },
  ],
  [
    'three candidates',
    async (client) => all(await client.models.generateContentStream({ ...ask, config: { candidateCount: 3 } })),
    { isStream: true },
  ],
  ['a blocked prompt', (client) => client.models.generateContent({ ...ask, model: 'sim-blocking' }), {}],
  ['countTokens', (client) => client.models.countTokens(ask), { api: 'count_tokens' }],
  [
    'embedContent',
    (client) => client.models.embedContent({ model: 'sim-embedding', contents: ['one', 'two'] }),
    { api: 'embed_content', model: 'sim-embedding' },
  ],
]

describe('with the Gemini SDK the answer is the same as direct, and the record holds its usage', () => {
  it.each(RUNS)('%s', async (_name, run, request) => {
    const { direct, behind, proxy, recordOf } = twins()
    for (const simulator of [direct, behind])
      simulator.setModel('sim-blocking', { faults: [{ fault: 'refusal', probability: 1 }] })
    const straight = await run(gemini(direct.url))
    const [record, proxied] = await recordOf(() => run(gemini(proxy.url, '/gemini')))
    expect(visible(proxied)).toBe(visible(straight))
    expect(record).toMatchObject({ outcome: 'completed', status: 200, request: { provider: 'gemini', ...request } })
    expect(record.attempts[0]?.usage).toMatchObject({ isPartial: false })
  })

  it('over five turns with tools, each a record of its own', async () => {
    const { direct, proxy } = twins()
    const talk = async (client: GoogleGenAI): Promise<readonly string[]> => {
      const chat = client.chats.create({
        model: 'sim-reasoning',
        config: { tools: [{ functionDeclarations: [weather] }] },
      })
      const seen: string[] = []
      for (let turn = 0; turn < 5; turn++) {
        const called = await chat.sendMessage({ message: `Weather, turn ${turn}: get_weather` })
        const [call] = called.functionCalls ?? []
        seen.push(JSON.stringify(call))
        const answered = await chat.sendMessage({
          message: [{ functionResponse: { name: call?.name ?? '', response: { sky: 'clear' } } }],
        })
        seen.push(answered.text ?? '')
      }
      return [...seen, visible(chat.getHistory())]
    }
    const straight = await talk(gemini(direct.url))
    const before = proxy.exchanges.length
    const proxied = await talk(gemini(proxy.url, '/gemini'))
    expect(proxied).toEqual(straight)
    expect(straight[0]).toContain('get_weather')
    const records = (await proxy.recorded(before + 10)).slice(before)
    expect(records.map(({ outcome }) => outcome)).toEqual(Array(10).fill('completed'))
  })

  it.each([
    ['/gemini', 'v1'],
    ['/gemini', 'v1beta'],
    ['/p/gemini', 'v1alpha'],
    ['', 'v1beta'],
  ])('at the mount "%s" with API version %s, listings included', async (mount, apiVersion) => {
    const { proxy, recordOf } = twins()
    const client = new GoogleGenAI({ apiKey: KEY, apiVersion, httpOptions: { baseUrl: `${proxy.url}${mount}` } })
    const [record, answer] = await recordOf(() => client.models.generateContent(ask))
    expect(answer.text).toContain('42')
    expect(record.request).toMatchObject({
      provider: 'gemini',
      dialect: 'gemini',
      api: 'generate_content',
      model: 'sim-plain',
      upstreamPath: `/${apiVersion}/models/sim-plain:generateContent`,
      path: `${mount}/${apiVersion}/models/sim-plain:generateContent`,
    })
    const [listed, model] = await recordOf(() => client.models.get({ model: 'sim-plain' }))
    expect(model.name).toBe('models/sim-plain')
    expect(listed).toMatchObject({
      outcome: 'completed',
      request: { provider: 'gemini', api: 'passthrough', method: 'GET' },
    })
  })

  it('at the root also as v1, which the SDK asks for unless told otherwise: the method tells it from OpenAI', async () => {
    const { proxy, recordOf } = twins()
    const [record] = await recordOf(async () => all(await gemini(proxy.url).models.generateContentStream(ask)))
    expect(record).toMatchObject({
      outcome: 'completed',
      request: { provider: 'gemini', path: '/v1/models/sim-plain:streamGenerateContent', isStream: true },
    })
  })

  it('prices a model of the list by its buckets, and embeddings by the model in the path', async () => {
    const { proxy, recordOf } = twins()
    const client = gemini(proxy.url, '/gemini')
    const [record] = await recordOf(() => client.models.generateContent({ ...ask, model: 'gemini-2.5-flash' }))
    const [attempt] = record.attempts
    const { uncachedInputTokens = 0, textOutputTokens = 0, reasoningTokens = 0 } = attempt?.usage ?? {}
    expect(reasoningTokens).toBe(96)
    expect(attempt?.cost).toMatchObject({
      kind: 'priced',
      picoUsd: BigInt(uncachedInputTokens * 300_000 + (textOutputTokens + reasoningTokens) * 2_500_000),
    })
    expect(attempt).toMatchObject({
      servedModel: 'gemini-2.5-flash',
      finishReason: 'STOP',
      responseId: expect.any(String),
    })
    const [embedded] = await recordOf(() =>
      client.models.embedContent({ model: 'gemini-embedding-001', contents: 'hello world!' }),
    )
    expect(embedded.attempts[0]?.cost).toMatchObject({ kind: 'priced', picoUsd: 3n * 150_000n })
  })

  it.each(['status@400', 'status@429', 'status@503'])('%s is the same ApiError, whole and streamed', async (fault) => {
    const { direct, proxy, recordOf } = twins()
    const failing = (url: string, mount = ''): GoogleGenAI => gemini(url, mount, { 'x-sim-fault': fault })
    for (const method of ['generateContent', 'generateContentStream'] as const) {
      const straight = await errorOf(failing(direct.url).models[method](ask))
      const [record, proxied] = await recordOf(() => errorOf(failing(proxy.url, '/gemini').models[method](ask)))
      expect(straight.status).toBe(Number(fault.slice(7)))
      expect(proxied.message).toBe(straight.message)
      expect(proxied.status).toBe(straight.status)
      expect(record).toMatchObject({ outcome: 'refused', error: 'upstream_error', status: straight.status })
      expect(record.attempts[0]?.outcome).toMatchObject({ errorType: /"status": ?"(\w+)"/.exec(straight.message)?.[1] })
    }
  })

  it.each(['error@3', 'cut@3', 'reset@3'])('%s in mid-stream is an error in the SDK, as direct', async (fault) => {
    const { direct, proxy, recordOf } = twins()
    const failing = async (url: string): Promise<unknown> =>
      all(await gemini(url, '', { 'x-sim-fault': fault }).models.generateContentStream(ask))
    const straight = await errorNameOf(failing(direct.url))
    const [record, proxied] = await recordOf(() => errorNameOf(failing(proxy.url)))
    expect(straight).not.toBe('none')
    expect(proxied).toBe(straight)
    const isError = fault === 'error@3'
    expect(record).toMatchObject({
      outcome: isError ? 'refused' : 'interrupted',
      error: isError ? 'upstream_stream_error' : 'upstream_cut',
    })
    expect(record.attempts[0]?.usage).toMatchObject({ isPartial: true, uncachedInputTokens: 4, textOutputTokens: 3 })
  })

  it('an abort closes the upstream call, and the record keeps the usage so far', async () => {
    const { behind, proxy, recordOf } = twins()
    const controller = new AbortController()
    const arrived = behind.nextRequest()
    const [record] = await recordOf(async () => {
      const stream = await gemini(proxy.url, '/gemini', { 'x-sim-fault': 'hang@3' }).models.generateContentStream({
        ...ask,
        config: { abortSignal: controller.signal },
      })
      const chunks = stream[Symbol.asyncIterator]()
      for (let count = 0; count < 3; count++) await chunks.next()
      controller.abort()
      await expect(chunks.next()).rejects.toMatchObject({ name: 'AbortError' })
      expect((await (await arrived).whenEnded()).how).toBe('client_closed')
    })
    expect(record).toMatchObject({ outcome: 'cancelled', error: 'client_closed', status: 200 })
    expect(record.attempts[0]?.usage).toMatchObject({ isPartial: true, textOutputTokens: 3 })
  })
})

async function errorOf(run: Promise<unknown>): Promise<ApiError> {
  try {
    await run
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('expected an ApiError, and there was none')
}

async function errorNameOf(run: Promise<unknown>): Promise<string> {
  try {
    await run
    return 'none'
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  }
}

const timeless = (headers: readonly Header[]): readonly Header[] =>
  seenByClient(headers).filter(([name]) => name.toLowerCase() !== 'date')

const WHOLE = '/v1beta/models/sim-reasoning:generateContent'
const EVENTS = '/v1beta/models/sim-reasoning:streamGenerateContent?alt=sse'
const ARRAY = '/v1beta/models/sim-reasoning:streamGenerateContent'

describe.each([
  ['whole', WHOLE],
  ['streamed as events', EVENTS],
  ['streamed as an array', ARRAY],
])('an answer %s is the same byte for byte', (_how, path) => {
  // Twins of its own: ids follow from how many calls each has had.
  const twins = simulatedTwins({}, DIALECTS)

  it.each([
    undefined,
    'split@1, tokens@6',
    'split@7, multibyte, tokens@6',
    'multibyte',
    'crlf',
    'heartbeat@2',
    'encode@gzip',
    'encode@br',
    'encode@zstd, split@3, tokens@6',
  ])('%s', async (fault) => {
    const { direct, proxy, recordOf } = twins()
    const headers: Header[] = [
      ['x-goog-api-key', KEY],
      ['accept-encoding', 'gzip, br, zstd'],
    ]
    if (fault !== undefined) headers.push(['x-sim-fault', fault])
    // Comments are of event streams alone: in an array they would be nonsense.
    const isNonsense = fault?.startsWith('heartbeat') === true && path !== EVENTS
    const request = aPost(path, JSON.stringify({ contents }), isNonsense ? headers.slice(0, 2) : headers)
    const straight = await exchangeRaw(direct.port, request)
    const [record, proxied] = await recordOf(() => exchangeRaw(proxy.port, request))
    expect(proxied.status).toBe(straight.status)
    expect(Buffer.compare(proxied.body, straight.body)).toBe(0)
    expect(timeless(proxied.headers)).toEqual(timeless(straight.headers))
    expect(proxied.end).toBe('whole')
    expect(record).toMatchObject({ outcome: 'completed', request: { isStream: path !== WHOLE } })
    const [attempt] = record.attempts
    if (attempt?.usage === undefined) throw new Error('no usage')
    expect(attempt.usage).toMatchObject({ isPartial: false, reasoningTokens: 64 })
    expect(inputTokens(attempt.usage)).toBe(attempt.usage.providerInputTokens)
    expect(outputTokens(attempt.usage)).toBe((attempt.usage.providerOutputTokens ?? 0) + 64)
    expect(attempt.firstTokenMs).toBeGreaterThanOrEqual(0)
    expect(attempt.streamEvents ?? 0).toBeGreaterThanOrEqual(path === WHOLE ? 0 : 3)
    expect(attempt.streamEvents === undefined).toBe(path === WHOLE)
  })

  it.each(['status@400', 'status@429', 'status@503'])('%s', async (fault) => {
    const { direct, proxy, recordOf } = twins()
    const request = aPost(path, JSON.stringify({ contents }), [
      ['x-goog-api-key', KEY],
      ['x-sim-fault', fault],
    ])
    const straight = await exchangeRaw(direct.port, request)
    const [record, proxied] = await recordOf(() => exchangeRaw(proxy.port, request))
    expect(Buffer.compare(proxied.body, straight.body)).toBe(0)
    expect(timeless(proxied.headers)).toEqual(timeless(straight.headers))
    expect(record).toMatchObject({ outcome: 'refused', status: Number(fault.slice(7)) })
    expect(record.attempts[0]?.outcome).toMatchObject({ errorType: expect.stringMatching(/^[A-Z_]+$/) })
  })
})
