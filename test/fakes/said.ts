import type { Api, Dialect } from '../../src/domain/request.ts'

/** A request and its answer on the wire, with texts of one's choice in them. */
export type Said = {
  readonly name: string
  readonly dialect: Dialect
  readonly api: Api
  readonly path: string
  readonly isStream: boolean
  readonly request: (prompt: string) => string
  /** `pieces`: the text, each in an event of its own where it is streamed. `call`: the argument of a tool call. */
  readonly answer: (pieces: readonly string[], call: string) => string
}

const sse = (...events: readonly (object | string)[]): string =>
  events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
const named = (...events: readonly { readonly type: string }[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
const halves = (text: string): readonly [string, string] => [
  text.slice(0, text.length / 2),
  text.slice(text.length / 2),
]

const openai = (prompt: string, isStream: boolean): string =>
  JSON.stringify({
    model: 'gpt-5-mini',
    stream: isStream,
    user: 'somebody',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: prompt }] },
      {
        role: 'assistant',
        tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: JSON.stringify({ q: prompt }) } }],
      },
      { role: 'tool', tool_call_id: '1', content: JSON.stringify([{ found: prompt }]) },
    ],
  })
const anthropic = (prompt: string, isStream: boolean): string =>
  JSON.stringify({
    model: 'claude-haiku-4-5',
    max_tokens: 100,
    stream: isStream,
    system: prompt,
    messages: [{ role: 'user', content: prompt }],
  })
const gemini = (prompt: string): string => JSON.stringify({ contents: [{ role: 'user', parts: [{ text: prompt }] }] })
const responses = (prompt: string, isStream: boolean): string =>
  JSON.stringify({ model: 'gpt-5-mini', stream: isStream, input: prompt, instructions: prompt })
const argument = (call: string): string => JSON.stringify({ q: call, deep: { list: [call] } })

/** Each dialect and each of its forms of an answer. */
export const SAID: readonly Said[] = [
  {
    name: 'chat, plain',
    dialect: 'openai',
    api: 'chat_completions',
    path: '/openai/v1/chat/completions',
    isStream: false,
    request: (prompt) => openai(prompt, false),
    answer: (pieces, call) =>
      JSON.stringify({
        id: 'c',
        object: 'chat.completion',
        model: 'gpt-5-mini',
        choices: [
          {
            index: 0,
            finish_reason: 'tool_calls',
            message: {
              role: 'assistant',
              content: pieces.join(''),
              tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: argument(call) } }],
            },
          },
        ],
      }),
  },
  {
    name: 'chat, streamed',
    dialect: 'openai',
    api: 'chat_completions',
    path: '/openai/v1/chat/completions',
    isStream: true,
    request: (prompt) => openai(prompt, true),
    answer: (pieces, call) => {
      const chunk = (delta: object, finish: string | null = null) => ({
        id: 'c',
        object: 'chat.completion.chunk',
        model: 'gpt-5-mini',
        choices: [{ index: 0, delta, finish_reason: finish }],
      })
      const [first, second] = halves(argument(call))
      return sse(
        chunk({ role: 'assistant', content: '' }),
        ...pieces.map((content) => chunk({ content })),
        chunk({ tool_calls: [{ index: 0, id: '1', type: 'function', function: { name: 'f', arguments: first } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: second } }] }),
        chunk({}, 'tool_calls'),
        '[DONE]',
      )
    },
  },
  {
    name: 'responses, streamed',
    dialect: 'openai',
    api: 'responses',
    path: '/openai/v1/responses',
    isStream: true,
    request: (prompt) => responses(prompt, true),
    answer: (pieces, call) => {
      const message = {
        type: 'message',
        id: 'm',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: pieces.join('') }],
      }
      const made = {
        type: 'function_call',
        id: 'f',
        call_id: 'f',
        name: 'f',
        arguments: argument(call),
        status: 'completed',
      }
      return named(
        ...pieces.map((delta) => ({
          type: 'response.output_text.delta',
          item_id: 'm',
          output_index: 0,
          content_index: 0,
          delta,
        })),
        {
          type: 'response.completed',
          response: { id: 'r', model: 'gpt-5-mini', status: 'completed', output: [message, made] },
        } as { type: string },
      )
    },
  },
  {
    name: 'messages, plain',
    dialect: 'anthropic',
    api: 'messages',
    path: '/anthropic/v1/messages',
    isStream: false,
    request: (prompt) => anthropic(prompt, false),
    answer: (pieces, call) =>
      JSON.stringify({
        id: 'm',
        type: 'message',
        role: 'assistant',
        model: 'claude-haiku-4-5',
        stop_reason: 'tool_use',
        content: [
          { type: 'text', text: pieces.join('') },
          { type: 'tool_use', id: 't', name: 'f', input: JSON.parse(argument(call)) as unknown },
        ],
        usage: { input_tokens: 1, output_tokens: 1 },
      }),
  },
  {
    name: 'messages, streamed',
    dialect: 'anthropic',
    api: 'messages',
    path: '/anthropic/v1/messages',
    isStream: true,
    request: (prompt) => anthropic(prompt, true),
    answer: (pieces, call) => {
      const [first, second] = halves(argument(call))
      const events: readonly ({ readonly type: string } & Record<string, unknown>)[] = [
        {
          type: 'message_start',
          message: {
            id: 'm',
            type: 'message',
            role: 'assistant',
            model: 'claude-haiku-4-5',
            content: [],
            usage: { input_tokens: 1, output_tokens: 1 },
          },
        },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        ...pieces.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
        { type: 'content_block_stop', index: 0 },
        { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: first } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: second } },
        { type: 'content_block_stop', index: 1 },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 2 } },
        { type: 'message_stop' },
      ]
      return named(...events)
    },
  },
  {
    name: 'generateContent, streamed',
    dialect: 'gemini',
    api: 'generate_content',
    path: '/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    isStream: true,
    request: gemini,
    answer: (pieces, call) =>
      sse(
        ...pieces.map((text) => ({
          candidates: [{ content: { role: 'model', parts: [{ text }] } }],
          modelVersion: 'gemini-2.5-flash',
        })),
        {
          candidates: [
            {
              content: {
                role: 'model',
                parts: [{ functionCall: { name: 'f', args: JSON.parse(argument(call)) as unknown } }],
              },
              finishReason: 'STOP',
            },
          ],
          modelVersion: 'gemini-2.5-flash',
        },
      ),
  },
  {
    name: 'generateContent, as an array',
    dialect: 'gemini',
    api: 'generate_content',
    path: '/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent',
    isStream: true,
    request: gemini,
    answer: (pieces, call) =>
      JSON.stringify([
        ...pieces.map((text) => ({ candidates: [{ content: { role: 'model', parts: [{ text }] } }] })),
        { candidates: [{ content: { role: 'model', parts: [{ text: call }] }, finishReason: 'STOP' }] },
      ]),
  },
]
