import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import express from 'express'
import { isLoopback } from '../config/listen-address.ts'
import { listenFailure } from '../config/listen-failure.ts'
import { unread } from '../dialects/read-body.ts'
import { isModelCall } from '../dialects/recognise.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Listen } from '../domain/policy.ts'
import { createPins } from '../domain/routing/pins.ts'
import { createActiveCalls } from './active-calls.ts'
import { createFramingWatch } from './bad-framing.ts'
import { rawClient, webClient } from './client.ts'
import { createConnections } from './connections.ts'
import { crash } from './crash.ts'
import { guarded } from './guarded.ts'
import { isWebSocketUpgrade, passUpgrade, refuseRaw } from './pass-upgrade.ts'
import { handle } from './pipeline.ts'
import { readRequest } from './read-request.ts'
import { unrecognised } from './rejected.ts'
import type { Stages } from './stages.ts'
import { beginTurn } from './turn.ts'
import type { Turn } from './turn.ts'

/** Largest request head. Providers take 16–32 KB; cookies and long betas headers fit in twice that. */
const MAX_HEADER_BYTES = 64 * 1024

/** How long a client may keep the proxy waiting, in milliseconds. */
export type Patience = {
  /** For a request head to arrive; bodies have limits of their own. */
  readonly headMs: number
  /** Between two requests on one connection. */
  readonly keepAliveMs: number
  /** For a client that neither takes the bytes it is sent nor sends those it owes. */
  readonly stallMs: number
}

const PATIENCE: Patience = {
  headMs: 60_000,
  // Longer than the idle time of usual clients and load balancers, so that they, not we, close a kept connection.
  keepAliveMs: 75_000,
  // An application that sits over one chunk for minutes is alive; one that takes nothing for ten minutes is not.
  stallMs: 600_000,
}

export type Gateway = {
  readonly host: string
  readonly port: number
  /** Stops accepting, lets what is under way finish until the deadline, then cuts what is left. Returns how many were cut. */
  readonly close: (deadlineMs: number) => Promise<number>
}

/** `isShared`: several processes listen there at the same time (SO_REUSEPORT), and the kernel deals out connections. */
export type DataListen = Listen & { readonly isShared?: boolean }

/** Opens the data port. Resolves when it listens; rejects with a clear error when the port cannot be had. */
export function openGateway(listen: DataListen, stages: Stages, patience: Patience = PATIENCE): Promise<Gateway> {
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', false)
  const connections = createConnections()
  const active = createActiveCalls()
  const pins = createPins()
  const isLoopbackOnly = isLoopback(listen.host)
  const framing = createFramingWatch(stages.onBadFraming)
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    connections.answering(request.socket, response)
    const brokenBy = (): ErrorCode | undefined => {
      if (connections.isCutting()) return 'shutting_down'
      return request.complete ? undefined : framing.toldTo(request.socket)
    }
    const turn = { ...beginTurn(request, webClient(response), stages, pins, isLoopbackOnly), response }
    handle(turn, stages, active, brokenBy, (bug) => {
      stages.log.error('request_lost', { trace_id: turn.id, bug })
      response.destroy()
    })
  }
  app.use(serve)
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    // Express changes the prototypes of both objects, a tenth of a whole call's cost, so model calls go past it. It
    // answers a page of its own to what it cannot parse as a URL; a path it always can.
    const url = request.url ?? ''
    if (url.startsWith('/') && !isModelCall(request.method, url)) app(request, response)
    else serve(request, response)
  }
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: patience.headMs,
      connectionsCheckingInterval: Math.min(patience.headMs / 2, 30_000),
      keepAliveTimeout: patience.keepAliveMs,
      requestTimeout: 0, // an upload may take its time
      requireHostHeader: false, // refused in the pipeline, where it leaves a record
      noDelay: true,
      shouldUpgradeCallback: isWebSocketUpgrade,
    },
    listener,
  )
  // A connection too many costs its own client an attempt; a process without file descriptors would lose rows of others.
  server.maxConnections = stages.maxConnections
  server.on('drop', stages.onConnectionRefused)
  server.on('checkExpectation', listener) // an expectation nobody knows may be ignored (RFC 9110 §10.1.1)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // Behind a request still being answered Node would write it into the middle of that answer; a client need not wait.
    if (response.socket !== null) response.writeContinue()
    listener(request, response)
  })
  server.setTimeout(patience.stallMs, (socket) => framing.stalled(socket, connections.latestOn(socket)))
  server.on('clientError', (error, socket) => framing.broke(error, socket, connections.latestOn(socket)))
  const leaveHttp = (take: (turn: Turn, socket: Duplex, head: Buffer) => void) => {
    return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      socket.on('error', () => undefined) // a reset connection is recorded by its close
      connections.upgraded(socket)
      const turn = beginTurn(request, rawClient(socket), stages, pins, isLoopbackOnly)
      // What was asked before on this connection is answered before.
      const current = connections.latestOn(socket)
      const takeGuarded = guarded(
        () => take(turn, socket, head),
        (bug) =>
          crash(
            turn,
            readRequest(turn.id, request, unrecognised(request), unread(undefined), 0),
            bug,
            undefined,
            stages,
          ),
      )
      if (current === undefined || current.closed) takeGuarded()
      else current.once('close', takeGuarded)
    }
  }
  server.on(
    'upgrade',
    leaveHttp((turn, socket, head) => passUpgrade(turn, socket, head, stages)),
  )
  // A tunnel goes to a host of the client's choice: never here.
  server.on(
    'connect',
    leaveHttp((turn, socket) => refuseRaw(turn, socket, unrecognised(turn.inbound), 'no_route', stages)),
  )
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => reject(listenFailure('listen', listen, error))
    server.once('error', refuse)
    server.listen({ host: listen.host, port: listen.port, reusePort: listen.isShared === true }, () => {
      server.off('error', refuse)
      const address = server.address()
      const bound =
        typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : listen
      resolve({ ...bound, close: (deadlineMs) => connections.close(server, deadlineMs) })
    })
  })
}
