import type { Api } from '../domain/request.ts'
import type { Need } from '../domain/routing/route.ts'
import { type Conversation, emptyConversation, walkConversation, walkSystem } from './conversation-walk.ts'
import { countAt, skipValue } from './json-scan.ts'
import { walkArray, walkObject } from './json-walk.ts'

const QUOTE = 0x22
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

/** What the members of one body say, each by itself: of a key that comes twice the last counts. */
export type PromptFields = {
  /** Whether messages are walked at all. */
  readonly readsConversation: boolean
  conversation: Conversation
  /** What stands apart from the messages as the system prompt. */
  system: Conversation
  /** Numbers given in place of text (embeddings, completions). */
  promptTokens: number
  toolBytes: number
  tools: readonly Need[]
  functions: readonly Need[]
  search: readonly Need[]
  format: readonly Need[]
  reasoning: readonly Need[]
  modalities: readonly Need[]
  maxOutputTokens: number | undefined
  /** `max_completion_tokens`, which stands before `max_tokens`. */
  maxCompletionTokens: number | undefined
}

export function emptyFields(readsConversation: boolean): PromptFields {
  return {
    readsConversation,
    conversation: emptyConversation(),
    system: emptyConversation(),
    promptTokens: 0,
    toolBytes: 0,
    tools: NONE,
    functions: NONE,
    search: NONE,
    format: NONE,
    reasoning: NONE,
    modalities: NONE,
    maxOutputTokens: undefined,
    maxCompletionTokens: undefined,
  }
}

const NONE: readonly Need[] = []

/** Takes what it wants from the value at `at` and returns the offset after it, or -1. */
type Field = (bytes: Buffer, at: number, fields: PromptFields) => number

const conversation: Field = (bytes, at, fields) => {
  if (!fields.readsConversation) return skipValue(bytes, at)
  fields.conversation = emptyConversation()
  return walkConversation(bytes, at, fields.conversation)
}

const system: Field = (bytes, at, fields) => {
  if (!fields.readsConversation) return skipValue(bytes, at)
  fields.system = emptyConversation()
  return walkSystem(bytes, at, fields.system)
}

/** Text to complete or embed: a string, several, or their tokens, alone or several. */
const prompt: Field = (bytes, at, fields) => {
  fields.promptTokens = 0
  fields.conversation = emptyConversation()
  return bytes[at] === OPEN_BRACKET ? walkArray(bytes, at, fields, promptElement) : promptElement(bytes, at, fields)
}

function promptElement(bytes: Buffer, at: number, fields: PromptFields): number {
  if (bytes[at] === QUOTE) return walkConversation(bytes, at, fields.conversation)
  if (bytes[at] === OPEN_BRACKET) return walkArray(bytes, at, fields, promptToken)
  return promptToken(bytes, at, fields)
}

function promptToken(bytes: Buffer, at: number, fields: PromptFields): number {
  if (isDigit(bytes[at])) fields.promptTokens++
  return skipValue(bytes, at)
}

/** Gemini's batches: each request has a content of its own. */
const requests: Field = (bytes, at, fields) => {
  fields.conversation = emptyConversation()
  return walkArray(bytes, at, fields, (_, start) => walkObject(bytes, start, fields, batchMember))
}

function batchMember(bytes: Buffer, at: number, fields: PromptFields, key: string): number {
  return key === 'content' ? walkConversation(bytes, at, fields.conversation) : skipValue(bytes, at)
}

const tools: Field = (bytes, at, fields) => {
  const reading: ToolReading = { type: '', needs: [] }
  const end = walkArray(bytes, at, reading, toolElement)
  fields.tools = reading.needs
  fields.toolBytes = Math.max(0, end - at)
  return end
}

/** `type` of the tool being walked, and what all of them need. */
type ToolReading = { type: string; readonly needs: Need[] }

function toolElement(bytes: Buffer, at: number, reading: ToolReading): number {
  reading.type = ''
  const known = reading.needs.length
  const end = walkObject(bytes, at, reading, toolMember)
  // Gemini's tools have no type: their keys have said what they are.
  if (reading.type !== '' || reading.needs.length === known) need(reading.needs, toolNeed(reading.type))
  return end
}

function toolMember(bytes: Buffer, at: number, reading: ToolReading, key: string): number {
  const end = skipValue(bytes, at)
  if (key === 'type') reading.type = word(bytes, at, end)
  else if (key === 'functionDeclarations' || key === 'function_declarations') need(reading.needs, 'tools')
  else if (GEMINI_HOSTED.has(key)) need(reading.needs, 'hosted_tools')
  return end
}

/** ai.google.dev/api/caching#Tool, in both spellings. */
const GEMINI_HOSTED: ReadonlySet<string> = new Set(
  [
    'google_search',
    'google_search_retrieval',
    'google_maps',
    'code_execution',
    'url_context',
    'file_search',
    'mcp_servers',
  ].flatMap((name) => [name, name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())]),
)

/**
 * Tools that the provider itself runs, by how their type begins. All others are the client's to run, those that a provider has
 * defined (`bash_20250124`, `computer_use_preview`) included.
 */
const HOSTED =
  /^(?:web_search|web_fetch|code_execution|code_interpreter|file_search|image_generation|mcp|tool_search|advisor)/

function toolNeed(type: string): Need {
  return HOSTED.test(type) ? 'hosted_tools' : 'tools'
}

const functions: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.functions = isFilled(bytes, at, end) ? ['tools'] : NONE
  fields.toolBytes += Math.max(0, end - at)
  return end
}

const search: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.search =
    bytes[at] === OPEN_BRACE || (bytes[at] === OPEN_BRACKET && isFilled(bytes, at, end)) ? ['hosted_tools'] : NONE
  return end
}

/** `{"type": "json_schema" | "json_object" | "text"}`; Anthropic's and OpenAI's alike. */
const format: Field = (bytes, at, fields) => {
  fields.format = NONE
  return walkObject(bytes, at, fields, formatMember)
}

function formatMember(bytes: Buffer, at: number, fields: PromptFields, key: string): number {
  const end = skipValue(bytes, at)
  if (key === 'type') fields.format = formatNeed(word(bytes, at, end))
  return end
}

function formatNeed(type: string): readonly Need[] {
  return type === 'json_schema' ? ['json_schema'] : type === 'json_object' ? ['json'] : NONE
}

/** `text` of Responses and Anthropic's `output_config`: the format is one of several wishes. */
const outputConfig: Field = (bytes, at, fields) => {
  fields.format = NONE
  return walkObject(bytes, at, fields, (_, start, own, key) =>
    key === 'format' ? format(bytes, start, own) : skipValue(bytes, start),
  )
}

/** Efforts at which a model that does not reason answers just as well. */
const NO_EFFORT: ReadonlySet<string> = new Set(['', 'none', 'minimal', 'disabled'])

const effort: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.reasoning = NO_EFFORT.has(word(bytes, at, end)) ? NONE : ['reasoning']
  return end
}

/** `reasoning.effort` of Responses, `thinking.type` of Messages. */
const reasoning: Field = (bytes, at, fields) => {
  fields.reasoning = NONE
  return walkObject(bytes, at, fields, (_, start, own, key) =>
    key === 'effort' || key === 'type' ? effort(bytes, start, own) : skipValue(bytes, start),
  )
}

const modalities: Field = (bytes, at, fields) => {
  const asked: Need[] = []
  const end = walkArray(bytes, at, asked, (_, start, needs) => {
    const stop = skipValue(bytes, start)
    const name = word(bytes, start, stop).toLowerCase()
    if (name === 'audio') need(needs, 'audio')
    else if (name === 'image') need(needs, 'images')
    return stop
  })
  fields.modalities = asked
  return end
}

const maxTokens: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.maxOutputTokens = countAt(bytes, { start: at, end })
  return end
}

const maxCompletionTokens: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.maxCompletionTokens = countAt(bytes, { start: at, end })
  return end
}

/** A schema asks for JSON in that form; a MIME type alone for any JSON. */
const generationConfig: Field = (bytes, at, fields) => {
  fields.format = NONE
  fields.reasoning = NONE
  fields.modalities = NONE
  fields.maxOutputTokens = undefined
  return walkObject(bytes, at, fields, (_, start, own, key) => {
    const field = GENERATION_FIELDS.get(key)
    return field === undefined ? skipValue(bytes, start) : field(bytes, start, own)
  })
}

const geminiSchema: Field = (bytes, at, fields) => {
  if (bytes[at] === OPEN_BRACE) fields.format = ['json_schema']
  return skipValue(bytes, at)
}

const geminiMime: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  if (fields.format.length === 0 && word(bytes, at, end) === 'application/json') fields.format = ['json']
  return end
}

/** A budget of 0 switches thinking off; no thinking configuration asks for what the model does by itself. */
const geminiThinking: Field = (bytes, at, fields) =>
  walkObject(bytes, at, fields, (_, start, own, key) => {
    const end = skipValue(bytes, start)
    const isBudget = key === 'thinkingBudget' || key === 'thinking_budget'
    const isLevel = key === 'thinkingLevel' || key === 'thinking_level'
    if (isBudget && isDigit(bytes[start]) && bytes[start] !== 0x30) own.reasoning = ['reasoning']
    if (isLevel && !NO_EFFORT.has(word(bytes, start, end).toLowerCase())) own.reasoning = ['reasoning']
    return end
  })

const GENERATION_FIELDS: ReadonlyMap<string, Field> = new Map([
  ['maxOutputTokens', maxTokens],
  ['max_output_tokens', maxTokens],
  ['responseSchema', geminiSchema],
  ['response_schema', geminiSchema],
  ['responseJsonSchema', geminiSchema],
  ['response_json_schema', geminiSchema],
  ['responseMimeType', geminiMime],
  ['response_mime_type', geminiMime],
  ['thinkingConfig', geminiThinking],
  ['thinking_config', geminiThinking],
  ['responseModalities', modalities],
  ['response_modalities', modalities],
])

const MESSAGES_FIELDS: ReadonlyMap<string, Field> = new Map([
  ['messages', conversation],
  ['system', system],
  ['tools', tools],
  ['mcp_servers', search],
  ['output_format', format],
  ['output_config', outputConfig],
  ['thinking', reasoning],
  ['max_tokens', maxTokens],
])

const GEMINI_FIELDS: ReadonlyMap<string, Field> = new Map([
  ['contents', conversation],
  ['systemInstruction', system],
  ['system_instruction', system],
  ['tools', tools],
  ['generationConfig', generationConfig],
  ['generation_config', generationConfig],
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

function need(needs: Need[], added: Need): void {
  if (!needs.includes(added)) needs.push(added)
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

/** Whether an array or object has anything in it. */
function isFilled(bytes: Buffer, at: number, end: number): boolean {
  return (bytes[at] === OPEN_BRACKET || bytes[at] === OPEN_BRACE) && end - at > 2
}

/** A short string; '' for anything else. */
function word(bytes: Buffer, at: number, end: number): string {
  return bytes[at] === QUOTE && end - at <= 66 ? bytes.toString('latin1', at + 1, end - 1) : ''
}
