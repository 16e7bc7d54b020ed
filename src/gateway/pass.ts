import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody } from '../dialects/error-body.ts'
import { unread } from '../dialects/read-body.ts'
import { recognise } from '../dialects/recognise.ts'
import { decide } from '../domain/decide.ts'
import { ERRORS } from '../domain/errors.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Provider } from '../domain/policy.ts'
import type { Recognised } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import { attemptOf, exchangeOf } from './exchange-of.ts'
import { sendError } from './fail.ts'
import { ownHeaders } from './own-headers.ts'
import { readRequest } from './read-request.ts'
import { unrecognised } from './rejected.ts'
import type { Relayed } from './relay.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

const NO_ANSWER = { model: undefined, responseId: undefined, finishReason: undefined, usage: undefined, errorType: undefined }

/** Relays a request that the proxy does not read, and still leaves a trace of it. */
export function passThrough(turn: Turn, recognised: Recognised, provider: Provider, stages: Stages): void {
  const { inbound, response } = turn
  const passage = createPassage(turn, recognised, provider, stages)
  let requestBytes = 0
  let status: number | undefined
  const conclude = (outcome: AttemptOutcome, release: () => void): void => passage.conclude({ outcome, requestBytes, release })
  response.once('close', () => conclude({ kind: 'cancelled', status }, () => undefined))
  stages.passThrough.web(inbound, response, provider, recognised.upstreamPath, {
    head: (code, headers) => {
      status = code
      passage.head(code)
      return [...stages.inboundHeaders(headers), ...passage.ownHeaders()]
    },
    received: (count) => {
      requestBytes += count
    },
    bytes: passage.bytes,
    end: (release) => conclude(outcomeFor(status ?? 0), release),
    failed: ({ error, mayHaveRun }) => {
      if (status === undefined) conclude({ kind: 'unavailable', error, mayHaveRun }, () => sendError(response, recognised.dialect, error, turn.id, passage.ownHeaders()))
      else conclude({ kind: 'interrupted', status, error }, () => response.destroy())
    },
  })
}

/** As `passThrough`, for a connection that leaves HTTP (WebSocket). Its record is written when it closes. */
export function passUpgrade(turn: Omit<Turn, 'response'>, socket: Duplex, head: Buffer, stages: Stages): void {
  const { inbound, state } = turn
  const { providers } = state.policy
  const found = recognise('GET', inbound.url ?? '', inbound.headers['anthropic-version'] !== undefined, providers)
  const recognised: Recognised = 'error' in found ? unrecognised(inbound) : found
  const provider = providers.get(recognised.provider)
  if (provider === undefined || stages.isDraining()) return refuseUpgrade(socket, recognised, provider === undefined ? 'no_route' : 'shutting_down', turn.id)
  const passage = createPassage(turn, recognised, provider, stages)
  let status: number | undefined
  stages.passThrough.upgrade(inbound, head, provider, recognised.upstreamPath, {
    head: (code) => {
      status = code
      passage.head(code)
    },
    closed: (bytes, failure) => {
      passage.bytes(bytes.sent)
      const outcome: AttemptOutcome =
        status !== undefined ? outcomeFor(status) : failure === undefined ? { kind: 'cancelled', status } : { kind: 'unavailable', ...failure }
      passage.conclude({ outcome, requestBytes: bytes.received, release: () => undefined })
    },
  })
}

type Conclusion = { readonly outcome: AttemptOutcome; readonly requestBytes: number; readonly release: () => void }

/** Collects what one relayed request shows and turns it into its record, once. */
function createPassage(turn: Omit<Turn, 'response'>, recognised: Recognised, provider: Provider, stages: Stages) {
  const { world } = stages
  const startedAt: MonotonicMs = world.monotonic()
  const attemptId = world.newId()
  const bare = readRequest(turn.id, turn.inbound, recognised, unread(undefined), 0)
  const decision = decide(bare, turn.state)
  let headAt: MonotonicMs | undefined
  let status: number | undefined
  let responseBytes = 0
  let isConcluded = false
  return {
    head: (code: number): void => {
      headAt ??= world.monotonic()
      status = code
    },
    bytes: (count: number): void => {
      responseBytes += count
    },
    ownHeaders: (): string[] => ownHeaders(turn.id, decision, startedAt - turn.arrival.monotonicMs),
    conclude: ({ outcome, requestBytes, release }: Conclusion): void => {
      if (isConcluded) return
      isConcluded = true
      const relayed: Relayed = {
        outcome,
        startedAt,
        queueMs: 0,
        headAt,
        tokenAt: undefined,
        endedAt: world.monotonic(),
        answer: NO_ANSWER,
        providerRequestId: undefined,
        responseBytes,
        streamEvents: undefined,
        clientStatus: status ?? (outcome.kind === 'unavailable' ? ERRORS[outcome.error].status : 0),
      }
      const [target] = decision.targets
      const attempt = attemptOf(attemptId, target, provider, relayed, turn.arrival, stages.price)
      const marks = { bodyAt: turn.arrival.monotonicMs, now: world.monotonic() }
      const exchange = exchangeOf({ ...bare, requestBytes }, decision, turn.arrival, marks, [attempt], relayed)
      stages.observe(exchange)
      stages.recorder.record(exchange, release)
    },
  }
}

function outcomeFor(status: number): AttemptOutcome {
  return status >= 400 ? { kind: 'refused', status, error: 'upstream_error', errorType: undefined } : { kind: 'completed', status }
}

function refuseUpgrade(socket: Duplex, recognised: Recognised, error: ErrorCode, id: string): void {
  const body = errorBody(recognised.dialect, error, id)
  const { status } = ERRORS[error]
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

/** Whether a request asks for an upgrade that is relayed; any other `Upgrade` is an ordinary request. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket'
}
