import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import fc from 'fast-check'
import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { MAX_CONTENT_CHARS } from '../../src/dialects/bounded-text.ts'
import { type PromptContent, promptContentOf } from '../../src/dialects/prompt-content.ts'
import type { Api } from '../../src/domain/request.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator()

/** What is read from the last body that an SDK sent. */
function lastSent(api: Api): PromptContent | undefined {
  return promptContentOf(api, simulator().requests().at(-1)?.body ?? Buffer.alloc(0))
}

const PARAMETERS = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] }
const IMAGE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const PLAIN = {
  format: { kind: 'text' },
  hasImages: false,
  hasFiles: false,
  hasHostedTools: false,
  hasStoredConversation: false,
  isBackground: false,
  isClipped: false,
}

it('reads what the OpenAI SDK sends as a chat', async () => {
  const client = new OpenAI({ apiKey: 'k', baseURL: `${simulator().url}/v1` })
  await client.chat.completions.create({
    model: 'sim-plain',
    messages: [
      { role: 'developer', content: 'Be short.' },
      { role: 'user', content: 'First.' },
      { role: 'assistant', content: null, tool_calls: [aCall()] },
      { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'And this?' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${IMAGE}` } },
        ],
      },
    ],
    tools: [{ type: 'function', function: { name: 'weather', parameters: PARAMETERS } }],
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema: PARAMETERS } },
  })
  expect(lastSent('chat_completions')).toEqual({
    ...PLAIN,
    system: 'Be short.',
    turns: [
      { role: 'user', text: 'First.' },
      { role: 'assistant', text: '' },
      { role: 'tool', text: 'sunny' },
      { role: 'user', text: 'And this?' },
    ],
    tools: [{ name: 'weather', schema: PARAMETERS }],
    format: { kind: 'schema', schema: PARAMETERS },
    hasImages: true,
    lastUserText: 'And this?',
  })
})

function aCall() {
  return { id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{}' } }
}

it('reads what the OpenAI SDK sends as a completion', async () => {
  const client = new OpenAI({ apiKey: 'k', baseURL: `${simulator().url}/v1` })
  await client.completions.create({ model: 'sim-instruct', prompt: 'Once upon' })
  const expected = { ...PLAIN, system: '', turns: [{ role: 'user', text: 'Once upon' }], tools: [] }
  expect(lastSent('completions')).toEqual({ ...expected, lastUserText: 'Once upon' })
})

it('reads what the OpenAI SDK sends to the Responses API', async () => {
  const client = new OpenAI({ apiKey: 'k', baseURL: `${simulator().url}/v1` })
  await client.responses.create({
    model: 'sim-plain',
    instructions: 'Be short.',
    input: [
      { role: 'system', content: 'In French.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Weather?' }] },
      { type: 'function_call', call_id: 'c', name: 'weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'sunny' },
    ],
    tools: [{ type: 'function', name: 'weather', parameters: PARAMETERS, strict: true }, { type: 'web_search' }],
    text: { format: { type: 'json_object' } },
    previous_response_id: 'resp_1',
    background: true,
  })
  expect(lastSent('responses')).toEqual({
    ...PLAIN,
    system: 'Be short.\n\nIn French.',
    turns: [
      { role: 'user', text: 'Weather?' },
      { role: 'tool', text: 'sunny' },
    ],
    tools: [{ name: 'weather', schema: PARAMETERS }],
    format: { kind: 'json' },
    hasHostedTools: true,
    hasStoredConversation: true,
    isBackground: true,
    lastUserText: 'Weather?',
  })
})

it('reads what the Anthropic SDK sends', async () => {
  const client = new Anthropic({ apiKey: 'k', baseURL: simulator().url })
  await client.messages.create({
    model: 'sim-plain',
    max_tokens: 100,
    system: [{ type: 'text', text: 'Be short.' }],
    messages: [
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'weather', input: { city: 'Oslo' } }] },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'sunny' }] }],
      },
    ],
    tools: [
      { name: 'weather', input_schema: PARAMETERS },
      { type: 'bash_20250124', name: 'bash' },
      { type: 'web_search_20250305', name: 'web_search' },
    ],
    output_config: { format: { type: 'json_schema', schema: PARAMETERS } },
  })
  expect(lastSent('messages')).toEqual({
    ...PLAIN,
    system: 'Be short.',
    turns: [
      { role: 'user', text: 'Weather?' },
      { role: 'assistant', text: '' },
      { role: 'tool', text: 'sunny' },
    ],
    tools: [
      { name: 'weather', schema: PARAMETERS },
      { name: 'bash', schema: undefined },
    ],
    format: { kind: 'schema', schema: PARAMETERS },
    hasHostedTools: true,
    lastUserText: 'Weather?',
  })
})

it('reads what the Gemini SDK sends', async () => {
  const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: simulator().url } })
  await client.models.generateContent({
    model: 'sim-plain',
    contents: [
      { role: 'user', parts: [{ text: 'What is it?' }, { inlineData: { mimeType: 'image/png', data: IMAGE } }] },
      { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { sky: 'blue' } } }] },
    ],
    config: {
      systemInstruction: 'Be short.',
      tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: PARAMETERS }] }, { googleSearch: {} }],
      responseMimeType: 'application/json',
      responseJsonSchema: PARAMETERS,
    },
  })
  expect(lastSent('generate_content')).toEqual({
    ...PLAIN,
    system: 'Be short.',
    turns: [
      { role: 'user', text: 'What is it?' },
      { role: 'assistant', text: '' },
      { role: 'tool', text: '{"sky":"blue"}' },
    ],
    tools: [{ name: 'weather', schema: PARAMETERS }],
    format: { kind: 'schema', schema: PARAMETERS },
    hasImages: true,
    hasHostedTools: true,
    lastUserText: 'What is it?',
  })
})

const apis = fc.constantFrom<Api>(
  'chat_completions',
  'completions',
  'responses',
  'messages',
  'count_tokens',
  'generate_content',
  'embeddings',
  'passthrough',
)

it('takes any bytes and any JSON under the names it looks for, without throwing', () => {
  const names =
    'messages input contents parts content role type text tools function name response_format json_schema system ' +
    'prompt generationConfig output_config __proto__'
  const key = fc.constantFrom(...names.split(' '))
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom('user', 'tool_result', 'function', 'json_schema', null, 1, true, '\ud800'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
    ),
  }))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
    fc.dictionary(key, tree).map((body) => Buffer.from(JSON.stringify(body))),
  )
  fc.assert(
    fc.property(apis, bytes, (api, body) => {
      const content = promptContentOf(api, body)
      if (content === undefined) return
      expect(typeof content.system).toBe('string')
      for (const { text } of content.turns) expect(typeof text).toBe('string')
    }),
    { numRuns: 2000 },
  )
})

it('keeps the last turns of a conversation that is longer than what is kept', () => {
  const long = 'x'.repeat(MAX_CONTENT_CHARS)
  const messages = [long, 'the question'].map((content) => ({ role: 'user', content }))
  const bodies: readonly (readonly [Api, unknown])[] = [
    ['chat_completions', { messages }],
    ['responses', { input: messages }],
    ['messages', { messages }],
    ['generate_content', { contents: [{ parts: [{ text: long }] }, { parts: [{ text: 'the question' }] }] }],
  ]
  for (const [api, body] of bodies) {
    const content = promptContentOf(api, Buffer.from(JSON.stringify(body)))
    expect(content).toMatchObject({ lastUserText: 'the question', isClipped: true })
    expect(content?.turns).toHaveLength(2)
  }
})

it('keeps the last thousand turns of more', () => {
  const messages = Array.from({ length: 1_500 }, (_, turn) => ({ role: 'user', content: String(turn) }))
  const content = promptContentOf('messages', Buffer.from(JSON.stringify({ messages })))
  expect(content?.turns.map(({ text }) => Number(text))).toEqual(Array.from({ length: 1_000 }, (_, i) => 500 + i))
  expect(content).toMatchObject({ isClipped: true, lastUserText: '1499' })
})

it('puts up with nesting deeper than the stack', () => {
  const open = '{"type":"tool_result","content":['
  const body = `{"messages":[{"role":"user","content":[${open.repeat(100_000)}${']}'.repeat(100_000)}]}]}`
  expect(promptContentOf('messages', Buffer.from(body))).toMatchObject({ lastUserText: '' })
})
