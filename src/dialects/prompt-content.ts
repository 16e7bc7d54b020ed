import type { Api } from '../domain/request.ts'
import { createTextBudget, type TextBudget } from './bounded-text.ts'
import { readChatPrompt, readCompletionPrompt } from './chat-prompt-content.ts'
import { readGeneratePrompt } from './gemini-prompt-content.ts'
import { asRecord, type JsonRecord, parseJson } from './json-value.ts'
import { readMessagesPrompt } from './messages-prompt-content.ts'
import type { PromptReading } from './prompt-reading.ts'
import { readResponsesPrompt } from './responses-prompt-content.ts'

/** What a request asks, whatever its dialect. */
export type PromptContent = PromptReading & {
  /** Text of the last user turn; '' where there is none. */
  readonly lastUserText: string
  /** Text, turns or tools beyond what is kept here were left out: see `MAX_CONTENT_CHARS`. */
  readonly isClipped: boolean
}

/** Turns and tools of one request that are kept; of more turns, the last. */
const MAX_TURNS = 1_000
const MAX_TOOLS = 256

/**
 * Reads a (decoded) request body of `api`. Undefined where the body is not a JSON object, or the API asks for no text
 * (embeddings, what is relayed unread). Never throws: what is missing or of another type is left out.
 */
export function promptContentOf(api: Api, bytes: Buffer): PromptContent | undefined {
  const body = asRecord(parseJson(bytes.toString('utf8')))
  const budget = createTextBudget()
  const reading = body === undefined ? undefined : readPrompt(api, body, budget)
  if (reading === undefined) return undefined
  return {
    ...reading,
    turns: reading.turns.slice(-MAX_TURNS),
    tools: reading.tools.slice(0, MAX_TOOLS),
    lastUserText: reading.turns.findLast(({ role }) => role === 'user')?.text ?? '',
    isClipped: budget.isExceeded() || reading.turns.length > MAX_TURNS || reading.tools.length > MAX_TOOLS,
  }
}

function readPrompt(api: Api, body: JsonRecord, budget: TextBudget): PromptReading | undefined {
  switch (api) {
    case 'chat_completions':
      return readChatPrompt(body, budget)
    case 'completions':
      return readCompletionPrompt(body, budget)
    case 'responses':
      return readResponsesPrompt(body, budget)
    case 'messages':
    case 'count_tokens':
      return readMessagesPrompt(body, budget)
    case 'generate_content':
      return readGeneratePrompt(body, budget)
    case 'embeddings':
    case 'embed_content':
    case 'passthrough':
      return undefined
  }
}
