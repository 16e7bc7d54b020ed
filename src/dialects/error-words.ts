import { asRecord, type JsonRecord, parseJson, recordsOf } from './json-value.ts'

/** What an error says, whatever the dialect's shape; lower case, '' where it says nothing. */
export type ErrorWords = {
  /** `error.type`, `error.code` and Google's `error.status`, where they are words. */
  readonly names: readonly string[]
  /** An HTTP status inside the body: of an error in a stream, or of what a reseller got from its own provider. */
  readonly status: number | undefined
  readonly message: string
  /** google.rpc details: quota violations, when to come again. */
  readonly details: readonly JsonRecord[]
}

/** An error is short; what is longer is a page of HTML, or an answer after all. */
const MAX_ERROR_BYTES = 256 * 1024
const MAX_MESSAGE_CHARS = 2_000

export const NO_WORDS: ErrorWords = { names: [], status: undefined, message: '', details: [] }

/** The words of an error answer's (decoded) body, or of the data of an error event. */
export function errorWords(body: Buffer | string): ErrorWords {
  if (body.length > MAX_ERROR_BYTES) return NO_WORDS
  const text = typeof body === 'string' ? body : body.toString('utf8')
  const parsed = parseJson(text)
  // Gemini wraps the error of a stream in an array.
  const answer = Array.isArray(parsed) ? recordsOf(parsed)[0] : asRecord(parsed)
  if (answer === undefined) return { ...NO_WORDS, message: text.slice(0, MAX_MESSAGE_CHARS).toLowerCase() }
  const error = asRecord(answer['error']) ?? asRecord(asRecord(answer['response'])?.['error']) ?? answer
  const inner = asRecord(error['innererror'])
  const details = asRecord(error['details'])
  const words = [error['type'], error['code'], error['status'], inner?.['code'], details?.['error_code']]
  const message = typeof answer['error'] === 'string' ? answer['error'] : error['message']
  return {
    names: words.filter((word) => typeof word === 'string').map((word) => word.toLowerCase()),
    status: [error['code'], error['status'], error['http_code']].map(httpError).find((status) => status !== undefined),
    message: typeof message === 'string' ? message.slice(0, MAX_MESSAGE_CHARS).toLowerCase() : '',
    details: recordsOf(error['details']),
  }
}

function httpError(value: unknown): number | undefined {
  const status = typeof value === 'string' && /^[45]\d\d$/.test(value) ? Number(value) : value
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined
}
