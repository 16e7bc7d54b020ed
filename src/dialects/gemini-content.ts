import type { Answer, AnswerReader, EventMeaning, SseEvent } from './answer.ts'
import { errorTypeOf } from './error-type.ts'
import { geminiUsage } from './gemini-usage.ts'
import { asRecord, countOf, type JsonRecord, nameOf, parseJson, recordsOf } from './json-value.ts'

/**
 * Reads Gemini's generateContent and streamGenerateContent. Every event holds the usage so far, and nothing tells which
 * is the last, so each is parsed; they are few and long. A finish reason is not a last word: there is one for each
 * candidate, older models repeat it on every chunk, and usage may come after it.
 */
export function createGenerateContentReader(): AnswerReader {
  let model: string | undefined
  let responseId: string | undefined
  let finishReason: string | undefined
  let errorType: string | undefined
  let usage: JsonRecord | undefined
  let webSearches = 0
  let hasError = false
  let isBlocked = false
  const begun = new Set<number>()
  const finished = new Set<number>()

  const keep = (chunk: JsonRecord): void => {
    model = nameOf(chunk['modelVersion'])?.replace(/^models\//, '') ?? model
    responseId ??= nameOf(chunk['responseId'])
    const stated = asRecord(chunk['usageMetadata'])
    if (stated !== undefined && geminiUsage(stated, NO_CONTEXT) !== undefined) usage = stated
    errorType ??= errorTypeOf(chunk)
    const block = nameOf(asRecord(chunk['promptFeedback'])?.['blockReason'])
    if (block !== undefined) {
      isBlocked = true
      finishReason ??= block
    }
    for (const candidate of recordsOf(chunk['candidates'])) keepCandidate(candidate)
  }

  const keepCandidate = (candidate: JsonRecord): void => {
    const index = countOf(candidate['index']) ?? 0
    begun.add(index)
    webSearches = Math.max(webSearches, searchesOf(candidate))
    const reason = nameOf(candidate['finishReason'])
    if (reason === undefined || reason === 'FINISH_REASON_UNSPECIFIED') return
    finished.add(index)
    if (index === 0) finishReason = reason
  }

  const event = ({ data }: SseEvent): EventMeaning => {
    const chunk = asRecord(parseJson(data))
    if (chunk === undefined) return 'other'
    keep(chunk)
    if (asRecord(chunk['error']) !== undefined) {
      hasError = true
      return 'error'
    }
    return recordsOf(chunk['candidates']).some(carriesContent) ? 'token' : 'other'
  }

  const mayEnd = (): boolean => isBlocked || (begun.size > 0 && finished.size === begun.size)

  const answer = (isCut: boolean): Answer => {
    const isPartial = (isCut && !mayEnd()) || hasError
    const context = { model, webSearchRequests: billedSearches(model, webSearches), isPartial }
    return {
      model,
      responseId,
      finishReason,
      usage: usage === undefined ? undefined : geminiUsage(usage, context),
      errorType,
    }
  }

  const body = (bytes: Buffer): void => {
    const whole = parseJson(bytes.toString('utf8'))
    // Without `alt=sse` a stream is an array of chunks, and its error an array of one error.
    for (const chunk of recordsOf(Array.isArray(whole) ? whole : [whole])) keep(chunk)
  }

  return { event, body, mayEnd, answer }
}

const NO_CONTEXT = { model: undefined, webSearchRequests: 0, isPartial: false }

/** What a model itself makes: text and thoughts, calls, code and its results, images. An empty text, which carries a signature, is not. */
function carriesContent(candidate: JsonRecord): boolean {
  return recordsOf(asRecord(candidate['content'])?.['parts']).some((part) =>
    Object.entries(part).some(([field, value]) => (field === 'text' ? value !== '' : asRecord(value) !== undefined)),
  )
}

function searchesOf(candidate: JsonRecord): number {
  const queries = asRecord(candidate['groundingMetadata'])?.['webSearchQueries']
  return Array.isArray(queries) ? new Set(queries.filter((query) => query !== '')).size : 0
}

/**
 * Gemini 3 and later bill each search query, earlier models each prompt that was grounded (ai.google.dev/gemini-api/docs/pricing,
 * "Grounding with Google Search").
 */
function billedSearches(model: string | undefined, queries: number): number {
  return /^gemini-[12]\b/.test(model ?? '') ? Math.min(queries, 1) : queries
}
