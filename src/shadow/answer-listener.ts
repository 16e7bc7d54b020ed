import { StringDecoder } from 'node:string_decoder'
import type { Answer, SseEvent } from '../dialects/answer.ts'
import { readerFor } from '../dialects/answer-reader.ts'
import { createArraySplitter } from '../dialects/array-splitter.ts'
import { createEventSplitter } from '../dialects/event-splitter.ts'
import { asRecord, parseJson } from '../dialects/json-value.ts'
import type { Api } from '../domain/request.ts'

/** Follows a candidate's answer as it comes. */
export type AnswerListener = {
  readonly feed: (chunk: Buffer) => void
  /** Reads what has come; `whole` is all of it, for an answer in one piece. */
  readonly finish: (whole: Buffer) => Listened
}

export type Listened = {
  readonly answer: Answer
  /** Of a stream: its last event came, and no error among them. Of a plain answer: it is a JSON object. */
  readonly isComplete: boolean
  /** Undefined for a plain answer. */
  readonly events: number | undefined
}

/** `onToken` is called at a stream's first event with content. Undefined for an API whose answers are not read. */
export function listenTo(
  api: Api,
  form: 'events' | 'array' | 'plain',
  onToken: () => void,
): AnswerListener | undefined {
  const reader = readerFor(api)
  if (reader === undefined) return undefined
  if (form === 'plain') {
    return {
      feed: () => undefined,
      finish: (whole) => {
        reader.body(whole)
        return {
          answer: reader.answer(false),
          isComplete: asRecord(parseJson(whole.toString('utf8'))) !== undefined,
          events: undefined,
        }
      },
    }
  }
  const text = new StringDecoder('utf8')
  let events = 0
  let hasToken = false
  let hasEnded = false
  let hasFailed = false
  const take = (event: SseEvent): void => {
    events++
    switch (reader.event(event)) {
      case 'token':
        if (!hasToken) onToken()
        hasToken = true
        break
      case 'terminal':
        hasEnded = true
        break
      case 'error':
        hasFailed = true
        break
      case 'other':
        break
    }
  }
  const giveUp = (): void => void (hasFailed = true)
  const splitter =
    form === 'events'
      ? createEventSplitter(take, giveUp)
      : createArraySplitter((data) => take({ event: undefined, data }), giveUp)
  return {
    feed: (chunk) => splitter.feed(text.write(chunk)),
    finish: () => {
      splitter.feed(`${text.end()}\n\n`)
      const isComplete = !hasFailed && (hasEnded || reader.mayEnd?.() === true)
      return { answer: reader.answer(!isComplete), isComplete, events }
    },
  }
}
