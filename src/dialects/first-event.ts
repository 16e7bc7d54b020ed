import type { Api, RawHeaders } from '../domain/request.ts'
import type { EpochMs } from '../domain/units.ts'
import type { SseEvent } from './answer.ts'
import { readerFor } from './answer-reader.ts'
import { REFUSAL_REASONS } from './answer-content.ts'
import { type Failure, streamFailureOf } from './failure-kind.ts'
import { asRecord, type JsonRecord, parseJson, recordsOf } from './json-value.ts'

/** What a stream has shown so far: `wait` for more, `good` once there is content (or a whole answer without any). */
export type FirstEvent =
  | { readonly kind: 'wait' }
  | { readonly kind: 'good' }
  | { readonly kind: 'failed'; readonly failure: Failure }

const WAIT: FirstEvent = { kind: 'wait' }
const GOOD: FirstEvent = { kind: 'good' }
const REFUSED: FirstEvent = { kind: 'failed', failure: { kind: 'refusal', retryAfterMs: undefined } }

/**
 * Judges the events of one stream until one settles it; those that only open the answer, or keep the connection alive,
 * settle nothing. An API whose answers are not read is good at once.
 */
export function createFirstEventJudge(api: Api, headers: RawHeaders, now: EpochMs): (event: SseEvent) => FirstEvent {
  const reader = readerFor(api)
  return (event) => {
    if (reader === undefined) return GOOD
    const meaning = reader.event(event)
    if (meaning === 'error') return { kind: 'failed', failure: streamFailureOf(event.data, headers, now) }
    // Refusals come as the first content, or as the end of an answer without any.
    const record = asRecord(parseJson(event.data))
    if (record !== undefined && isRefusal(record)) return REFUSED
    return meaning === 'other' ? WAIT : GOOD
  }
}

function isRefusal(event: JsonRecord): boolean {
  // Responses: `response.refusal.delta`. Gemini: `promptFeedback.blockReason`.
  if (typeof event['type'] === 'string' && event['type'].startsWith('response.refusal')) return true
  if (typeof asRecord(event['promptFeedback'])?.['blockReason'] === 'string') return true
  const delta = asRecord(event['delta'])
  if (isReason(delta?.['stop_reason'])) return true
  return [...recordsOf(event['choices']), ...recordsOf(event['candidates'])].some((choice) => {
    const refusal = asRecord(choice['delta'])?.['refusal']
    const isRefused = typeof refusal === 'string' && refusal !== ''
    return isRefused || isReason(choice['finish_reason']) || isReason(choice['finishReason'])
  })
}

function isReason(value: unknown): boolean {
  return typeof value === 'string' && REFUSAL_REASONS.has(value)
}
