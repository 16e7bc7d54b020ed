import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { ERRORS } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { RETRY_AFTER_SECONDS } from './fail.ts'

/** How long a client may take to close a connection that has been ended. */
const LINGER_MS = 2_000

/**
 * The proxy's own answer on a connection that has no response object, after which the connection is closed. `body` is
 * JSON, `ownHeaders` raw pairs.
 */
export function answerRaw(socket: Duplex, error: ErrorCode, body: string, ownHeaders: readonly string[] = []): void {
  const { status } = ERRORS[error]
  const headers = [
    'connection',
    'close',
    'content-type',
    'application/json',
    'content-length',
    String(Buffer.byteLength(body)),
    ...ownHeaders,
  ]
  if (status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS)
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  socket.on('error', () => undefined) // whoever resets now has lost nothing but this answer
  socket.end(`${head}\r\n${body}`)
  closeSoon(socket)
}

/**
 * Closes an ended connection whether or not the client closes its own side. Not at once: bytes that nobody has read
 * would turn the close into a reset, and a reset takes the answer with it.
 */
export function closeSoon(socket: Duplex): void {
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}
