import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { asksNoModel } from '../dialects/asks-no-model.ts'
import { errorBody } from '../dialects/error-body.ts'
import { unread } from '../dialects/read-body.ts'
import { recognise } from '../dialects/recognise.ts'
import type { Cost } from '../domain/cost.ts'
import { decide } from '../domain/decide.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Provider } from '../domain/policy.ts'
import type { Recognised } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { UpstreamFailure } from '../domain/upstream-call.ts'
import { answerRaw, closeSoon } from './answer-raw.ts'
import { attemptOf, exchangeOf } from './exchange-of.ts'
import type { PriceAttempt } from './exchange-of.ts'
import { sendError } from './fail.ts'
import { isWellFramed } from './framing.ts'
import { ownHeaders } from './own-headers.ts'
import { ownTraceparent } from './own-traceparent.ts'
import { readRequest } from './read-request.ts'
import { recordRejected } from './record-rejected.ts'
import { unrecognised } from './rejected.ts'
import { cutOutcome, toldStatus } from './relay.ts'
import type { Relayed } from './relay.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

const NO_ANSWER = {
  model: undefined,
  responseId: undefined,
  finishReason: undefined,
  usage: undefined,
  errorType: undefined,
}

const NOT_BILLED: Cost = { kind: 'not_billed' }
const notBilled = (): Cost => NOT_BILLED

/**
 * Relays a request that the proxy does not read, and still leaves a trace of it. `brokenBy`: the client's bytes went
 * wrong on the way, and this is what it has been told; or the proxy had to close its connection.
 */
export function passThrough(
  turn: Turn,
  recognised: Recognised,
  provider: Provider,
  stages: Stages,
  brokenBy: () => ErrorCode | undefined,
): void {
  const { inbound, response } = turn
  const isFree = asksNoModel(inbound.method ?? '', recognised.upstreamPath)
  const passage = createPassage(turn, recognised, provider, stages, isFree ? notBilled : stages.price)
  let requestBytes = 0
  let status: number | undefined
  const conclude = (seen: AttemptOutcome, release: () => void): void => {
    const error = brokenBy()
    const outcome = error === undefined ? seen : cutOutcome(status, error, passage.hasStarted())
    passage.conclude({ outcome, requestBytes, release })
  }
  response.once('close', () => conclude({ kind: 'cancelled', status }, () => undefined))
  stages.passThrough.web(inbound, response, provider, recognised.upstreamPath, passage.traceparent, {
    started: passage.started,
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
      if (status === undefined)
        conclude({ kind: 'unavailable', error, mayHaveRun }, () =>
          sendError(response, recognised.dialect, error, turn.id, passage.ownHeaders()),
        )
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
  if (provider === undefined)
    return refuseRaw(turn, socket, recognised, 'error' in found ? found.error : 'no_route', stages)
  if (!isWellFramed(inbound)) return refuseRaw(turn, socket, recognised, 'bad_framing', stages)
  if (stages.isDraining()) return refuseRaw(turn, socket, recognised, 'shutting_down', stages)
  if (socket.destroyed) return recordRejected(turn, recognised, 'client_closed', stages)
  // Whatever is asked of a model goes over the connection once it stands.
  const passage = createPassage(turn, recognised, provider, stages, stages.price)
  let status: number | undefined
  socket.once('end', () => closeSoon(socket)).once('finish', () => closeSoon(socket))
  stages.passThrough.upgrade(inbound, head, provider, recognised.upstreamPath, passage.traceparent, {
    started: passage.started,
    head: (code) => {
      status = code
      passage.head(code)
    },
    failed: ({ error, mayHaveRun }) => {
      const release = (): void =>
        answerRaw(socket, error, errorBody(recognised.dialect, error, turn.id), passage.ownHeaders())
      passage.conclude({ outcome: { kind: 'unavailable', error, mayHaveRun }, requestBytes: 0, release })
    },
    closed: (bytes, failure) => {
      passage.bytes(bytes.sent)
      passage.conclude({
        outcome: upgradeOutcome(status, failure),
        requestBytes: bytes.received,
        release: () => undefined,
      })
    },
  })
}

type Conclusion = { readonly outcome: AttemptOutcome; readonly requestBytes: number; readonly release: () => void }

/** Collects what one relayed request shows and turns it into its record, once. */
function createPassage(
  turn: Omit<Turn, 'response'>,
  recognised: Recognised,
  provider: Provider,
  stages: Stages,
  price: PriceAttempt,
) {
  const { world } = stages
  const attemptId = world.newId()
  const bare = readRequest(turn.id, turn.inbound, recognised, unread(undefined), 0)
  const decision = decide(bare, turn.state)
  let startedAt: MonotonicMs | undefined
  let queuedMs = 0
  let headAt: MonotonicMs | undefined
  let status: number | undefined
  let responseBytes = 0
  let isConcluded = false
  return {
    traceparent: ownTraceparent(bare, attemptId, provider, stages),
    started: (queueMs: number): void => {
      startedAt = world.monotonic()
      queuedMs = queueMs
    },
    hasStarted: (): boolean => startedAt !== undefined,
    head: (code: number): void => {
      headAt ??= world.monotonic()
      status = code
    },
    bytes: (count: number): void => {
      responseBytes += count
    },
    ownHeaders: (): string[] =>
      ownHeaders(turn.id, decision, (startedAt ?? world.monotonic()) - turn.arrival.monotonicMs - queuedMs),
    conclude: ({ outcome, requestBytes, release }: Conclusion): void => {
      if (isConcluded) return
      isConcluded = true
      const relayed: Relayed = {
        outcome,
        startedAt,
        queueMs: queuedMs,
        headAt,
        tokenAt: undefined,
        endedAt: world.monotonic(),
        answer: NO_ANSWER,
        providerRequestId: undefined,
        responseBytes,
        streamEvents: undefined,
        clientStatus: status ?? toldStatus(outcome),
      }
      const [target] = decision.targets
      const attempts =
        startedAt === undefined ? [] : [attemptOf(attemptId, target, provider, relayed, turn.arrival, price)]
      const marks = { bodyAt: turn.arrival.monotonicMs, now: world.monotonic() }
      const exchange = exchangeOf({ ...bare, requestBytes }, decision, turn.arrival, marks, attempts, relayed)
      stages.observe(exchange)
      stages.recorder.record(exchange, release)
    },
  }
}

function outcomeFor(status: number): AttemptOutcome {
  return status >= 400
    ? { kind: 'refused', status, error: 'upstream_error', errorType: undefined }
    : { kind: 'completed', status }
}

/** How a connection that was to leave HTTP ended: by an answer or a refusal, whole or cut, or without any. */
function upgradeOutcome(status: number | undefined, failure: UpstreamFailure | undefined): AttemptOutcome {
  if (status === undefined)
    return failure === undefined ? { kind: 'cancelled', status } : { kind: 'unavailable', ...failure }
  const isCut = failure !== undefined && status !== 101
  return isCut ? { kind: 'interrupted', status, error: failure.error } : outcomeFor(status)
}

/** Answers a request that came without a response object (an upgrade, CONNECT) with the proxy's own error. */
export function refuseRaw(
  turn: Omit<Turn, 'response'>,
  socket: Duplex,
  recognised: Recognised,
  error: ErrorCode,
  stages: Stages,
): void {
  if (socket.destroyed) return recordRejected(turn, recognised, 'client_closed', stages)
  const body = errorBody(recognised.dialect, error, turn.id)
  recordRejected(turn, recognised, error, stages, 0, () =>
    answerRaw(socket, error, body, ['x-understudy-trace-id', turn.id]),
  )
}

/** Whether a request asks for an upgrade that is relayed; any other `Upgrade`, or one with a body, is an ordinary request. */
export function isWebSocketUpgrade({ method, headers }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && !hasBody
}
