import type { Answer, AnswerReader, EventMeaning, SseEvent } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { asRecord, countOf, hasKey, type JsonRecord, nameOf, parseJson, recordsOf } from './json-value.ts'
import { openaiUsage } from './openai-usage.ts'

/**
 * Reads the Responses API. Deltas, nearly all of a stream, are told by their event name alone; the response object is
 * parsed twice, in its first event (model, id) and in its last (status, usage).
 */
export function createResponsesReader(): AnswerReader {
  let first: JsonRecord | undefined
  let last: JsonRecord | undefined
  let errorType: string | undefined
  let hasToken = false
  let isTerminal = false
  let hasError = false

  const keepLast = (data: string): void => {
    isTerminal = true
    const event = asRecord(parseJson(data))
    last = asRecord(event?.['response'])
    if (event !== undefined) errorType ??= errorTypeOf(event)
  }

  const event = (sse: SseEvent): EventMeaning => {
    const name = nameOfEvent(sse)
    switch (name) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        first ??= asRecord(asRecord(parseJson(sse.data))?.['response'])
        return 'other'
      case 'response.completed':
      case 'response.incomplete':
        keepLast(sse.data)
        return 'terminal'
      case 'response.failed':
        // The stream's proper last event, yet not an answer: recorded as the provider's error.
        keepLast(sse.data)
        hasError = true
        return 'error'
      case 'error': {
        const chunk = asRecord(parseJson(sse.data))
        if (chunk !== undefined) errorType ??= errorTypeOf(chunk)
        hasError = true
        return 'error'
      }
    }
    const isToken = hasToken ? name.endsWith('.delta') : carriesContent(name, sse.data)
    if (isToken) hasToken = true
    return isToken ? 'token' : 'other'
  }

  const answer = (isCut: boolean): Answer => {
    const isPartial = (isCut || hasError) && !isTerminal
    return {
      model: nameOf(last?.['model']) ?? nameOf(first?.['model']),
      responseId: nameOf(last?.['id']) ?? nameOf(first?.['id']),
      finishReason: finishReasonOf(last),
      usage: openaiUsage(last?.['usage'], {
        serviceTier: nameOf(last?.['service_tier']),
        webSearchRequests: webSearchesIn(last),
        isPartial,
      }),
      errorType,
    }
  }

  const body = (bytes: Buffer): void => {
    last = asRecord(parseJson(bytes.toString('utf8')))
    if (last !== undefined) errorType = errorTypeOf(last)
  }

  return { event, body, answer }
}

const TYPE_IN_DATA = /"type"\s*:\s*"(response\.[\w.]+|error)"/

/** The `event:` line, or, where a provider leaves it out, the `type` that the data repeats near its start. */
function nameOfEvent({ event, data }: SseEvent): string {
  if (event !== undefined && event !== 'message') return event
  const near = TYPE_IN_DATA.exec(data.slice(0, 200))?.[1]
  return near ?? nameOf(asRecord(parseJson(data))?.['type']) ?? ''
}

/** Whether a first token is in it. A tool call's opening counts: the model chose it; an opening message is empty yet. */
function carriesContent(name: string, data: string): boolean {
  if (name.endsWith('.delta')) return hasKey(data, 'delta"', '"{[') && !/"delta"\s*:\s*""/.test(data)
  if (name === 'response.image_generation_call.partial_image') return true
  if (name !== 'response.output_item.added') return false
  const type = asRecord(asRecord(parseJson(data))?.['item'])?.['type']
  return typeof type === 'string' && type !== 'message' && type !== 'reasoning'
}

/** Why it ended early, else `completed` or `failed`; undefined while the response is not at its end. */
function finishReasonOf(response: JsonRecord | undefined): string | undefined {
  const status = nameOf(response?.['status'])
  if (status === 'queued' || status === 'in_progress') return undefined
  return nameOf(asRecord(response?.['incomplete_details'])?.['reason']) ?? status
}

/**
 * Billable searches: `tool_usage` where the provider states it, else the searches among the output (opening a page and
 * finding in it are actions of the same item type and cost nothing).
 */
function webSearchesIn(response: JsonRecord | undefined): number {
  const stated = countOf(asRecord(asRecord(response?.['tool_usage'])?.['web_search'])?.['num_requests'])
  if (stated !== undefined) return stated
  return recordsOf(response?.['output']).filter((item) => {
    const action = asRecord(item['action'])?.['type'] ?? 'search'
    return item['type'] === 'web_search_call' && action === 'search'
  }).length
}
