import type { TextBudget } from './bounded-text.ts'
import { asRecord, type JsonRecord, nameOf, recordsOf } from './json-value.ts'

/** One turn of a conversation; `tool` brings back what the client's tools said. */
export type PromptTurn = { readonly role: 'user' | 'assistant' | 'tool'; readonly text: string }

/** A tool that the client runs. `schema`: of its arguments; undefined where the request states none. */
export type PromptTool = { readonly name: string; readonly schema: JsonRecord | undefined }

/** What the answer must look like. `schema` is the JSON Schema as the client wrote it, of any draft. */
export type PromptFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | { readonly kind: 'schema'; readonly schema: JsonRecord }

/** What a dialect reads of a body. Turns are read from the last to the first, so that of too much text the first is left out. */
export type PromptReading = {
  /** System and developer text, instructions. */
  readonly system: string
  readonly turns: readonly PromptTurn[]
  readonly tools: readonly PromptTool[]
  readonly format: PromptFormat
  readonly hasImages: boolean
  /** Documents, audio and other files, inside the request or named by it. */
  readonly hasFiles: boolean
  /** Tools that the provider runs: searches, code execution, remote MCP servers. */
  readonly hasHostedTools: boolean
  /** Continues or names something that the provider keeps: a conversation, an earlier answer, a cache, a stored prompt. */
  readonly hasStoredConversation: boolean
  /** Asks the provider to work on in the background and be asked for the answer later. */
  readonly isBackground: boolean
}

export const TEXT_FORMAT: PromptFormat = { kind: 'text' }

/** `schema` where it is an object, else only that JSON is asked for. */
export function schemaFormat(schema: unknown): PromptFormat {
  const record = asRecord(schema)
  return record === undefined ? { kind: 'json' } : { kind: 'schema', schema: record }
}

/** The tools that have a name. */
export function toolOf(name: unknown, schema: unknown): readonly PromptTool[] {
  const known = nameOf(name)
  return known === undefined ? [] : [{ name: known, schema: asRecord(schema) }]
}

/** What the parts of a message hold beside text: one for a whole request, marked as parts are read. */
export type Attachments = { hasImages: boolean; hasFiles: boolean }

/** A tool's result holds content of its own, and that no further. */
const MAX_DEPTH = 3

/**
 * Text of a message's content: a string, or parts told by `type`, of which those that `isText` names are joined by
 * newlines. Parts of other types are marked as image or file by the words in their type.
 */
export function contentText(content: unknown, budget: TextBudget, attachments: Attachments, depth = 0): string {
  if (typeof content === 'string') return budget.take(content)
  if (depth === MAX_DEPTH) return ''
  const texts: string[] = []
  for (const part of recordsOf(content)) {
    const type = typeof part['type'] === 'string' ? part['type'] : 'text'
    if (/image/.test(type)) attachments.hasImages = true
    else if (/file|document|audio|video|container_upload/.test(type)) attachments.hasFiles = true
    const text =
      type === 'tool_result'
        ? contentText(part['content'], budget, attachments, depth + 1)
        : budget.take(part['text'] ?? part['refusal'])
    if (text !== '') texts.push(text)
  }
  return texts.join('\n')
}
