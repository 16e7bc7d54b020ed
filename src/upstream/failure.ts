import { errors } from 'undici'
import type { ErrorCode } from '../domain/errors.ts'
import type { UpstreamFailure } from '../domain/upstream-call.ts'

const CONNECT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'EMFILE',
])

/** Where the call stood when it failed. */
export type CallStage = 'connecting' | 'sent' | 'answering'

/** The one place that turns an error of the HTTP client into a row of the error table. */
export function upstreamFailure(error: unknown, stage: CallStage): UpstreamFailure {
  return { error: codeOf(error, stage), mayHaveRun: stage !== 'connecting', detail: describe(error) }
}

function codeOf(error: unknown, stage: CallStage): ErrorCode {
  if (error instanceof errors.ConnectTimeoutError) return 'connect_timeout'
  if (error instanceof errors.HeadersTimeoutError) return 'first_byte_timeout'
  if (error instanceof errors.BodyTimeoutError) return 'idle_timeout'
  if (error instanceof errors.InvalidArgumentError) return 'bad_framing'
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (isNotHttp(error, code)) return 'upstream_protocol'
  if (stage === 'answering') return 'upstream_cut'
  if (stage === 'connecting' || CONNECT_CODES.has(code)) return 'connect_failed'
  return 'upstream_reset'
}

/** Heads that one parser lets pass and the next one, or Node's writer, does not: statuses, characters, two lengths. */
const PROTOCOL_CODES: ReadonlySet<string> = new Set([
  'ERR_ASSERTION',
  'ERR_HTTP_INVALID_STATUS_CODE',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])
const PROTOCOL_MESSAGES: ReadonlySet<string> = new Set(['bad response', 'bad upgrade'])

/** Bytes that no HTTP parser takes. An end in the middle of a message is a parser's error too, but that is a cut. */
function isNotHttp(error: unknown, code: string): boolean {
  if (error instanceof errors.HeadersOverflowError) return true
  if (error instanceof errors.HTTPParserError) return !error.message.includes('EOF')
  if (PROTOCOL_CODES.has(code)) return true
  if (error instanceof errors.SocketError && PROTOCOL_MESSAGES.has(error.message)) return true
  return code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE'
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  return `${code}${error.message}`.slice(0, 300)
}
