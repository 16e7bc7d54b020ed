import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { errorReply } from './reply.ts'
import type { JsonReply } from './reply.ts'

/**
 * Keeps a server at `most` connections by closing, for one more, the one that has asked for nothing the longest: a
 * flood of silent or slow connections must not shut out the probes by which the proxy is judged to be alive. Only where
 * all are being answered is the newcomer closed. Bytes that are no request get a JSON error as any other.
 */
export function guardConnections(server: Server, most: number): void {
  // In the order of their last request, or of opening; the value is the answer under way or last given.
  const open = new Map<Duplex, ServerResponse | undefined>()
  server.on('connection', (socket: Socket) => {
    if (open.size >= most) (idlest(open) ?? socket).destroy()
    if (socket.destroyed) return
    open.set(socket, undefined)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    open.delete(socket)
    open.set(socket, response)
  })
  server.on('clientError', (error: Error & { readonly code?: string }, socket: Duplex) => {
    const current = open.get(socket)
    // Into the middle of an answer nothing can be said.
    if (socket.writable && error.code !== 'ECONNRESET' && !(isUnderWay(current) && current?.headersSent === true)) {
      socket.write(brokenReply(error.code))
    }
    socket.destroy()
  })
}

function idlest(open: ReadonlyMap<Duplex, ServerResponse | undefined>): Duplex | undefined {
  for (const [socket, response] of open) if (!isUnderWay(response)) return socket
  return undefined
}

function isUnderWay(response: ServerResponse | undefined): boolean {
  return response !== undefined && !response.writableFinished && !response.destroyed
}

/** `code`: what Node's parser says of the bytes. */
function brokenReply(code: string | undefined): string {
  const { status, json } = replyTo(code)
  const body = `${JSON.stringify(json)}\n`
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Cache-Control: no-store',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

function replyTo(code: string | undefined): JsonReply {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return errorReply(431, 'too_large', 'The head of the request is too large.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return errorReply(408, 'timeout', 'The request did not arrive in time.')
    default:
      return errorReply(400, 'bad_request', 'What arrived is not valid HTTP.')
  }
}
