import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { recognise } from '../dialects/recognise.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { UpgradeSink } from '../domain/pass-through.ts'
import type { Recognised } from '../domain/request.ts'
import type { UpstreamFailure } from '../domain/upstream-call.ts'
import { closeSoon } from './answer-raw.ts'
import { crash } from './crash.ts'
import { isForeign } from './is-foreign.ts'
import { isWellFramed } from './framing.ts'
import { guarded } from './guarded.ts'
import { createPassage, outcomeFor } from './passage.ts'
import { recordRejected } from './record-rejected.ts'
import { reject } from './reject.ts'
import { unrecognised } from './rejected.ts'
import type { Stages } from './stages.ts'
import type { Turn } from './turn.ts'

/** As `passThrough`, for a connection that leaves HTTP (WebSocket). Its record is written when it closes. */
export function passUpgrade(turn: Turn, socket: Duplex, head: Buffer, stages: Stages): void {
  const { inbound, state } = turn
  const { providers } = state.policy
  const found = recognise('GET', inbound.url ?? '', inbound.headers['anthropic-version'] !== undefined, providers)
  const recognised: Recognised = 'error' in found ? unrecognised(inbound) : found
  const provider = providers.get(recognised.provider)
  if (provider === undefined)
    return refuseRaw(turn, socket, recognised, 'error' in found ? found.error : 'no_route', stages)
  if (!isWellFramed(inbound)) return refuseRaw(turn, socket, recognised, 'bad_framing', stages)
  if (stages.isDraining()) return refuseRaw(turn, socket, recognised, 'shutting_down', stages)
  if (isForeign(inbound.headers, provider, state.policy.access, turn.isLoopbackOnly))
    return refuseRaw(turn, socket, recognised, 'forbidden_origin', stages)
  if (socket.destroyed) return recordRejected(turn, recognised, 'client_closed', stages)
  // Whatever is asked of a model goes over the connection once it stands.
  const passage = createPassage(turn, recognised, provider, stages, stages.price)
  const onThrow = (bug: unknown): void => crash(turn, passage.request, bug, passage.told(), stages)
  const failed = ({ error, mayHaveRun }: UpstreamFailure): void => {
    const release = (): void => turn.client.tell(recognised.dialect, error, turn.id, passage.ownHeaders())
    passage.conclude({ outcome: { kind: 'unavailable', error, mayHaveRun }, requestBytes: 0, release })
  }
  const closed: UpgradeSink['closed'] = ({ received, sent }, failure) => {
    passage.bytes(sent)
    const outcome = upgradeOutcome(passage.told(), failure)
    passage.conclude({ outcome, requestBytes: received, release: () => undefined })
  }
  socket.once('end', () => closeSoon(socket)).once('finish', () => closeSoon(socket))
  stages.passThrough.upgrade(inbound, head, provider, recognised.upstreamPath, passage.traceparent, {
    started: passage.started,
    head: passage.head,
    failed: guarded(failed, onThrow),
    closed: guarded(closed, onThrow),
  })
}

/** How a connection that was to leave HTTP ended: by an answer or a refusal, whole or cut, or without any. */
function upgradeOutcome(status: number | undefined, failure: UpstreamFailure | undefined): AttemptOutcome {
  if (status === undefined)
    return failure === undefined ? { kind: 'cancelled', status } : { kind: 'unavailable', ...failure }
  const isCut = failure !== undefined && status !== 101
  return isCut ? { kind: 'interrupted', status, error: failure.error } : outcomeFor(status)
}

/** Answers a request that came without a response object (an upgrade, CONNECT) with the proxy's own error. */
export function refuseRaw(turn: Turn, socket: Duplex, recognised: Recognised, error: ErrorCode, stages: Stages): void {
  if (socket.destroyed) return recordRejected(turn, recognised, 'client_closed', stages)
  reject(turn, recognised, error, stages)
}

/** Whether a request asks for an upgrade that is relayed; any other `Upgrade`, or one with a body, is an ordinary request. */
export function isWebSocketUpgrade({ method, headers }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && !hasBody
}
