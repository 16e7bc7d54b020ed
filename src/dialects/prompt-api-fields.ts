import type { Api } from '../domain/request.ts'
import { conversation, prompt, requests, system } from './conversation-fields.ts'
import { generationConfig } from './gemini-fields.ts'
import { skipValue } from './json-scan.ts'
import { walkObject } from './json-walk.ts'
import {
  effort,
  format,
  functions,
  maxCompletionTokens,
  maxTokens,
  modalities,
  outputConfig,
  reasoning,
  search,
  stored,
  tools,
} from './option-fields.ts'
import type { Field } from './prompt-fields.ts'

const MESSAGES_FIELDS: ReadonlyMap<string, Field> = new Map([
  ['messages', conversation],
  ['system', system],
  ['tools', tools],
  ['mcp_servers', search],
  ['output_format', format],
  ['output_config', outputConfig],
  ['thinking', reasoning],
  ['container', stored],
  ['max_tokens', maxTokens],
])

const GEMINI_FIELDS: ReadonlyMap<string, Field> = new Map([
  ['contents', conversation],
  ['systemInstruction', system],
  ['system_instruction', system],
  ['tools', tools],
  ['generationConfig', generationConfig],
  ['generation_config', generationConfig],
  ['cachedContent', stored],
  ['cached_content', stored],
])

const geminiRequest: Field = (bytes, at, fields) =>
  walkObject(bytes, at, fields, (_, start, own, key) => {
    const field = GEMINI_FIELDS.get(key)
    return field === undefined ? skipValue(bytes, start) : field(bytes, start, own)
  })

/** The members of a body that say something, by API; all others are jumped over. */
export const PROMPT_FIELDS: Readonly<Record<Exclude<Api, 'passthrough'>, ReadonlyMap<string, Field>>> = {
  chat_completions: new Map([
    ['messages', conversation],
    ['tools', tools],
    ['functions', functions],
    ['web_search_options', search],
    ['response_format', format],
    ['reasoning_effort', effort],
    ['modalities', modalities],
    ['max_tokens', maxTokens],
    ['max_completion_tokens', maxCompletionTokens],
  ]),
  responses: new Map([
    ['input', conversation],
    ['instructions', system],
    ['tools', tools],
    ['text', outputConfig],
    ['reasoning', reasoning],
    ['conversation', stored],
    ['prompt', stored],
    ['background', stored],
    ['max_output_tokens', maxTokens],
  ]),
  completions: new Map([
    ['prompt', prompt],
    ['max_tokens', maxTokens],
  ]),
  embeddings: new Map([['input', prompt]]),
  messages: MESSAGES_FIELDS,
  // Anthropic's and Gemini's: they share no name but `tools`.
  count_tokens: new Map([...MESSAGES_FIELDS, ...GEMINI_FIELDS, ['generateContentRequest', geminiRequest]]),
  generate_content: GEMINI_FIELDS,
  embed_content: new Map([
    ['content', conversation],
    ['requests', requests],
  ]),
}
