import type { Need } from '../domain/routing/route.ts'
import { type Conversation, emptyConversation } from './conversation-walk.ts'
import { type WalkBudget, walkBudget } from './json-walk.ts'

/** What the members of one body say, each by itself: of a key that comes twice the last counts. */
export type PromptFields = {
  readonly budget: WalkBudget
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
  /** Something at the top names what the provider keeps. */
  namesStored: boolean
  maxOutputTokens: number | undefined
  /** `max_completion_tokens`, which stands before `max_tokens`. */
  maxCompletionTokens: number | undefined
}

export function emptyFields(readsConversation: boolean): PromptFields {
  const budget = walkBudget()
  return {
    readsConversation,
    budget,
    conversation: emptyConversation(budget),
    system: emptyConversation(budget),
    promptTokens: 0,
    toolBytes: 0,
    tools: NONE,
    functions: NONE,
    search: NONE,
    format: NONE,
    reasoning: NONE,
    modalities: NONE,
    namesStored: false,
    maxOutputTokens: undefined,
    maxCompletionTokens: undefined,
  }
}

const NONE: readonly Need[] = []

/** Takes what it wants from the value at `at` and returns the offset after it, or -1. */
export type Field = (bytes: Buffer, at: number, fields: PromptFields) => number
