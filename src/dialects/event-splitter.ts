import { createParser } from 'eventsource-parser'
import type { EventSourceParser } from 'eventsource-parser'
import type { SseEvent } from './answer.ts'

/** Characters of one event that are kept while waiting for its end; beyond it, splitting stops for good. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024

/**
 * Lines that are no part of any event stream (an unknown field, a bad `retry`) that are put up with, and as many again
 * as there are events: the parser makes an error of each, which costs it 2 s per megabyte.
 */
const MAX_STRAY_LINES = 1_000

/** Splits text of `text/event-stream` into events; comments and retry fields are passed over. */
export type EventSplitter = {
  readonly feed: (text: string) => void
  /** An event stream has no closing bracket: it may end anywhere. */
  readonly isClosed: () => boolean
}

/**
 * Calls `onEvent` for each whole event. Text in which no event ends within the limit is given up, not buffered, and
 * `onGivenUp` called, once.
 */
export function createEventSplitter(
  onEvent: (event: SseEvent) => void,
  onGivenUp = (): void => undefined,
): EventSplitter {
  let allowedStrayLines = MAX_STRAY_LINES
  let parser: EventSourceParser | undefined
  const giveUp = (): void => {
    if (parser === undefined) return
    parser = undefined // with all that it had kept
    onGivenUp()
  }
  parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent: (event) => {
      allowedStrayLines++
      onEvent({ event: event.event, data: event.data })
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded' || allowedStrayLines-- === 0) giveUp()
    },
  })
  return { feed: (text) => parser?.feed(text), isClosed: () => true }
}
