import type { Need } from '../domain/routing/route.ts'
import { isDigit, skipValue } from './json-scan.ts'
import { walkObject, wordAt } from './json-walk.ts'
import { maxTokens, modalities, NO_EFFORT } from './option-fields.ts'
import type { Field } from './prompt-fields.ts'

const OPEN_BRACE = 0x7b
const NONE: readonly Need[] = []

/** A schema asks for JSON in that form; a MIME type alone for any JSON. */
export const generationConfig: Field = (bytes, at, fields) => {
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
  if (fields.format.length === 0 && wordAt(bytes, at, end) === 'application/json') fields.format = ['json']
  return end
}

/** A budget of 0 switches thinking off; no thinking configuration asks for what the model does by itself. */
const geminiThinking: Field = (bytes, at, fields) =>
  walkObject(bytes, at, fields, (_, start, own, key) => {
    const end = skipValue(bytes, start)
    const isBudget = key === 'thinkingBudget' || key === 'thinking_budget'
    const isLevel = key === 'thinkingLevel' || key === 'thinking_level'
    if (isBudget && isDigit(bytes[start]) && bytes[start] !== 0x30) own.reasoning = ['reasoning']
    if (isLevel && !NO_EFFORT.has(wordAt(bytes, start, end).toLowerCase())) own.reasoning = ['reasoning']
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
