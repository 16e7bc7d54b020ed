import { skipString, skipValue } from './json-scan.ts'
import { walkArray, walkObject } from './json-walk.ts'
import { withoutReminders } from './reminder-blocks.ts'

const QUOTE = 0x22
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

/** What a conversation in a body shows, wherever in it; text as offsets (`TextSpans`). */
export type Conversation = {
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
  images: number
  lowDetailImages: number
  hasAudio: boolean
  hasFiles: boolean
}

export function emptyConversation(): Conversation {
  return {
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
  }
}

/** What the parts of one message hold, before its role is known: keys come in any order, and may come twice. */
type Content = {
  /** Said by whoever has the message's role. */
  own: number[]
  /** In results of tools, documents and the like. */
  quoted: number[]
  jsonBytes: number
  images: number
  lowDetailImages: number
  hasAudio: boolean
  hasFiles: boolean
}

function emptyContent(): Content {
  return { own: [], quoted: [], jsonBytes: 0, images: 0, lowDetailImages: 0, hasAudio: false, hasFiles: false }
}

type Message = { role: string; hasParts: boolean; content: Content; toolBytes: number }

/** Walks `messages`, `input`, `contents`: messages, or one message or text by itself. */
export function walkConversation(bytes: Buffer, at: number, conversation: Conversation): number {
  return bytes[at] === OPEN_BRACKET
    ? walkArray(bytes, at, conversation, walkMessage)
    : walkMessage(bytes, at, conversation)
}

function walkMessage(bytes: Buffer, at: number, conversation: Conversation): number {
  if (bytes[at] === QUOTE) return walkUserText(bytes, at, conversation)
  if (bytes[at] !== OPEN_BRACE) return skipValue(bytes, at)
  const message: Message = { role: '', hasParts: false, content: emptyContent(), toolBytes: 0 }
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
  const content = emptyContent()
  const end = walkContent(bytes, at, content)
  conversation.messages++
  addUser(bytes, conversation, content)
  return end
}

/** Walks what stands apart as the system prompt: a string, parts, or (Gemini) an object that holds parts. */
export function walkSystem(bytes: Buffer, at: number, conversation: Conversation): number {
  const message: Message = { role: 'system', hasParts: false, content: emptyContent(), toolBytes: 0 }
  const end =
    bytes[at] === OPEN_BRACE ? walkObject(bytes, at, message, messageMember) : walkContent(bytes, at, message.content)
  addSystem(conversation, message.content)
  return end
}

function messageMember(bytes: Buffer, at: number, message: Message, key: string): number {
  switch (key) {
    case 'role': {
      const end = skipValue(bytes, at)
      message.role = shortString(bytes, at, end)
      return end
    }
    case 'parts':
      message.hasParts = true
      message.content = emptyContent()
      return walkContent(bytes, at, message.content)
    case 'content':
    case 'output':
      message.content = emptyContent()
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

/** What is known of a part once all of its keys have been seen. */
type Part = {
  readonly content: Content
  type: string
  textStart: number
  textEnd: number
  detail: string
  /** A type of MIME, where one says what the part is. */
  mime: string
  jsonBytes: number
}

function walkContent(bytes: Buffer, at: number, content: Content): number {
  if (bytes[at] === QUOTE) {
    const end = skipString(bytes, at)
    if (end > 0) content.own.push(at + 1, end - 1)
    return end
  }
  return bytes[at] === OPEN_BRACKET ? walkArray(bytes, at, content, walkPart) : walkPart(bytes, at, content)
}

function walkPart(bytes: Buffer, at: number, content: Content): number {
  if (bytes[at] === QUOTE) return walkContent(bytes, at, content)
  if (bytes[at] !== OPEN_BRACE) return skipValue(bytes, at)
  const part: Part = { content, type: '', textStart: 0, textEnd: 0, detail: '', mime: '', jsonBytes: 0 }
  const end = walkObject(bytes, at, part, partMember)
  content.jsonBytes += part.jsonBytes
  if (part.textEnd > 0 && TEXT_TYPES.has(part.type)) content.own.push(part.textStart, part.textEnd)
  markMedia(content, part)
  return end
}

/** '' is Gemini's: its parts have no type. */
const TEXT_TYPES: ReadonlySet<string> = new Set(['', 'text', 'input_text', 'output_text'])
const FILE_TYPES: ReadonlySet<string> = new Set(['file', 'input_file', 'document', 'container_upload'])

function markMedia(content: Content, { type, mime, detail }: Part): void {
  if (type === 'image_url' || type === 'input_image' || type === 'image' || mime.startsWith('image/')) {
    if (detail === 'low') content.lowDetailImages++
    else content.images++
  } else if (type === 'input_audio' || type === 'audio' || mime.startsWith('audio/')) content.hasAudio = true
  else if (FILE_TYPES.has(type) || mime !== '') content.hasFiles = true
}

function partMember(bytes: Buffer, at: number, part: Part, key: string): number {
  switch (key) {
    // A result or a document inside the message; what is in it was not said by the user.
    case 'content':
      return walkQuoted(bytes, at, part)
    case 'image_url':
    case 'inlineData':
    case 'inline_data':
    case 'fileData':
    case 'file_data': {
      if (key !== 'image_url' && bytes[at] === OPEN_BRACE) part.mime = 'application/octet-stream'
      return walkObject(bytes, at, part, mediaMember)
    }
    default: {
      const end = skipValue(bytes, at)
      if (key === 'type') part.type = shortString(bytes, at, end)
      else if (key === 'detail') part.detail = shortString(bytes, at, end)
      else if (key === 'text') {
        part.textStart = at + 1
        part.textEnd = bytes[at] === QUOTE ? end - 1 : 0
      } else if (JSON_KEYS.has(key)) part.jsonBytes += Math.max(0, end - at)
      return end
    }
  }
}

/** Arguments of calls and Gemini's results. */
const JSON_KEYS: ReadonlySet<string> = new Set([
  'input',
  'functionCall',
  'function_call',
  'functionResponse',
  'function_response',
])

function mediaMember(bytes: Buffer, at: number, part: Part, key: string): number {
  const end = skipValue(bytes, at)
  if (key === 'mimeType' || key === 'mime_type') part.mime = shortString(bytes, at, end) || part.mime
  else if (key === 'detail') part.detail = shortString(bytes, at, end)
  return end
}

function walkQuoted(bytes: Buffer, at: number, part: Part): number {
  const quoted = emptyContent()
  const end = bytes[at] === QUOTE ? walkContent(bytes, at, quoted) : walkArray(bytes, at, quoted, walkQuotedPart)
  addMedia(part.content, quoted)
  part.content.jsonBytes += quoted.jsonBytes
  push(part.content.quoted, quoted.own)
  return end
}

/** A part inside a part; one inside that again is not looked into, so that depth costs no stack. */
function walkQuotedPart(bytes: Buffer, at: number, content: Content): number {
  if (bytes[at] !== OPEN_BRACE) return skipValue(bytes, at)
  const part: Part = { content, type: '', textStart: 0, textEnd: 0, detail: '', mime: '', jsonBytes: 0 }
  const end = walkObject(bytes, at, part, quotedMember)
  if (part.textEnd > 0 && TEXT_TYPES.has(part.type)) content.own.push(part.textStart, part.textEnd)
  markMedia(content, part)
  return end
}

function quotedMember(bytes: Buffer, at: number, part: Part, key: string): number {
  return key === 'content' ? skipValue(bytes, at) : partMember(bytes, at, part, key)
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

function hasMedia({ images, lowDetailImages, hasAudio, hasFiles }: Content): boolean {
  return images + lowDetailImages > 0 || hasAudio || hasFiles
}

function addContent(conversation: Conversation, content: Content): void {
  push(conversation.texts, content.own)
  push(conversation.texts, content.quoted)
  conversation.jsonBytes += content.jsonBytes
  addMedia(conversation, content)
}

function addMedia(to: Conversation | Content, from: Content): void {
  to.images += from.images
  to.lowDetailImages += from.lowDetailImages
  to.hasAudio ||= from.hasAudio
  to.hasFiles ||= from.hasFiles
}

function push(to: number[], from: readonly number[]): void {
  for (const offset of from) to.push(offset)
}

/** A name of a role, a type, a MIME type; '' for anything else. */
function shortString(bytes: Buffer, at: number, end: number): string {
  return bytes[at] === QUOTE && end - at <= 66 ? bytes.toString('latin1', at + 1, end - 1) : ''
}
