import type { Answer, AnswerReader, EventMeaning, SseEvent } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { asRecord, countOf, hasKey, type JsonRecord, nameOf, parseJson, recordsOf } from './json-value.ts'
import { openaiUsage } from './openai-usage.ts'

/**
 * Reads chat completions and legacy completions, of OpenAI and of the many that speak like it. Every event up to the
 * first token is parsed; after it, only those that hold usage, a finish reason, an error or a choice of several.
 *
 * `[DONE]` is the last word, but some servers leave it out: a stream may also end once every choice has its reason.
 */
export function createChatReader(): AnswerReader {
  let model: string | undefined
  let responseId: string | undefined
  let finishReason: string | undefined
  let errorType: string | undefined
  let serviceTier: string | undefined
  let usage: unknown
  let hasToken = false
  let isTerminal = false
  let hasError = false
  const begun = new Set<number>()
  const finished = new Set<number>()

  const keep = (chunk: JsonRecord): void => {
    model ??= nameOf(chunk['model'])
    responseId ??= nameOf(chunk['id'])
    serviceTier = nameOf(chunk['service_tier']) ?? serviceTier
    const choice = firstChoice(chunk)
    finishReason = nameOf(choice?.['finish_reason']) ?? finishReason
    usage = usageIn(chunk, choice) ?? usage
    errorType ??= errorTypeOf(chunk)
    for (const each of recordsOf(chunk['choices'])) {
      const index = countOf(each['index']) ?? 0
      begun.add(index)
      if (nameOf(each['finish_reason']) !== undefined) finished.add(index)
    }
  }

  const event = ({ event: name, data }: SseEvent): EventMeaning => {
    if (data === '[DONE]') {
      isTerminal = true
      return 'terminal'
    }
    if (hasToken && name !== 'error' && !isWorthParsing(data)) {
      begun.add(0) // had it another index, it would have been parsed
      return 'token'
    }
    const chunk = asRecord(parseJson(data))
    if (chunk !== undefined) keep(chunk)
    if (name === 'error' || (chunk !== undefined && isError(chunk))) {
      hasError = true
      return 'error'
    }
    if (chunk === undefined || !recordsOf(chunk['choices']).some(carriesContent)) return 'other'
    hasToken = true
    return 'token'
  }

  const mayEnd = (): boolean => !hasError && begun.size > 0 && finished.size === begun.size

  const answer = (isCut: boolean): Answer => {
    const isPartial = (isCut && !isTerminal) || hasError
    const read = openaiUsage(usage, { serviceTier, webSearchRequests: 0, isPartial })
    return { model, responseId, finishReason, usage: read, errorType }
  }

  const body = (bytes: Buffer): void => {
    const whole = asRecord(parseJson(bytes.toString('utf8')))
    if (whole !== undefined) keep(whole)
  }

  return { event, body, mayEnd, answer }
}

const SEVERAL = /"index"\s*:\s*[1-9]/

function isWorthParsing(data: string): boolean {
  if (hasKey(data, 'usage"', '{') || hasKey(data, 'finish_reason"', '"') || hasKey(data, 'error"', '{"')) return true
  return SEVERAL.test(data)
}

function isError(chunk: JsonRecord): boolean {
  return (chunk['error'] !== undefined && chunk['error'] !== null) || chunk['object'] === 'error'
}

function firstChoice(chunk: JsonRecord): JsonRecord | undefined {
  const choices = recordsOf(chunk['choices'])
  return choices.find((choice) => choice['index'] === 0) ?? choices.find((choice) => choice['index'] === undefined)
}

/** Groq once sent it under `x_groq`, Moonshot sends it inside the choice. */
function usageIn(chunk: JsonRecord, choice: JsonRecord | undefined): JsonRecord | undefined {
  return asRecord(chunk['usage']) ?? asRecord(asRecord(chunk['x_groq'])?.['usage']) ?? asRecord(choice?.['usage'])
}

/** What a model itself makes. A role alone, empty strings and null are not content; a tool call's name is. */
const CONTENT_FIELDS = ['content', 'reasoning_content', 'reasoning', 'refusal', 'tool_calls', 'function_call', 'audio']

function carriesContent(choice: JsonRecord): boolean {
  const delta = asRecord(choice['delta'])
  if (delta === undefined) return isFilled(choice['text'])
  return CONTENT_FIELDS.some((field) => isFilled(delta[field]))
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  return asRecord(value) !== undefined
}
