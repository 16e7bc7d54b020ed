import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import express from 'express'
import { ERRORS } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Listen } from '../domain/policy.ts'
import { sendError } from './fail.ts'
import { isWebSocketUpgrade, passUpgrade } from './pass.ts'
import { handle } from './pipeline.ts'
import type { Stages } from './stages.ts'

/** Largest request head. Providers take 16–32 KB; cookies and long betas headers fit in twice that. */
const MAX_HEADER_BYTES = 64 * 1024
/** Longest time for a request head to arrive; bodies have limits of their own. */
const HEADERS_TIMEOUT_MS = 60_000
/** Longer than the idle time of usual clients and load balancers, so that they, not we, close a kept connection. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000

export type Gateway = {
  readonly host: string
  readonly port: number
  /** Stops accepting, lets what is under way finish until the deadline, then cuts what is left. Returns how many were cut. */
  readonly close: (deadlineMs: number) => Promise<number>
}

/** Opens the data port. Resolves when it listens; rejects with a clear error when the port cannot be had. */
export function openGateway(listen: Listen, stages: Stages): Promise<Gateway> {
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', false)
  let underWay = 0
  const answering = new WeakMap<Duplex, ServerResponse>()
  const broken = new WeakSet<Duplex>()
  app.use((request, response) => {
    underWay++
    answering.set(request.socket, response)
    response.once('close', () => underWay--)
    handle(request, response, stages, () => broken.has(request.socket)).catch((cause: unknown) => {
      stages.log.error('request_failed', { detail: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) })
      sendError(response, 'openai', 'internal', '', [])
      if (!response.writableEnded) response.destroy()
    })
  })
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      requestTimeout: 0, // an upload may take its time
      noDelay: true,
      shouldUpgradeCallback: isWebSocketUpgrade,
    },
    app,
  )
  server.on('clientError', (error, socket) => {
    const current = answering.get(socket)
    if (hasLeft(error, current)) return void socket.destroy()
    broken.add(socket)
    answerBadFraming(error, socket, current, stages)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined) // a reset connection is recorded by its close
    const { world } = stages
    const arrival = { at: world.now(), monotonicMs: world.monotonic() }
    passUpgrade({ id: world.newId(), inbound: request, arrival, state: stages.state.current() }, socket, head, stages)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject)
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : listen
      resolve({ ...bound, close: (deadlineMs) => closeServer(server, deadlineMs, () => underWay) })
    })
  })
}

function closeServer(server: Server, deadlineMs: number, underWay: () => number): Promise<number> {
  return new Promise((resolve) => {
    let cut = 0
    const timer = setTimeout(() => {
      cut = underWay()
      server.closeAllConnections()
    }, deadlineMs)
    server.close(() => {
      clearTimeout(timer)
      resolve(cut)
    })
    server.closeIdleConnections()
  })
}

/** Whether the connection just ended: reset, or closed by the client in the middle of a request that is under way. */
function hasLeft(error: FramingError, current: ServerResponse | undefined): boolean {
  return error.code === 'ECONNRESET' || (error.code === 'HPE_INVALID_EOF_STATE' && current !== undefined && !current.writableFinished)
}

type FramingError = Error & { readonly code?: string }

/**
 * Bytes that are not HTTP: answered once in plain JSON, counted, and the connection closed. In the middle of an answer
 * nothing more can be said, so the connection just goes.
 */
function answerBadFraming(error: FramingError, socket: Duplex, current: ServerResponse | undefined, stages: Stages): void {
  const isAnswering = current !== undefined && current.headersSent && !current.writableFinished
  if (!socket.writable || isAnswering) {
    socket.destroy()
    return
  }
  stages.onBadFraming()
  const code: ErrorCode = error.code === 'HPE_HEADER_OVERFLOW' ? 'headers_too_large' : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'body_timeout' : 'bad_framing'
  const { status, text } = ERRORS[code]
  const body = JSON.stringify({ error: { message: `understudy: ${text}`, type: 'invalid_request_error', param: null, code: `understudy_${code}` } })
  socket.end(`HTTP/1.1 ${status} Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
