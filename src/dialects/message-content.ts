import { skipString, skipValue } from './json-scan.ts'
import { type WalkBudget, walkArray, walkObject, wordAt } from './json-walk.ts'

const QUOTE = 0x22
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

/** What a message holds beside text. */
export type Media = {
  images: number
  lowDetailImages: number
  hasAudio: boolean
  hasFiles: boolean
  /** A file that the provider keeps, named by its id. */
  hasStoredFiles: boolean
}

/** What the parts of one message hold, before its role is known: keys come in any order, and may come twice. */
export type Content = Media & {
  readonly budget: WalkBudget
  /** Said by whoever has the message's role. */
  own: number[]
  /** In results of tools, documents and the like. */
  quoted: number[]
  jsonBytes: number
}

export function emptyContent(budget: WalkBudget): Content {
  return {
    budget,
    own: [],
    quoted: [],
    jsonBytes: 0,
    images: 0,
    lowDetailImages: 0,
    hasAudio: false,
    hasFiles: false,
    hasStoredFiles: false,
  }
}

/** What is known of a part once all of its keys have been seen. */
type Part = {
  readonly budget: WalkBudget
  readonly content: Content
  type: string
  textStart: number
  textEnd: number
  detail: string
  /** A type of MIME, where one says what the part is. */
  mime: string
  jsonBytes: number
}

/** Walks the content of a message: text, parts, or one part by itself. */
export function walkContent(bytes: Buffer, at: number, content: Content): number {
  if (bytes[at] === QUOTE) {
    const end = skipString(bytes, at)
    if (end > 0) content.own.push(at + 1, end - 1)
    return end
  }
  return bytes[at] === OPEN_BRACKET ? walkArray(bytes, at, content, walkPart) : walkPart(bytes, at, content)
}

function emptyPart(content: Content): Part {
  return { budget: content.budget, content, type: '', textStart: 0, textEnd: 0, detail: '', mime: '', jsonBytes: 0 }
}

function walkPart(bytes: Buffer, at: number, content: Content): number {
  if (bytes[at] === QUOTE) return walkContent(bytes, at, content)
  if (bytes[at] !== OPEN_BRACE) return skipValue(bytes, at)
  const part = emptyPart(content)
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
    // What holds a file, by its bytes, an address or the id under which it was uploaded.
    case 'file':
    case 'source':
      return walkObject(bytes, at, part, storedMember)
    case 'file_id':
      return storedMember(bytes, at, part, key)
    default: {
      const end = skipValue(bytes, at)
      if (key === 'type') part.type = wordAt(bytes, at, end)
      else if (key === 'detail') part.detail = wordAt(bytes, at, end)
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

function storedMember(bytes: Buffer, at: number, { content }: Part, key: string): number {
  if (key === 'file_id' && bytes[at] === QUOTE) content.hasStoredFiles = true
  return skipValue(bytes, at)
}

function mediaMember(bytes: Buffer, at: number, part: Part, key: string): number {
  const end = skipValue(bytes, at)
  if (key === 'mimeType' || key === 'mime_type') part.mime = wordAt(bytes, at, end) || part.mime
  else if (key === 'detail') part.detail = wordAt(bytes, at, end)
  else if (key === 'fileUri' || key === 'file_uri') part.content.hasStoredFiles ||= isUpload(bytes.subarray(at, end))
  return end
}

/** Gemini's own uploads; other addresses (YouTube, gs://) are anybody's. */
function isUpload(uri: Buffer): boolean {
  return uri.length < 512 && uri.includes('/v1beta/files/')
}

function walkQuoted(bytes: Buffer, at: number, part: Part): number {
  const quoted = emptyContent(part.budget)
  const end = bytes[at] === QUOTE ? walkContent(bytes, at, quoted) : walkArray(bytes, at, quoted, walkQuotedPart)
  addMedia(part.content, quoted)
  part.content.jsonBytes += quoted.jsonBytes
  push(part.content.quoted, quoted.own)
  return end
}

/** A part inside a part; one inside that again is not looked into, so that depth costs no stack. */
function walkQuotedPart(bytes: Buffer, at: number, content: Content): number {
  if (bytes[at] !== OPEN_BRACE) return skipValue(bytes, at)
  const part = emptyPart(content)
  const end = walkObject(bytes, at, part, quotedMember)
  if (part.textEnd > 0 && TEXT_TYPES.has(part.type)) content.own.push(part.textStart, part.textEnd)
  markMedia(content, part)
  return end
}

function quotedMember(bytes: Buffer, at: number, part: Part, key: string): number {
  return key === 'content' ? skipValue(bytes, at) : partMember(bytes, at, part, key)
}

export function hasMedia({ images, lowDetailImages, hasAudio, hasFiles }: Media): boolean {
  return images + lowDetailImages > 0 || hasAudio || hasFiles
}

/** Adds what is no text. */
export function addMedia(to: Media, from: Media): void {
  to.images += from.images
  to.lowDetailImages += from.lowDetailImages
  to.hasAudio ||= from.hasAudio
  to.hasFiles ||= from.hasFiles
  to.hasStoredFiles ||= from.hasStoredFiles
}

export function push(to: number[], from: readonly number[]): void {
  for (const offset of from) to.push(offset)
}
