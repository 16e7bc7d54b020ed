import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type AnswerContent, answerContentOf } from '../../src/dialects/answer-content.ts'
import { MAX_CONTENT_CHARS } from '../../src/dialects/bounded-text.ts'
import type { Api } from '../../src/domain/request.ts'
import { loadAnswers } from '../fixtures/answers/load.ts'
import { aSimulator, post } from '../fakes/a-simulator.ts'

const simulator = aSimulator()

/** How one question is asked of each API, plain and streamed. */
const APIS: readonly {
  readonly api: Api
  readonly path: (isStream: boolean) => string
  readonly body: (question: string, shape: Shape) => Record<string, unknown>
}[] = [
  {
    api: 'chat_completions',
    path: () => '/v1/chat/completions',
    body: (question, { hasTool, hasSchema, maxTokens }) => ({
      model: 'sim-plain',
      messages: [{ role: 'user', content: question }],
      max_completion_tokens: maxTokens,
      ...(hasTool ? { tools: [{ type: 'function', function: { name: TOOL, parameters: SCHEMA } }] } : {}),
      ...(hasSchema ? { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: SCHEMA } } } : {}),
    }),
  },
  {
    api: 'completions',
    path: () => '/v1/completions',
    body: (prompt, { maxTokens }) => ({ model: 'sim-instruct', prompt, max_tokens: maxTokens }),
  },
  {
    api: 'responses',
    path: () => '/v1/responses',
    body: (input, { hasTool, hasSchema, maxTokens }) => ({
      model: 'sim-plain',
      input,
      max_output_tokens: maxTokens,
      ...(hasTool ? { tools: [{ type: 'function', name: TOOL, parameters: SCHEMA }] } : {}),
      ...(hasSchema ? { text: { format: { type: 'json_schema', name: 'x', schema: SCHEMA } } } : {}),
    }),
  },
  {
    api: 'messages',
    path: () => '/v1/messages',
    body: (question, { hasTool, hasSchema, maxTokens }) => ({
      model: 'sim-plain',
      max_tokens: maxTokens,
      messages: [{ role: 'user', content: question }],
      ...(hasTool ? { tools: [{ name: TOOL, input_schema: SCHEMA }] } : {}),
      ...(hasSchema ? { output_config: { format: { type: 'json_schema', schema: SCHEMA } } } : {}),
    }),
  },
  {
    api: 'generate_content',
    path: (isStream) => `/v1beta/models/sim-plain:${isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: (question, { hasTool, hasSchema, maxTokens }) => ({
      contents: [{ role: 'user', parts: [{ text: question }] }],
      ...(hasTool ? { tools: [{ functionDeclarations: [{ name: TOOL, parametersJsonSchema: SCHEMA }] }] } : {}),
      generationConfig: { maxOutputTokens: maxTokens, ...(hasSchema ? { responseJsonSchema: SCHEMA } : {}) },
    }),
  },
]

const TOOL = 'save_order'
const SCHEMA = { type: 'object', properties: { city: { type: 'string' }, n: { type: 'integer' } }, required: ['city'] }

type Shape = { readonly hasTool: boolean; readonly hasSchema: boolean; readonly maxTokens: number }

async function asked(
  { api, path, body }: (typeof APIS)[number],
  question: string,
  shape: Shape,
  isStream: boolean,
  fault: string | undefined,
): Promise<AnswerContent | undefined> {
  const stream = api === 'generate_content' || !isStream ? {} : { stream: true }
  const key = { 'x-goog-api-key': 'k' }
  const url = simulator().url + path(isStream)
  const answer = await post(url, { ...body(question, shape), ...stream }, fault, key)
  return answerContentOf(api, Buffer.from(await answer.arrayBuffer()))
}

it('finds the same content in the plain and the streamed form of every answer, in every dialect', async () => {
  const found = { calls: 0, refusals: 0, truncated: 0, texts: 0 }
  const aShape = fc.record({
    hasTool: fc.boolean(),
    hasSchema: fc.boolean(),
    maxTokens: fc.constantFrom(4, 1000),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...APIS),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      aShape,
      fc.constantFrom(undefined, undefined, 'refusal', 'multibyte'),
      async (api, question, shape, fault) => {
        const plain = await asked(api, question, shape, false, fault)
        const streamed = await asked(api, question, shape, true, fault)
        expect(streamed).toEqual(plain)
        expect(plain?.isClipped).toBe(false)
        if (plain === undefined) return
        if (plain.toolCalls.length > 0) found.calls += 1
        if (plain.refusal !== undefined) found.refusals += 1
        if (plain.isTruncated) found.truncated += 1
        if (plain.text !== '') found.texts += 1
      },
    ),
    { numRuns: 150, seed: 7 },
  )
  for (const count of Object.values(found)) expect(count).toBeGreaterThan(5)
})

it('says which tool is called and with which arguments, in every dialect that has tools', async () => {
  for (const api of APIS.filter((each) => each.api !== 'completions')) {
    for (const isStream of [false, true]) {
      const shape = { hasTool: true, hasSchema: false, maxTokens: 1000 }
      const content = await asked(api, 'save it', shape, isStream, undefined)
      expect(content?.toolCalls.map(({ name }) => name)).toEqual([TOOL])
      expect(JSON.parse(content?.toolCalls[0]?.argumentsText ?? '')).toMatchObject({ city: expect.any(String) })
      expect(content?.text).toBe('')
    }
  }
})

it('tells an answer that met its token limit from one that was cut and one that is whole', async () => {
  for (const api of APIS) {
    const whole = { hasTool: false, hasSchema: false, maxTokens: 1000 }
    expect(await asked(api, 'hello', whole, true, undefined)).toMatchObject({ isTruncated: false })
    expect(await asked(api, 'hello', { ...whole, maxTokens: 3 }, true, undefined)).toMatchObject({ isTruncated: true })
    expect(await asked(api, 'hello', whole, true, 'end@6')).toMatchObject({
      isTruncated: true,
      finishReason: undefined,
    })
  }
})

it('reads a Gemini stream as events and as the array that it is without alt=sse, whole and cut', async () => {
  const url = `${simulator().url}/v1beta/models/sim-plain:streamGenerateContent`
  const body = { contents: [{ role: 'user', parts: [{ text: 'hello' }] }] }
  const read = async (query: string, fault?: string): Promise<AnswerContent | undefined> => {
    const answer = await post(url + query, body, fault, { 'x-goog-api-key': 'k' })
    return answerContentOf('generate_content', Buffer.from(await answer.arrayBuffer()))
  }
  expect(await read('')).toEqual(await read('?alt=sse'))
  expect(await read('', 'end@6')).toEqual(await read('?alt=sse', 'end@6'))
  expect(await read('', 'end@6')).toMatchObject({ isTruncated: true, text: expect.stringMatching(/\w/) })
})

it('reads the first of several choices, and the same as where only one was asked for', async () => {
  const chat = { model: 'sim-plain', messages: [{ role: 'user', content: 'hello' }] }
  const contentOf = async (changes: object): Promise<AnswerContent | undefined> => {
    const answer = await post(`${simulator().url}/v1/chat/completions`, { ...chat, ...changes })
    return answerContentOf('chat_completions', Buffer.from(await answer.arrayBuffer()))
  }
  const one = await contentOf({})
  expect(one?.text).not.toBe('')
  expect(await contentOf({ n: 3 })).toEqual(one)
  expect(await contentOf({ n: 3, stream: true })).toEqual(one)
})

it('takes arguments streamed with blanks, or not at all, for what the plain answer says', () => {
  const events: readonly object[] = [
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'a', name: 'save', input: {} } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"a": ' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '1}' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'b', name: 'now', input: {} } },
    { type: 'content_block_stop', index: 1 },
    {
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'server_tool_use', name: 'web_search', input: {} },
    },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"q":1}' } },
    { type: 'content_block_stop', index: 2 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
    { type: 'message_stop' },
  ]
  const content = [
    { type: 'tool_use', id: 'a', name: 'save', input: { a: 1 } },
    { type: 'tool_use', id: 'b', name: 'now', input: {} },
    { type: 'server_tool_use', name: 'web_search', input: { q: 1 } },
  ]
  const streamed = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  const whole = JSON.stringify({ type: 'message', content, stop_reason: 'tool_use' })
  const found = answerContentOf('messages', Buffer.from(streamed))
  expect(found).toEqual(answerContentOf('messages', Buffer.from(whole)))
  expect(found?.toolCalls).toEqual([
    { name: 'save', argumentsText: '{"a":1}' },
    { name: 'now', argumentsText: '{}' },
  ])
})

const thought = { reasoning_content: 'Hm.', reasoning: 'Hm.', content: 'Yes.' }
const THOUGHTS: readonly (readonly [Api, object])[] = [
  ['chat_completions', { choices: [{ index: 0, message: thought }] }],
  ['chat_completions', { choices: [{ message: { content: [{ type: 'thinking' }, { type: 'text', text: 'Yes.' }] } }] }],
  [
    'responses',
    {
      output: [
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
        { type: 'message', content: [{ type: 'output_text', text: 'Yes.' }] },
      ],
    },
  ],
  [
    'messages',
    {
      content: [
        { type: 'thinking', thinking: 'Hm.' },
        { type: 'text', text: 'Yes.' },
      ],
    },
  ],
  ['generate_content', { candidates: [{ content: { parts: [{ text: 'Hm.', thought: true }, { text: 'Yes.' }] } }] }],
]

it.each(THOUGHTS)('leaves out what a model thinks: %s', (api, answer) => {
  expect(answerContentOf(api, Buffer.from(JSON.stringify(answer)))?.text).toBe('Yes.')
})

it('keeps what a cut stream had said by then', async () => {
  for (const api of APIS) {
    const shape = { hasTool: false, hasSchema: false, maxTokens: 1000 }
    const whole = await asked(api, 'hello', shape, true, undefined)
    const cut = await asked(api, 'hello', shape, true, 'end@12')
    expect(cut?.text).not.toBe('')
    expect(whole?.text.startsWith(cut?.text ?? '-')).toBe(true)
    expect(cut?.text).not.toBe(whole?.text)
  }
})

const apis = fc.constantFrom<Api>(...APIS.map(({ api }) => api), 'embeddings', 'count_tokens', 'passthrough')

it('takes any bytes whatever, and real answers with bytes changed, without throwing', () => {
  const files = loadAnswers()
  const changed = fc
    .tuple(fc.constantFrom(...files), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.nat())
    .map(([{ bytes }, changes, cut]) => {
      const copy = Buffer.from(bytes.subarray(0, 1 + (cut % bytes.length)))
      for (const [at, value] of changes) copy[at % copy.length] = value
      return copy
    })
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json({ maxDepth: 6 }).map((json) => Buffer.from(json)),
    fc.json({ maxDepth: 6 }).map((json) => Buffer.from(`data: ${json}\n\n`)),
    changed,
  )
  fc.assert(
    fc.property(apis, any, (api, bytes) => {
      const content = answerContentOf(api, bytes)
      if (content === undefined) return
      expect(typeof content.text).toBe('string')
      for (const call of content.toolCalls) expect(typeof call.argumentsText).toBe('string')
    }),
    { numRuns: 1500 },
  )
})

it('reads every recorded answer with the finish reason and error that its table states', () => {
  for (const { file, api, bytes, finish, errorType } of loadAnswers()) {
    const content = answerContentOf(api, bytes)
    if (content === undefined) continue
    expect({ file, finish: content.finishReason, errorType: content.errorType }).toEqual({ file, finish, errorType })
  }
})

it('keeps a bounded number of characters of an answer of any size, and says so', () => {
  // An odd number of characters before the pairs, so that the limit falls within one.
  const text = `x${'\u{1f680}'.repeat(MAX_CONTENT_CHARS)}`
  const delta = { type: 'response.output_text.delta', output_index: 0, delta: text }
  const answers: readonly (readonly [Api, string])[] = [
    ['chat_completions', JSON.stringify({ choices: [{ index: 0, message: { content: text } }] })],
    ['responses', `data: ${JSON.stringify(delta)}\n\n`],
    ['messages', JSON.stringify({ content: [{ type: 'tool_use', name: 'a', input: { text } }] })],
  ]
  for (const [api, answer] of answers) {
    const content = answerContentOf(api, Buffer.from(answer))
    expect(content?.isClipped).toBe(true)
    const kept = (content?.text ?? '') + (content?.toolCalls[0]?.argumentsText ?? '')
    expect(kept.length).toBeGreaterThan(MAX_CONTENT_CHARS - 10)
    expect(kept.length).toBeLessThanOrEqual(MAX_CONTENT_CHARS)
    expect(kept.isWellFormed()).toBe(true)
  }
})

it('puts up with nesting deeper than the stack', () => {
  const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`
  for (const { api } of APIS) {
    for (const body of [
      `{"content":[{"type":"tool_use","name":"x","input":${deep}}]}`,
      `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"x","args":${deep}}}]}}]}`,
      `{"choices":[{"message":{"tool_calls":[{"function":{"name":"x","arguments":${deep}}}]}}]}`,
    ])
      expect(answerContentOf(api, Buffer.from(body))).toBeDefined()
  }
})
