import { emptyConversation, walkConversation, walkSystem } from './conversation-walk.ts'
import { isDigit, skipValue } from './json-scan.ts'
import { walkArray, walkObject } from './json-walk.ts'
import type { Field, PromptFields } from './prompt-fields.ts'

const QUOTE = 0x22
const OPEN_BRACKET = 0x5b

export const conversation: Field = (bytes, at, fields) => {
  if (!fields.readsConversation) return skipValue(bytes, at)
  fields.conversation = emptyConversation(fields.budget)
  return walkConversation(bytes, at, fields.conversation)
}

export const system: Field = (bytes, at, fields) => {
  if (!fields.readsConversation) return skipValue(bytes, at)
  fields.system = emptyConversation(fields.budget)
  return walkSystem(bytes, at, fields.system)
}

/** Text to complete or embed: a string, several, or their tokens, alone or several. */
export const prompt: Field = (bytes, at, fields) => {
  if (!fields.readsConversation) return skipValue(bytes, at)
  fields.promptTokens = 0
  fields.conversation = emptyConversation(fields.budget)
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
export const requests: Field = (bytes, at, fields) => {
  if (!fields.readsConversation) return skipValue(bytes, at)
  fields.conversation = emptyConversation(fields.budget)
  return walkArray(bytes, at, fields, (_, start) => walkObject(bytes, start, fields, batchMember))
}

function batchMember(bytes: Buffer, at: number, fields: PromptFields, key: string): number {
  return key === 'content' ? walkConversation(bytes, at, fields.conversation) : skipValue(bytes, at)
}
