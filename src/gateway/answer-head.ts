import type { LlmRequest, RawHeaders } from '../domain/request.ts'
import type { AnswerForm } from './capture.ts'
import { encodingOf } from './encoding.ts'
import { withoutHeaders } from './without-account.ts'

/** What the head of an upstream's answer says about relaying it. */
export type AnswerHead = {
  readonly isEventStream: boolean
  readonly isJson: boolean
  readonly encoding: string
  readonly contentLength: number
  /** Whether the message says where it ends; false = only the closing connection does. */
  readonly isDelimited: boolean
  readonly requestId: string | undefined
}

/** Gemini streams an array where its client does not ask for events (`alt=sse`). */
export function formOf(head: AnswerHead, request: LlmRequest, status: number): AnswerForm {
  if (head.isEventStream) return 'events'
  return head.isJson && request.api === 'generate_content' && request.isStream && status < 400 ? 'array' : 'plain'
}

export function readHead(raw: RawHeaders): AnswerHead {
  let isEventStream = false
  let isJson = false
  let encoding = ''
  let contentLength = -1
  let isDelimited = false
  let requestId: string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const value = raw[i + 1] ?? ''
    switch ((raw[i] ?? '').toLowerCase()) {
      case 'content-type':
        isEventStream = value.toLowerCase().includes('text/event-stream')
        isJson = value.toLowerCase().includes('application/json')
        break
      case 'content-encoding':
        encoding = encodingOf(value)
        break
      case 'content-length':
        contentLength = Number(value)
        isDelimited = true
        break
      case 'transfer-encoding':
        isDelimited = true
        break
      case 'x-request-id':
      case 'request-id':
        requestId = value
        break
    }
  }
  return { isEventStream, isJson, encoding, contentLength, isDelimited, requestId }
}

/** Splicing changes the length, and happens on decoded bytes. */
export function withoutLengthAndEncoding(headers: readonly string[]): string[] {
  return withoutHeaders(headers, LENGTH_AND_ENCODING)
}

const LENGTH_AND_ENCODING: ReadonlySet<string> = new Set(['content-length', 'content-encoding'])
