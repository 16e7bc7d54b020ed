import type { Need } from '../domain/routing/route.ts'
import { countAt, skipSpace, skipValue } from './json-scan.ts'
import { walkArray, walkObject, wordAt } from './json-walk.ts'
import type { Field, PromptFields } from './prompt-fields.ts'
import { readTools } from './read-tools.ts'

const QUOTE = 0x22
const TRUE = 0x74
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b
const NONE: readonly Need[] = []

export const tools: Field = (bytes, at, fields) => {
  const { needs, end } = readTools(bytes, at, fields.budget)
  fields.tools = needs
  fields.toolBytes = Math.max(0, end - at)
  if (needs.includes('hosted_tools')) fields.namesStored ||= bytes.subarray(at, end).includes('"vector_store_ids"')
  return end
}

/** What the provider keeps, by its id or by an object that holds it; or `true`: the answer is kept, to be asked for later. */
export const stored: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.namesStored ||= bytes[at] === QUOTE || bytes[at] === OPEN_BRACE || bytes[at] === TRUE
  return end
}

export const functions: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.functions = isFilled(bytes, at, end) ? ['tools'] : NONE
  fields.toolBytes = Math.max(fields.toolBytes, end - at)
  return end
}

export const search: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.search =
    bytes[at] === OPEN_BRACE || (bytes[at] === OPEN_BRACKET && isFilled(bytes, at, end)) ? ['hosted_tools'] : NONE
  return end
}

/** `{"type": "json_schema" | "json_object" | "text"}`; Anthropic's and OpenAI's alike. */
export const format: Field = (bytes, at, fields) => {
  fields.format = NONE
  return walkObject(bytes, at, fields, formatMember)
}

function formatMember(bytes: Buffer, at: number, fields: PromptFields, key: string): number {
  const end = skipValue(bytes, at)
  if (key === 'type') fields.format = formatNeed(wordAt(bytes, at, end))
  return end
}

function formatNeed(type: string): readonly Need[] {
  return type === 'json_schema' ? ['json_schema'] : type === 'json_object' ? ['json'] : NONE
}

/** `text` of Responses and Anthropic's `output_config`: the format is one of several wishes. */
export const outputConfig: Field = (bytes, at, fields) => {
  fields.format = NONE
  return walkObject(bytes, at, fields, (_, start, own, key) =>
    key === 'format' ? format(bytes, start, own) : skipValue(bytes, start),
  )
}

/** Efforts at which a model that does not reason answers just as well. */
export const NO_EFFORT: ReadonlySet<string> = new Set(['', 'none', 'minimal', 'disabled'])

export const effort: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.reasoning = NO_EFFORT.has(wordAt(bytes, at, end)) ? NONE : ['reasoning']
  return end
}

/** `reasoning.effort` of Responses, `thinking.type` of Messages. */
export const reasoning: Field = (bytes, at, fields) => {
  fields.reasoning = NONE
  return walkObject(bytes, at, fields, (_, start, own, key) =>
    key === 'effort' || key === 'type' ? effort(bytes, start, own) : skipValue(bytes, start),
  )
}

export const modalities: Field = (bytes, at, fields) => {
  const asked: Need[] = []
  const end = walkArray(bytes, at, fields, (_, start) => {
    const stop = skipValue(bytes, start)
    const name = wordAt(bytes, start, stop).toLowerCase()
    if (name === 'audio') asked.push('audio')
    else if (name === 'image') asked.push('images')
    return stop
  })
  fields.modalities = asked
  return end
}

export const maxTokens: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.maxOutputTokens = countAt(bytes, { start: at, end })
  return end
}

export const maxCompletionTokens: Field = (bytes, at, fields) => {
  const end = skipValue(bytes, at)
  fields.maxCompletionTokens = countAt(bytes, { start: at, end })
  return end
}

/** Whether an array or object has anything in it. */
function isFilled(bytes: Buffer, at: number, end: number): boolean {
  const isOpen = bytes[at] === OPEN_BRACKET || bytes[at] === OPEN_BRACE
  return isOpen && skipSpace(bytes, at + 1) < end - 1
}
