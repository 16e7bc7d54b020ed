import type { Answer, AnswerReader, EventMeaning, SseEvent } from './answer.ts'
import { type AnthropicCounts, countsOf, mergedCounts } from './anthropic-counts.ts'
import { anthropicUsage } from './anthropic-usage.ts'
import { errorTypeOf } from './error-type.ts'
import { asRecord, hasKey, type JsonRecord, nameOf, parseJson, recordsOf } from './json-value.ts'

/** Reads Anthropic messages. Deltas, nearly all of a stream, are told by their event name alone. */
export function createMessagesReader(): AnswerReader {
  let model: string | undefined
  let responseId: string | undefined
  let finishReason: string | undefined
  let errorType: string | undefined
  let serviceTier: string | undefined
  let counts: AnthropicCounts | undefined
  let iterations: { entries: readonly JsonRecord[]; top: AnthropicCounts } | undefined
  let hasContent = false
  let hasToken = false
  let isTerminal = false
  let hasError = false

  const keepUsage = (value: unknown): void => {
    const usage = asRecord(value)
    if (usage === undefined) return
    const stated = countsOf(usage)
    counts = counts === undefined ? stated : mergedCounts(counts, stated)
    serviceTier = tierOf(usage) ?? serviceTier
    const entries = recordsOf(usage['iterations'])
    if (entries.length > 0) iterations = { entries, top: stated }
  }

  const keepMessage = (message: JsonRecord): void => {
    model = nameOf(message['model']) ?? model
    responseId ??= nameOf(message['id'])
    finishReason = nameOf(message['stop_reason']) ?? finishReason
    if (recordsOf(message['content']).length > 0) hasContent = true
    keepUsage(message['usage'])
  }

  const event = (sse: SseEvent): EventMeaning => {
    switch (nameOfEvent(sse)) {
      case 'content_block_delta':
        if (hasToken || !isContentDelta(sse.data)) return hasToken ? 'token' : 'other'
        hasToken = true
        return 'token'
      case 'content_block_start':
        hasContent = true
        return openBlock(sse.data)
      case 'message_start': {
        const message = asRecord(asRecord(parseJson(sse.data))?.['message'])
        if (message !== undefined) keepMessage(message)
        return 'other'
      }
      case 'message_delta': {
        const chunk = asRecord(parseJson(sse.data))
        finishReason = nameOf(asRecord(chunk?.['delta'])?.['stop_reason']) ?? finishReason
        keepUsage(chunk?.['usage'])
        return 'other'
      }
      case 'message_stop':
        isTerminal = true
        return 'terminal'
      case 'error':
        hasError = true
        errorType ??= errorTypeOf(asRecord(parseJson(sse.data)) ?? {})
        return 'error'
      default:
        return 'other'
    }
  }

  /** A block that opens with something in it (a tool's name, a search result) is content; empty text and thinking are not. */
  const openBlock = (data: string): EventMeaning => {
    const block = asRecord(asRecord(parseJson(data))?.['content_block'])
    if (block?.['type'] === 'fallback') model = nameOf(asRecord(block['to'])?.['model']) ?? model
    if (block === undefined || !opensWithContent(block)) return 'other'
    hasToken = true
    return 'token'
  }

  const answer = (isCut: boolean): Answer => {
    const isPartial = (isCut || hasError) && !isTerminal
    // "Input tokens are not billed on a direct classifier block", i.e. before any output was returned
    // (github.com/anthropics/claude-cookbooks, fable_5_fallback_billing, section 4).
    const isBlocked = finishReason === 'refusal' && !hasContent
    const context = { model, serviceTier, isPartial, isBlocked, iterations }
    const usage = counts === undefined ? undefined : anthropicUsage(counts, context)
    return { model, responseId, finishReason, usage, errorType }
  }

  const body = (bytes: Buffer): void => {
    const whole = asRecord(parseJson(bytes.toString('utf8')))
    if (whole === undefined) return
    keepMessage(whole)
    errorType = errorTypeOf(whole)
  }

  return { event, body, answer }
}

const TYPE_IN_DATA = /"type"\s*:\s*"(\w+)"/

/** The `event:` line, or, where a gateway drops it, the `type` that the data repeats. */
function nameOfEvent({ event, data }: SseEvent): string {
  if (event !== undefined && event !== 'message') return event
  const near = TYPE_IN_DATA.exec(data.slice(0, 40))?.[1]
  return near ?? nameOf(asRecord(parseJson(data))?.['type']) ?? ''
}

/** Text, thinking, tool input, citations with something in them; a signature is not content. */
function isContentDelta(data: string): boolean {
  if (/"type"\s*:\s*"signature_delta"/.test(data)) return false
  return !/"(?:text|thinking|partial_json)"\s*:\s*""/.test(data) && hasKey(data, 'delta"', '{')
}

function opensWithContent(block: JsonRecord): boolean {
  const type = block['type']
  if (type === 'text') return block['text'] !== ''
  if (type === 'thinking') return block['thinking'] !== ''
  return type !== 'fallback' && type !== 'compaction'
}

/**
 * The tier that was served, with what else multiplies the price: `fast` for the fast mode, and `/us` for inference
 * kept in the United States.
 */
function tierOf(usage: JsonRecord): string | undefined {
  const tier = usage['speed'] === 'fast' ? 'fast' : nameOf(usage['service_tier'])
  return usage['inference_geo'] === 'us' ? `${tier ?? 'standard'}/us` : tier
}
