import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody } from '../dialects/error-body.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { answerRaw } from './answer-raw.ts'

/** What Node's parser says of a connection: broken bytes, too many of them, too late, or that it is gone. */
export type FramingError = Error & { readonly code?: string }

/**
 * Looks after connections whose bytes cannot be read as HTTP: each is answered once and closed. `onBroken` is called
 * once per connection.
 */
export function createFramingWatch(onBroken: () => void) {
  const told = new WeakMap<Duplex, ErrorCode>()
  const isUnderWay = (current: ServerResponse | undefined): current is ServerResponse =>
    current !== undefined && !current.writableFinished && !current.destroyed
  const tell = (socket: Duplex, code: ErrorCode): void => answerRaw(socket, code, errorBody('openai', code, undefined))
  return {
    /** What a broken connection was, or will be, told; undefined for one that is whole. */
    toldTo: (socket: Duplex): ErrorCode | undefined => told.get(socket),
    /** `current`: the last answer begun (or still to begin) on this connection. */
    broke: (error: FramingError, socket: Duplex, current: ServerResponse | undefined): void => {
      const hasLeft = error.code === 'ECONNRESET' || (error.code === 'HPE_INVALID_EOF_STATE' && isUnderWay(current))
      if (hasLeft || !socket.writable) return void (told.has(socket) || socket.destroy())
      if (told.has(socket)) return // the rest of the same bytes
      const isWhole = current?.req.complete === true
      // In the middle of an answer whose request is broken nothing more can be said.
      if (isUnderWay(current) && !isWhole && current.headersSent) return void socket.destroy()
      const code = codeOf(error)
      told.set(socket, code)
      onBroken()
      // Broken bytes behind a whole request: it still gets its own answer, and these theirs after it.
      if (isUnderWay(current) && isWhole) current.once('finish', () => tell(socket, code))
      else tell(socket, code)
    },
    /** Nothing has moved on this connection for as long as is waited for a client. */
    stalled: (socket: Duplex, current: ServerResponse | undefined): void => {
      if (!isUnderWay(current) || socket.writableLength > 0) return void socket.destroy()
      if (current.req.complete) return // the upstream's turn, which has time limits of its own
      if (current.headersSent) return void socket.destroy()
      told.set(socket, 'body_timeout')
      tell(socket, 'body_timeout')
    },
  }
}

function codeOf({ code }: FramingError): ErrorCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'body_timeout' : 'bad_framing'
}
