import { StringDecoder } from 'node:string_decoder'
import type { Transform } from 'node:stream'
import type { Answer, SseEvent } from '../dialects/answer.ts'
import { readerFor } from '../dialects/answer-reader.ts'
import { createArraySplitter } from '../dialects/array-splitter.ts'
import { createEventSplitter } from '../dialects/event-splitter.ts'
import type { Api } from '../domain/request.ts'
import { decoderFor } from './encoding.ts'
import { guarded } from './guarded.ts'

/** A plain answer larger than this (decoded) is relayed but not read: usage is then unknown. */
const MAX_READ_BYTES = 32 * 1024 * 1024

/** A stream that unpacks to more than this many times its size is not text but a bomb; real ones reach about 30. */
const MAX_STREAM_RATIO = 200

/** Compressed bytes that may wait for the decoder; past them the provider sends faster than can be looked at. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** Where nothing was read. */
export const NO_ANSWER: Answer = {
  model: undefined,
  responseId: undefined,
  finishReason: undefined,
  usage: undefined,
  errorType: undefined,
}

/** Looks at a copy of an answer while the bytes themselves go to the client. */
export type Capture = {
  readonly feed: (chunk: Buffer) => void
  /** Of a stream: whether its last event, an error event has been seen. */
  readonly isTerminal: () => boolean
  /** Of a stream: whether nothing is missing if it ends here. */
  readonly mayEnd: () => boolean
  readonly hasStreamError: () => boolean
  /** Events so far; undefined for a plain answer, and for a stream that could not be followed to its end. */
  readonly events: () => number | undefined
  /** All has been fed. `done` comes at once, or, for a compressed answer, when it is decoded. */
  readonly finish: (done: (answer: (isCut: boolean) => Answer) => void) => void
}

/** How an answer comes: `text/event-stream`, a JSON array whose elements are events (Gemini), or in one piece. */
export type AnswerForm = 'events' | 'array' | 'plain'

/** Whom a capture tells of what may happen while nobody feeds it: a compressed answer is decoded in its own time. */
export type CaptureWatch = {
  /** A stream's first event with content; called once. */
  readonly onToken: () => void
  /** Every event of a stream, before anything else is made of it; undefined where nobody wants to know. */
  readonly onEvent?: ((event: SseEvent) => void) | undefined
  /** Takes every decoded byte before it is read; undefined where nothing is kept. */
  readonly keep?: ((chunk: Buffer) => void) | undefined
  /** No more events can be read, though there may be more. */
  readonly onLost?: (() => void) | undefined
  /** Reading decoded bytes threw; a throw from `feed` comes out of `feed`. */
  readonly onBug: (bug: unknown) => void
}

/** Captures an answer of `api`. */
export function createCapture(api: Api, form: AnswerForm, encoding: string, watch: CaptureWatch): Capture {
  const reader = readerFor(api)
  if (reader === undefined) return BLIND
  const isStream = form !== 'plain'
  const read = isStream ? streamCapture(reader, form, watch) : plainCapture(reader)
  const inner = watch.keep === undefined ? read : kept(read, watch.keep)
  if (encoding === '') return inner
  const decoder = decoderFor(encoding)
  if (decoder === undefined) return BLIND
  const guardedInner = { ...inner, feed: guarded(inner.feed, watch.onBug) }
  return decoded(guardedInner, decoder, isStream ? MAX_STREAM_RATIO : 1, watch.onLost)
}

function kept(inner: Capture, keep: (chunk: Buffer) => void): Capture {
  return {
    ...inner,
    feed: (chunk) => {
      keep(chunk)
      inner.feed(chunk)
    },
  }
}

type Reader = NonNullable<ReturnType<typeof readerFor>>

const never = (): boolean => false
const nothing = (): undefined => undefined

/** What is not read, and what is no stream: nothing of the kind is ever seen. */
const BLIND: Capture = {
  feed: nothing,
  isTerminal: never,
  mayEnd: never,
  hasStreamError: never,
  events: nothing,
  finish: (done) => done(() => NO_ANSWER),
}

function streamCapture(
  reader: Reader,
  form: 'events' | 'array',
  { onToken, onEvent: onAny, onLost }: CaptureWatch,
): Capture {
  const text = new StringDecoder('utf8')
  let events = 0
  let hasToken = false
  let isTerminal = false
  let hasError = false
  let isLost = false
  const onEvent = (event: SseEvent): void => {
    events++
    onAny?.(event)
    const meaning = reader.event(event)
    if (meaning === 'token') {
      if (!hasToken) onToken()
      hasToken = true
    } else if (meaning === 'terminal') isTerminal = true
    else if (meaning === 'error') hasError = true
  }
  const lost = (): void => {
    isLost = true
    onLost?.()
  }
  const splitter = form === 'events' ? createEventSplitter(onEvent, lost) : arrayOfEvents(onEvent, lost)
  return {
    feed: (chunk) => splitter.feed(text.write(chunk)),
    isTerminal: () => isTerminal,
    mayEnd: () => isTerminal || (reader.mayEnd?.() === true && splitter.isClosed()),
    hasStreamError: () => hasError,
    events: () => (isLost ? undefined : events),
    finish: (done) => {
      splitter.feed(`${text.end()}\n\n`) // an event that only the end of the stream completes
      done((isCut) => reader.answer(isCut))
    },
  }
}

function arrayOfEvents(onEvent: (event: SseEvent) => void, onGivenUp: () => void) {
  return createArraySplitter((data) => onEvent({ event: undefined, data }), onGivenUp)
}

function plainCapture(reader: Reader): Capture {
  let chunks: Buffer[] = []
  let total = 0
  return {
    ...BLIND,
    feed: (chunk) => {
      total += chunk.length
      if (total <= MAX_READ_BYTES) chunks.push(chunk)
      else chunks = []
    },
    finish: (done) => {
      const [only] = chunks
      if (total <= MAX_READ_BYTES && only !== undefined) reader.body(chunks.length === 1 ? only : Buffer.concat(chunks))
      done((isCut) => reader.answer(isCut))
    },
  }
}

/**
 * Decodes a copy of a compressed answer first; the bytes on their way to the client stay compressed. Past 32 MB that
 * are also more than `maxRatio` times the compressed ones decoding stops: the client's last byte must not wait until
 * a compression bomb is unpacked.
 */
function decoded(inner: Capture, decoder: Transform, maxRatio: number, onLost: (() => void) | undefined): Capture {
  let whenOver: (() => void) | undefined
  let isOver = false
  let isWhole = false
  let readBytes = 0
  let decodedBytes = 0
  const over = (): void => {
    if (isOver) return
    isOver = true
    if (!isWhole) onLost?.()
    whenOver?.()
  }
  decoder.on('data', (chunk: Buffer) => {
    inner.feed(chunk)
    decodedBytes += chunk.length
    if (decodedBytes > Math.max(MAX_READ_BYTES, maxRatio * readBytes)) decoder.destroy()
  })
  decoder.once('end', () => {
    isWhole = true
    over()
  })
  decoder.on('error', over).on('close', over)
  return {
    ...inner,
    events: () => (isOver && !isWhole ? undefined : inner.events()),
    feed: (chunk) => {
      if (isOver) return
      readBytes += chunk.length
      decoder.write(chunk)
      if (decoder.writableLength > MAX_WAITING_BYTES) decoder.destroy()
    },
    finish: (done) => {
      whenOver = () => inner.finish(done)
      if (isOver) whenOver()
      else decoder.end()
    },
  }
}
