import { asRecord, type JsonRecord } from './json-value.ts'

/** Types and codes are short identifiers; whatever is longer or has spaces is a message, and may quote the request. */
const IDENTIFIER = /^[\w.:/-]{1,80}$/

/**
 * `error.type` (else Google's `error.status`, else `error.code`) of an error answer or error event, in the shapes the
 * providers use: nested under `error`, under `response.error` (Responses), or flat (`{"type":"error","code":…}`,
 * `{"object":"error",…}`).
 */
export function errorTypeOf(answer: JsonRecord): string | undefined {
  const nested = asRecord(answer['error']) ?? asRecord(asRecord(answer['response'])?.['error'])
  if (nested !== undefined) return identifier(nested['type']) ?? statusName(nested) ?? identifier(nested['code'])
  if (answer['type'] === 'error') return identifier(answer['code'])
  if (answer['object'] === 'error') return identifier(answer['type']) ?? identifier(answer['code'])
  return undefined
}

/** Google's canonical code in words, `RESOURCE_EXHAUSTED`; a number there is an HTTP status, which says no more than the head. */
function statusName(error: JsonRecord): string | undefined {
  return typeof error['status'] === 'string' ? identifier(error['status']) : undefined
}

function identifier(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && IDENTIFIER.test(value) ? value : undefined
}
