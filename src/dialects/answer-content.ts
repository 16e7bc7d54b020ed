import type { Api } from '../domain/request.ts'
import type { Answer, AnswerReader, SseEvent } from './answer.ts'
import { readerFor } from './answer-reader.ts'
import { createArraySplitter } from './array-splitter.ts'
import { createTextBudget } from './bounded-text.ts'
import { chatContent } from './chat-answer-content.ts'
import { type ContentParts, type ContentReader, createContentParts, type ToolCall } from './content-parts.ts'
import { createEventSplitter } from './event-splitter.ts'
import { generatedContent } from './gemini-answer-content.ts'
import { asRecord, parseJson } from './json-value.ts'
import { messagesContent } from './messages-answer-content.ts'
import { responsesContent } from './responses-answer-content.ts'

/** What an answer says, whatever its dialect and whether it was streamed: of several choices, the first. */
export type AnswerContent = {
  /** Visible text; reasoning and the text of a refusal that the dialect keeps apart are not in it. */
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  /** Where the dialect itself says that the model or a filter refused: the words of it, '' without any. */
  readonly refusal: string | undefined
  /** The provider's own word, as in `Answer`. */
  readonly finishReason: string | undefined
  /** `error.type` of an error answer, or of an error inside a stream. */
  readonly errorType: string | undefined
  /** The answer ends before the model was done: it met its token limit, or its stream was cut or failed. */
  readonly isTruncated: boolean
  /** Text or calls beyond what is kept here were left out: see `MAX_CONTENT_CHARS`. */
  readonly isClipped: boolean
}

/** Larger answers are read up to here: what a model says in one answer is a hundredth of it. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/**
 * The content of a whole answer, its bytes decoded: JSON, server-sent events, or Gemini's array of chunks, told apart
 * by how they begin. Undefined for APIs whose answers hold no text (embeddings, counts, what is relayed unread). Never
 * throws: bytes that are not what the API promises make an empty, truncated content.
 */
export function answerContentOf(api: Api, bytes: Buffer): AnswerContent | undefined {
  const budget = createTextBudget()
  const parts = createContentParts(budget)
  const content = contentReaderFor(api, parts)
  const reader = readerFor(api)
  if (content === undefined || reader === undefined) return undefined
  if (bytes.length > MAX_ANSWER_BYTES) budget.exceed()
  const text = bytes.toString('utf8', 0, MAX_ANSWER_BYTES).trimStart() // a byte order mark is trimmed too
  const isCut = text.startsWith('{')
    ? !readWhole(text, reader, content)
    : !readStream(text, reader, content, budget.exceed)
  return finished(parts, reader.answer(isCut), isCut, budget.isExceeded())
}

function contentReaderFor(api: Api, parts: ContentParts): ContentReader | undefined {
  switch (api) {
    case 'chat_completions':
    case 'completions':
      return chatContent(parts)
    case 'responses':
      return responsesContent(parts)
    case 'messages':
      return messagesContent(parts)
    case 'generate_content':
      return generatedContent(parts)
    case 'embeddings':
    case 'embed_content':
    case 'count_tokens':
    case 'passthrough':
      return undefined
  }
}

/** Whether the body was whole. */
function readWhole(text: string, reader: AnswerReader, content: ContentReader): boolean {
  const whole = asRecord(parseJson(text))
  if (whole === undefined) return false
  reader.body(Buffer.from(text))
  content.body(whole)
  return true
}

/** Whether the stream came to its end. */
function readStream(text: string, reader: AnswerReader, content: ContentReader, giveUp: () => void): boolean {
  let isEnded = false
  const take = (event: SseEvent): void => {
    if (reader.event(event) === 'terminal') isEnded = true
    content.event(event)
  }
  const isArray = text.startsWith('[')
  const splitter = isArray
    ? createArraySplitter((data) => take({ event: undefined, data }), giveUp)
    : createEventSplitter(take, giveUp)
  splitter.feed(text)
  // A last event without its blank line is whole at the end of the body.
  if (!isArray) splitter.feed('\n\n')
  content.end?.()
  return isEnded || reader.mayEnd?.() === true
}

/** The words of all dialects for an answer that met its token limit. */
const LIMIT_REASONS: ReadonlySet<string> = new Set([
  'length',
  'max_tokens',
  'max_output_tokens',
  'MAX_TOKENS',
  'model_context_window_exceeded',
])

/** The words of all dialects for an answer that the model or a filter withheld. */
export const REFUSAL_REASONS: ReadonlySet<string> = new Set([
  'content_filter',
  'refusal',
  'SAFETY',
  'RECITATION',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
])

function finished(parts: ContentParts, answer: Answer, isCut: boolean, isClipped: boolean): AnswerContent {
  const { text, toolCalls, refusal } = parts.all()
  const { finishReason, errorType } = answer
  const isRefused = finishReason !== undefined && REFUSAL_REASONS.has(finishReason)
  return {
    text,
    toolCalls,
    // Anthropic refuses in the text itself and says so in its reason.
    refusal: refusal ?? (isRefused ? text : undefined),
    finishReason,
    errorType,
    isTruncated: isCut || (finishReason !== undefined && LIMIT_REASONS.has(finishReason)),
    isClipped,
  }
}
