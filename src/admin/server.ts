import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { listenFailure } from '../config/listen-failure.ts'
import { originForm } from '../dialects/recognise.ts'
import { UnderstudyError } from '../domain/errors.ts'
import type { Listen } from '../domain/policy.ts'
import type { Closable, Log } from '../domain/ports.ts'
import { admissionFault } from './access.ts'
import type { AdminTokens } from './access.ts'
import { createAdminApp } from './app.ts'
import { guardConnections } from './connections.ts'
import type { AdminPorts } from './ports.ts'

export type AdminOptions = {
  readonly listen: Listen
  readonly tokens: AdminTokens
  readonly ports: AdminPorts
  readonly log: Log
  /** Longest time that a request may take once it is read, 15 s. */
  readonly handlerTimeoutMs?: number
}

export type Admin = Closable & { readonly host: string; readonly port: number }

/** Dashboards, probes and a few people: far below this. Keeps a leaking poller from using up file descriptors. */
const MAX_CONNECTIONS = 256
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const CHECK_INTERVAL_MS = 5_000
const KEEP_ALIVE_TIMEOUT_MS = 30_000
const MAX_HEADER_BYTES = 16 * 1024
/** How long answers under way may take once the port closes. */
const CLOSE_GRACE_MS = 1_000

/**
 * Opens the admin port: probes, metrics and the admin API (each documented at its handler). Throws when the tokens
 * would leave it open to strangers or the address cannot be had; `close` waits a second for answers under way.
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { listen, tokens, ports, log, handlerTimeoutMs = 15_000 } = options
  const fault = admissionFault(listen, tokens)
  if (fault !== undefined) throw new UnderstudyError('internal', `admin port: ${fault}`)
  const app = createAdminApp({ tokens, ports, log, handlerTimeoutMs })
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    // Past every guard and route Express answers a page of its own to what it cannot parse as a URL; a path it always can.
    request.url = originForm(request.url ?? '') ?? '/'
    app(request, response)
  }
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    listener,
  )
  server.on('checkExpectation', listener) // an expectation nobody knows may be ignored (RFC 9110 §10.1.1)
  guardConnections(server, MAX_CONNECTIONS)
  await listening(server, listen)
  server.on('error', (error) => log.error('admin_port_failed', { error }))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new UnderstudyError('internal', 'admin port: no address')
  let closing: Promise<void> | undefined
  return {
    host: address.address,
    port: address.port,
    close: () => (closing ??= closeServer(server)),
  }
}

function listening(server: Server, listen: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenFailure('admin.listen', listen, error)))
    server.listen(listen.port, listen.host, resolve)
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
    server.close(() => {
      clearTimeout(grace)
      resolve()
    })
  })
}
