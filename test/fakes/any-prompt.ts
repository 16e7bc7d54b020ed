import fc from 'fast-check'
import type { Api } from '../../src/domain/request.ts'
import type { Need } from '../../src/domain/routing/route.ts'

/** One thing said, before any dialect has written it down. */
export type Saying = {
  readonly who: 'user' | 'assistant' | 'tool'
  readonly text: string
  readonly media: 'none' | 'image' | 'file'
  /** Text as a part of several rather than as the whole content. */
  readonly inParts: boolean
}

/** A request as its writer thinks of it. */
export type AnyPrompt = {
  readonly system: string
  readonly sayings: readonly Saying[]
  readonly tools: boolean
  readonly hosted: boolean
  readonly format: 'text' | 'json' | 'json_schema'
  readonly reasoning: boolean
  readonly maxOutputTokens: number | undefined
}

export type PromptApi = Extract<Api, 'chat_completions' | 'responses' | 'messages' | 'generate_content'>

const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc.constantFrom('say "hi"\\', 'a\nb\tc', '{"role":"user"}', '\u{1f600}\u{1f600}', 'ends with \\', 'été 日本語'),
)

export const anyPrompt: fc.Arbitrary<AnyPrompt> = fc.record({
  system: fc.oneof(fc.constant(''), text),
  sayings: fc.array(
    fc.record({
      who: fc.constantFrom<Saying['who']>('user', 'user', 'assistant', 'tool'),
      text: text.filter((said) => said.trim() !== ''),
      media: fc.constantFrom<Saying['media']>('none', 'none', 'none', 'image', 'file'),
      inParts: fc.boolean(),
    }),
    { maxLength: 8 },
  ),
  tools: fc.boolean(),
  hosted: fc.boolean(),
  format: fc.constantFrom<AnyPrompt['format']>('text', 'json', 'json_schema'),
  reasoning: fc.boolean(),
  maxOutputTokens: fc.option(fc.nat(100_000), { nil: undefined }),
})

/** What it needs, in the order of `NEEDS`. Anthropic's API has no JSON without a schema. */
export function neededBy(prompt: AnyPrompt, api: PromptApi): readonly Need[] {
  const media = prompt.sayings.filter(({ who }) => who === 'user').map((saying) => saying.media)
  const needs: (Need | false)[] = [
    prompt.tools && 'tools',
    media.includes('image') && 'images',
    media.includes('file') && 'files',
    prompt.format === 'json_schema' && 'json_schema',
    prompt.format === 'json' && api !== 'messages' && 'json',
    prompt.hosted && 'hosted_tools',
    prompt.reasoning && 'reasoning',
  ]
  return needs.filter((need) => need !== false)
}

/** The body that a client of `api` would send. */
export function bodyOf(prompt: AnyPrompt, api: PromptApi): Readonly<Record<string, unknown>> {
  switch (api) {
    case 'chat_completions':
      return chatBody(prompt)
    case 'responses':
      return responsesBody(prompt)
    case 'messages':
      return messagesBody(prompt)
    case 'generate_content':
      return geminiBody(prompt)
  }
}

const SCHEMA = { type: 'object', properties: { input: { type: 'string' }, type: { enum: ['image_url', 'file'] } } }

function chatBody({
  system,
  sayings,
  tools,
  hosted,
  format,
  reasoning,
  maxOutputTokens,
}: AnyPrompt): Readonly<Record<string, unknown>> {
  const media = {
    none: [],
    image: [{ type: 'image_url', image_url: { url: 'data:,' } }],
    file: [{ type: 'file', file: {} }],
  }
  return {
    messages: [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      ...sayings.map((saying) =>
        saying.who === 'tool'
          ? { role: 'tool', tool_call_id: 'c', content: saying.text }
          : { content: content(saying, saying.who === 'user' ? media[saying.media] : [], 'text'), role: saying.who },
      ),
    ],
    ...(tools ? { tools: [{ type: 'function', function: { name: 'f', parameters: SCHEMA } }] } : {}),
    ...(hosted ? { web_search_options: {} } : {}),
    ...(format === 'text' ? {} : { response_format: { type: format === 'json' ? 'json_object' : 'json_schema' } }),
    ...(reasoning ? { reasoning_effort: 'high' } : { reasoning_effort: 'none' }),
    ...(maxOutputTokens === undefined ? {} : { max_completion_tokens: maxOutputTokens, max_tokens: 7 }),
  }
}

function responsesBody({
  system,
  sayings,
  tools,
  hosted,
  format,
  reasoning,
  maxOutputTokens,
}: AnyPrompt): Readonly<Record<string, unknown>> {
  const media = {
    none: [],
    image: [{ type: 'input_image', image_url: 'data:,' }],
    file: [{ type: 'input_file', file_id: 'f' }],
  }
  const list = [
    ...(tools ? [{ type: 'function', name: 'f', parameters: SCHEMA }] : []),
    ...(hosted ? [{ type: 'web_search_preview' }] : []),
  ]
  return {
    instructions: system,
    input: sayings.map((saying) => {
      if (saying.who === 'tool') return { type: 'function_call_output', call_id: 'c', output: saying.text }
      const isUser = saying.who === 'user'
      return {
        type: 'message',
        role: saying.who,
        content: content(saying, isUser ? media[saying.media] : [], isUser ? 'input_text' : 'output_text'),
      }
    }),
    ...(list.length > 0 ? { tools: list } : {}),
    text: { format: { type: format === 'json' ? 'json_object' : format } },
    reasoning: { effort: reasoning ? 'low' : 'minimal' },
    ...(maxOutputTokens === undefined ? {} : { max_output_tokens: maxOutputTokens }),
  }
}

function messagesBody({
  system,
  sayings,
  tools,
  hosted,
  format,
  reasoning,
  maxOutputTokens,
}: AnyPrompt): Readonly<Record<string, unknown>> {
  const media = {
    none: [],
    image: [{ type: 'image', source: { type: 'url' } }],
    file: [{ type: 'document', source: {} }],
  }
  return {
    ...(system === '' ? {} : { system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }] }),
    messages: sayings.map((saying) =>
      saying.who === 'tool'
        ? { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: saying.text }] }
        : { role: saying.who, content: content(saying, saying.who === 'user' ? media[saying.media] : [], 'text') },
    ),
    tools: [
      ...(tools ? [{ name: 'f', input_schema: SCHEMA }] : []),
      ...(hosted ? [{ type: 'web_search_20250305', name: 'web_search' }] : []),
    ],
    ...(format === 'json_schema'
      ? { output_config: { effort: 'low', format: { type: 'json_schema', schema: SCHEMA } } }
      : {}),
    thinking: { type: reasoning ? 'enabled' : 'disabled' },
    max_tokens: maxOutputTokens,
  }
}

function geminiBody({
  system,
  sayings,
  tools,
  hosted,
  format,
  reasoning,
  maxOutputTokens,
}: AnyPrompt): Readonly<Record<string, unknown>> {
  const media = {
    none: [],
    image: [{ inlineData: { mimeType: 'image/png', data: '' } }],
    file: [{ file_data: { file_uri: 'u', mime_type: 'application/pdf' } }],
  }
  return {
    system_instruction: { parts: [{ text: system }] },
    contents: sayings.map((saying) =>
      saying.who === 'tool'
        ? { role: 'user', parts: [{ functionResponse: { name: 'f', response: { text: saying.text } } }] }
        : {
            role: saying.who === 'assistant' ? 'model' : 'user',
            parts: [{ text: saying.text }, ...(saying.who === 'user' ? media[saying.media] : [])],
          },
    ),
    tools: [...(tools ? [{ functionDeclarations: [{ name: 'f' }] }] : []), ...(hosted ? [{ googleSearch: {} }] : [])],
    generationConfig: {
      ...(format === 'text' ? {} : { responseMimeType: 'application/json' }),
      ...(format === 'json_schema' ? { responseSchema: SCHEMA } : {}),
      thinkingConfig: { thinkingBudget: reasoning ? 1024 : 0 },
      maxOutputTokens,
    },
  }
}

function content(saying: Saying, media: readonly object[], type: string): unknown {
  return saying.inParts || media.length > 0 ? [{ type, text: saying.text }, ...media] : saying.text
}
