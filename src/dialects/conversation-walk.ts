import { skipValue } from './json-scan.ts'
import { type WalkBudget, walkArray, walkObject, wordAt } from './json-walk.ts'
import { addMedia, type Content, emptyContent, hasMedia, type Media, push, walkContent } from './message-content.ts'
import { withoutReminders } from './reminder-blocks.ts'

const QUOTE = 0x22
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

/** What a conversation in a body shows, wherever in it; text as offsets (`TextSpans`). */
export type Conversation = Media & {
  readonly budget: WalkBudget
  /** All that the model reads as text. */
  texts: number[]
  system: number[]
  firstUser: number[]
  /** Of the last turn of the user: messages of theirs with no answer between them. */
  lastUser: number[]
  /** How often the user has spoken; tool results and reminder blocks alone are not speaking. */
  turn: number
  isUserSpeaking: boolean
  messages: number
  /** Bytes of JSON that the model reads beside text: arguments and results of tools. */
  jsonBytes: number
}

export function emptyConversation(budget: WalkBudget): Conversation {
  return {
    budget,
    texts: [],
    system: [],
    firstUser: [],
    lastUser: [],
    turn: 0,
    isUserSpeaking: false,
    messages: 0,
    jsonBytes: 0,
    images: 0,
    lowDetailImages: 0,
    hasAudio: false,
    hasFiles: false,
    hasStoredFiles: false,
  }
}

type Message = { readonly budget: WalkBudget; role: string; hasParts: boolean; content: Content; toolBytes: number }

function emptyMessage(budget: WalkBudget, role: string): Message {
  return { budget, role, hasParts: false, content: emptyContent(budget), toolBytes: 0 }
}

/** Walks `messages`, `input`, `contents`: messages, or one message or text by itself. */
export function walkConversation(bytes: Buffer, at: number, conversation: Conversation): number {
  return bytes[at] === OPEN_BRACKET
    ? walkArray(bytes, at, conversation, walkMessage)
    : walkMessage(bytes, at, conversation)
}

function walkMessage(bytes: Buffer, at: number, conversation: Conversation): number {
  if (bytes[at] === QUOTE) return walkUserText(bytes, at, conversation)
  if (bytes[at] !== OPEN_BRACE) return skipValue(bytes, at)
  const message = emptyMessage(conversation.budget, '')
  const end = walkObject(bytes, at, message, messageMember)
  conversation.messages++
  conversation.jsonBytes += message.toolBytes
  const isUser = message.role === 'user' || (message.role === '' && message.hasParts)
  if (message.role === 'system' || message.role === 'developer') addSystem(conversation, message.content)
  else if (isUser) addUser(bytes, conversation, message.content)
  else {
    conversation.isUserSpeaking = false
    addContent(conversation, message.content)
  }
  return end
}

function walkUserText(bytes: Buffer, at: number, conversation: Conversation): number {
  const content = emptyContent(conversation.budget)
  const end = walkContent(bytes, at, content)
  conversation.messages++
  addUser(bytes, conversation, content)
  return end
}

/** Walks what stands apart as the system prompt: a string, parts, or (Gemini) an object that holds parts. */
export function walkSystem(bytes: Buffer, at: number, conversation: Conversation): number {
  const message = emptyMessage(conversation.budget, 'system')
  const end =
    bytes[at] === OPEN_BRACE ? walkObject(bytes, at, message, messageMember) : walkContent(bytes, at, message.content)
  addSystem(conversation, message.content)
  return end
}

function messageMember(bytes: Buffer, at: number, message: Message, key: string): number {
  switch (key) {
    case 'role': {
      const end = skipValue(bytes, at)
      message.role = wordAt(bytes, at, end)
      return end
    }
    case 'parts':
      message.hasParts = true
      message.content = emptyContent(message.budget)
      return walkContent(bytes, at, message.content)
    case 'content':
    case 'output':
      message.content = emptyContent(message.budget)
      return walkContent(bytes, at, message.content)
    case 'tool_calls':
    case 'arguments': {
      const end = skipValue(bytes, at)
      message.toolBytes = Math.max(0, end - at)
      return end
    }
    default:
      return skipValue(bytes, at)
  }
}

function addSystem(conversation: Conversation, content: Content): void {
  push(conversation.system, content.own)
  addContent(conversation, content)
}

function addUser(bytes: Buffer, conversation: Conversation, content: Content): void {
  const said: number[] = []
  for (let i = 0; i + 1 < content.own.length; i += 2) {
    const kept = withoutReminders(bytes, content.own[i] ?? 0, content.own[i + 1] ?? 0)
    if (kept !== undefined) said.push(kept.start, kept.end)
  }
  addContent(conversation, content)
  if (said.length === 0 && !hasMedia(content)) return
  if (!conversation.isUserSpeaking) {
    conversation.turn++
    conversation.lastUser = []
  }
  conversation.isUserSpeaking = true
  push(conversation.lastUser, said)
  if (conversation.turn === 1) push(conversation.firstUser, said)
}

function addContent(conversation: Conversation, content: Content): void {
  push(conversation.texts, content.own)
  push(conversation.texts, content.quoted)
  conversation.jsonBytes += content.jsonBytes
  addMedia(conversation, content)
}
