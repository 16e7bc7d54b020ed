import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What is under way on a server's connections, and how they end. */
export type Connections = {
  /** A request has begun; its end is seen by itself. */
  readonly answering: (socket: Duplex, response: ServerResponse) => void
  /** The response to the latest request on that connection, ended or not. */
  readonly latestOn: (socket: Duplex) => ServerResponse | undefined
  /** A connection has left HTTP: from now on the server itself no longer knows it. */
  readonly upgraded: (socket: Duplex) => void
  /** The deadline of `close` has passed: a connection that ends now was ended by the proxy. */
  readonly isCutting: () => boolean
  /**
   * Stops accepting, lets what is under way finish until the deadline, then cuts what is left. Resolves with how many
   * were cut, after the records of all of them have been made.
   */
  readonly close: (server: Server, deadlineMs: number) => Promise<number>
}

export function createConnections(): Connections {
  const latest = new WeakMap<Duplex, ServerResponse>()
  const outsideHttp = new Set<Duplex>()
  let underWay = 0
  let isClosing = false
  let isCutting = false
  let onQuiet: (() => void) | undefined
  // A response hears of its connection's end later than the server does, and its record is made only then.
  const ended = (): void => {
    if (underWay === 0 && outsideHttp.size === 0) onQuiet?.()
  }
  return {
    answering: (socket, response) => {
      underWay++
      latest.set(socket, response)
      // Closes once; `once` itself would cost every request a wrapper and its removal.
      response.on('close', () => {
        underWay--
        // A kept connection has nothing more to wait for, unless another request came in behind this one.
        if (isClosing && latest.get(socket) === response) socket.end()
        ended()
      })
    },
    latestOn: (socket) => latest.get(socket),
    isCutting: () => isCutting,
    upgraded: (socket) => {
      outsideHttp.add(socket)
      socket.once('close', () => {
        outsideHttp.delete(socket)
        ended()
      })
    },
    close: (server, deadlineMs) =>
      new Promise((resolve) => {
        isClosing = true
        let cut = 0
        const timer = setTimeout(() => {
          cut = underWay + outsideHttp.size
          isCutting = true
          server.closeAllConnections()
          for (const socket of outsideHttp) socket.destroy()
        }, deadlineMs)
        server.close(() => {
          clearTimeout(timer)
          onQuiet = () => resolve(cut)
          ended()
        })
        server.closeIdleConnections()
      }),
  }
}
