import { connect } from 'node:net'
import { createAnswerParser } from './answer-parser.ts'
import type { LoadOrder } from './load-order.ts'
import { EXPECTED_BODY_BYTES, requestBytes } from './wire.ts'

/** One keep-alive connection of the load; it has at most one request under way. */
export type LoadConnection = { readonly ask: () => void; readonly close: () => void }

export type LoadEvents = {
  /** It is open and may ask for the first time. */
  readonly opened: (connection: LoadConnection) => void
  /** A whole answer is there and it may ask again; `fault` says what is wrong with it. Times are in milliseconds. */
  readonly answered: (connection: LoadConnection, times: AnswerTimes, fault: string | undefined) => void
  /** It is gone, and not because of `close`. */
  readonly lost: (connection: LoadConnection, fault: string) => void
}

export type AnswerTimes = { readonly askedAt: number; readonly firstByteAt: number; readonly doneAt: number }

/** Opens a connection on a raw socket, because an HTTP client would cost as much as the proxy. */
export function openLoadConnection(order: LoadOrder, request: Buffer, events: LoadEvents): LoadConnection {
  const parser = createAnswerParser()
  let askedAt = 0
  let firstByteAt: number | undefined
  let isOver = false
  const socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true })
  const connection: LoadConnection = {
    ask: () => {
      askedAt = performance.now()
      firstByteAt = undefined
      socket.write(request)
    },
    close: () => {
      isOver = true
      socket.destroy()
    },
  }
  const lose = (fault: string): void => {
    if (isOver) return
    connection.close()
    events.lost(connection, fault)
  }
  socket.on('connect', () => events.opened(connection))
  socket.on('error', (error) => lose(error.message))
  socket.on('close', () => lose('connection closed'))
  socket.on('data', (bytes) => {
    try {
      const { isDone, sawBody } = parser.feed(bytes)
      if (!sawBody && !isDone) return
      const now = performance.now()
      firstByteAt ??= now
      if (!isDone) return
      const { status, bodyBytes } = parser.last()
      const isRight = status === 200 && bodyBytes === EXPECTED_BODY_BYTES[order.kind]
      const fault = isRight ? undefined : `status ${status} with ${bodyBytes} body bytes`
      events.answered(connection, { askedAt, firstByteAt, doneAt: now }, fault)
    } catch (error) {
      lose(String(error))
    }
  })
  return connection
}

/** The one request that every connection of an order sends. */
export function requestOf({ kind, port, path, paceMs, headers }: LoadOrder): Buffer {
  return requestBytes(kind, `127.0.0.1:${port}`, path, paceMs, headers)
}
