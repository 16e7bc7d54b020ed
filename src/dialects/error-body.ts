import type { ErrorCode } from '../domain/errors.ts'
import { ERRORS } from '../domain/errors.ts'
import type { Api, Dialect } from '../domain/request.ts'

/** Error type names by status, as each provider's own API has them. */
const OPENAI_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  408: 'timeout',
  413: 'invalid_request_error',
  431: 'invalid_request_error',
}
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  431: 'request_too_large',
  503: 'overloaded_error',
  504: 'timeout_error',
}

/** google.rpc.Code by HTTP status (github.com/googleapis/googleapis, google/rpc/code.proto). */
const GEMINI_STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  413: 'INVALID_ARGUMENT',
  431: 'INVALID_ARGUMENT',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/**
 * The JSON body with which the proxy itself answers, in the shape that the client's SDK expects. `code` names the
 * row of the error table; `hint` (what was expected, which limit) follows the public text.
 */
export function errorBody(dialect: Dialect, code: ErrorCode, requestId: string | undefined, hint?: string): string {
  const { status, text } = ERRORS[code]
  const message = `understudy: ${text}${hint === undefined ? '' : ` ${hint}`}`
  switch (dialect) {
    case 'anthropic':
      return JSON.stringify({
        type: 'error',
        error: { type: ANTHROPIC_TYPES[status] ?? 'api_error', message },
        request_id: requestId ?? null,
      })
    case 'gemini':
      return JSON.stringify({ error: rpcStatus(status, message, code, requestId) })
    case 'openai':
      return JSON.stringify({
        error: { message, type: OPENAI_TYPES[status] ?? 'server_error', param: null, code: `understudy_${code}` },
      })
  }
}

/** As google.rpc.Status in JSON, with what is ours in its details. */
function rpcStatus(status: number, message: string, code: ErrorCode, requestId: string | undefined): object {
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: `UNDERSTUDY_${code.toUpperCase()}`,
    domain: 'understudy',
  }
  const request = { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId }
  const details = requestId === undefined ? [info] : [info, request]
  return { code: status, message, status: GEMINI_STATUSES[status] ?? 'UNKNOWN', details }
}

/**
 * The SSE event that tells a client in the middle of a stream that no more will come. A blank line goes first, so
 * that an event cut in half does not swallow it.
 */
export function errorEvent(dialect: Dialect, api: Api, code: ErrorCode, requestId: string): string {
  const message = `understudy: ${ERRORS[code].text}`
  if (api === 'responses') {
    return `\n\nevent: error\ndata: ${JSON.stringify({ type: 'error', code: `understudy_${code}`, message, param: null })}\n\n`
  }
  // Gemini's events have no names, and its SDK looks for an error in each one's data.
  const name = dialect === 'gemini' ? '' : 'event: error\n'
  return `\n\n${name}data: ${errorBody(dialect, code, requestId)}\n\n`
}
