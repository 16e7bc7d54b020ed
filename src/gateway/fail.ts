import type { ServerResponse } from 'node:http'
import { errorBody } from '../dialects/error-body.ts'
import { ERRORS } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Limits } from '../domain/policy.ts'
import type { Dialect } from '../domain/request.ts'

/** Seconds after which a refused client may try again: one second lets a burst drain. */
export const RETRY_AFTER_SECONDS = '1'

/** The proxy's own answer to a request that it does not (or could not) hand on, in the client's dialect. */
export function sendError(
  response: ServerResponse,
  dialect: Dialect,
  error: ErrorCode,
  id: string,
  ownHeaders: readonly string[],
  hint?: string,
): void {
  if (response.headersSent || response.destroyed) return
  const { status } = ERRORS[error]
  const body = Buffer.from(errorBody(dialect, error, id, hint))
  const headers = ['content-type', 'application/json', 'content-length', String(body.length), ...ownHeaders]
  if (status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS)
  // What is left of an unread body would be taken for the next request, so the connection goes with the answer.
  if (isUnread(error)) headers.push('connection', 'close')
  response.writeHead(status, headers)
  response.end(body)
}

/** Says which limit was hit and what it is set to. */
export function hintFor(error: ErrorCode, limits: Limits): string | undefined {
  if (error === 'body_too_large') return `The limit is ${limits.maxBodyBytes} bytes (limits.max_body).`
  if (error === 'body_timeout') return `The limit is ${limits.bodyTimeoutMs / 1000} s (limits.body_timeout).`
  return undefined
}

function isUnread(error: ErrorCode): boolean {
  return error === 'body_too_large' || error === 'body_timeout' || error === 'bad_framing'
}
