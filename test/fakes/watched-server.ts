import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:http'
import { Server as HttpServer } from 'node:http'

/** What Node's own parser made of the bytes that one server received. */
export type WatchedServer = {
  /** Requests it could read, upgrades and CONNECT included: each must leave one record. */
  readonly readable: () => number
  readonly openSockets: () => Promise<number>
  readonly stop: () => void
}

/** Watches the HTTP server of this process that listens on `port`. It must have served a request by the time it counts. */
export function watchServer(port: number): WatchedServer {
  let server: Server | undefined
  let readable = 0
  const count = (): void => {
    readable++
  }
  const onRequest = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('server' in message)) return
    if (!(message.server instanceof HttpServer)) return
    const address = message.server.address()
    if (typeof address !== 'object' || address?.port !== port) return
    if (server === undefined) {
      server = message.server
      server.on('upgrade', count).on('connect', count)
    }
    readable++
  }
  subscribe('http.server.request.start', onRequest)
  return {
    readable: () => readable,
    openSockets: () =>
      new Promise((resolve, reject) => {
        if (server === undefined) reject(new Error('the server has not been seen yet'))
        else server.getConnections((error, open) => (error === null ? resolve(open) : reject(error)))
      }),
    stop: () => void unsubscribe('http.server.request.start', onRequest),
  }
}
