import { readBody, unread, withUsageAsked } from '../dialects/read-body.ts'
import type { BodyReading } from '../dialects/read-body.ts'
import { recognise } from '../dialects/recognise.ts'
import { decide } from '../domain/decide.ts'
import type { Decision } from '../domain/decide.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Limits, Provider } from '../domain/policy.ts'
import type { LlmRequest, Recognised } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import { crash } from './crash.ts'
import { decodeBounded, encodingOf } from './encoding.ts'
import { attemptOf, exchangeOf } from './exchange-of.ts'
import { guarded } from './guarded.ts'
import { isForeign } from './is-foreign.ts'
import { isWellFramed } from './framing.ts'
import { ownHeaders } from './own-headers.ts'
import { ownTraceparent } from './own-traceparent.ts'
import { passThrough } from './pass.ts'
import { readRequest } from './read-request.ts'
import { reject } from './reject.ts'
import { recordRejected } from './record-rejected.ts'
import { receive } from './receive.ts'
import type { Received } from './receive.ts'
import { unrecognised } from './rejected.ts'
import { Relay } from './relay.ts'
import type { Stages } from './stages.ts'
import type { WebTurn } from './turn.ts'

/**
 * Handles one request from its first byte to its last. Every way out of here leaves a record, a bug of ours included;
 * `lost` is told only where the record itself cannot be made. Callbacks throughout, no promises: the path of every
 * request is short, and awaiting its three steps cost a twentieth of it.
 * `brokenBy` tells how the connection was answered when it turned out not to speak HTTP before the request was over.
 */
export function handle(
  turn: WebTurn,
  stages: Stages,
  brokenBy: () => ErrorCode | undefined,
  lost: (bug: unknown) => void,
): void {
  const { inbound, response } = turn
  let known: Recognised | undefined
  const failed = (bug: unknown): void => {
    try {
      const request = readRequest(turn.id, inbound, known ?? unrecognised(inbound), unread(undefined), 0)
      crash(turn, request, bug, response.headersSent ? response.statusCode : undefined, stages)
    } catch (worse) {
      lost(worse)
    }
  }
  try {
    const { providers } = turn.state.policy
    const hasAnthropicVersion = inbound.headers['anthropic-version'] !== undefined
    const recognised = recognise(inbound.method ?? '', inbound.url ?? '', hasAnthropicVersion, providers)
    if ('error' in recognised) return reject(turn, unrecognised(inbound), recognised.error, stages)
    known = recognised
    if (!isWellFramed(inbound)) return reject(turn, recognised, 'bad_framing', stages)
    if (stages.isDraining()) return reject(turn, recognised, 'shutting_down', stages)
    const provider = providers.get(recognised.provider)
    if (provider === undefined) return reject(turn, recognised, 'unknown_provider', stages)
    if (isForeign(inbound.headers, provider, turn.state.policy.access, turn.isLoopbackOnly))
      return reject(turn, recognised, 'forbidden_origin', stages)
    if (recognised.api === 'passthrough') return passThrough(turn, recognised, provider, stages, brokenBy)
    const answerTo = guarded((received: Received) => {
      answer(turn, received, recognised, provider, stages, brokenBy, failed)
    }, failed)
    receive(inbound, turn.state.policy.limits, answerTo)
  } catch (bug) {
    failed(bug)
  }
}

/** `failed` is told what is thrown after this has returned; what is thrown before is the caller's. */
function answer(
  turn: WebTurn,
  received: Received,
  recognised: Recognised,
  provider: Provider,
  stages: Stages,
  brokenBy: () => ErrorCode | undefined,
  failed: (bug: unknown) => void,
): void {
  const { inbound, response } = turn
  if (received.kind === 'rejected') return reject(turn, recognised, received.error, stages)
  if (received.kind === 'gone')
    return recordRejected(turn, recognised, brokenBy() ?? 'client_closed', stages, received.receivedBytes)
  const { bytes } = received
  const bodyAt = stages.world.monotonic()
  const send = ({ reading, body, isDecoded }: ReadWhole): void => {
    // Its close has gone by while the body was decoded: the relay would wait for it in vain.
    if (response.destroyed) return recordRejected(turn, recognised, 'client_closed', stages, bytes.length)
    const request = readRequest(turn.id, inbound, recognised, reading, bytes.length)
    dispatch(turn, request, decide(request, turn.state), { provider, body, isDecoded, bodyAt }, stages, brokenBy)
  }
  const encoding = encodingOf(inbound.headers['content-encoding'])
  if (encoding === '') {
    const reading = readBody(recognised.api, bytes, provider.supportsIncludeUsage)
    return send({ reading, body: bytes, isDecoded: false })
  }
  readDecoded(bytes, encoding, recognised, provider, turn.state.policy.limits).then(send).catch(failed)
}

type Outgoing = {
  readonly provider: Provider
  readonly body: Buffer
  readonly isDecoded: boolean
  readonly bodyAt: MonotonicMs
}

/** Sends the request to the decided target and relays what comes back. */
function dispatch(
  turn: WebTurn,
  request: LlmRequest,
  decision: Decision,
  outgoing: Outgoing,
  stages: Stages,
  brokenBy: () => ErrorCode | undefined,
): void {
  const { response, arrival, inbound } = turn
  const { world } = stages
  const [target] = decision.targets
  const attemptId = world.newId()
  const sentAt = world.monotonic()
  const own = (): string[] => ownHeaders(turn.id, decision, sentAt - outgoing.bodyAt)
  const crashed = (bug: unknown): void =>
    crash(turn, request, bug, response.headersSent ? response.statusCode : undefined, stages)
  const relay = new Relay({
    request,
    response,
    monotonic: world.monotonic,
    inboundHeaders: stages.inboundHeaders,
    ownHeaders: own,
    cutBy: brokenBy,
    fail: (error) => turn.client.tell(request.dialect, error, turn.id, own()),
    conclude: (relayed, release) => {
      const attempts =
        relayed.startedAt === undefined
          ? []
          : [attemptOf(attemptId, target, outgoing.provider, relayed, arrival, stages.price)]
      const marks = { bodyAt: outgoing.bodyAt, now: world.monotonic() }
      const exchange = exchangeOf(request, decision, arrival, marks, attempts, relayed)
      turn.record.make(exchange, release)
    },
    crashed,
  })
  try {
    const traceparent = ownTraceparent(request, attemptId, outgoing.provider, stages)
    const headers = stages.outboundHeaders(inbound.rawHeaders, outgoing.provider, traceparent)
    const outbound = {
      method: request.method,
      path: request.upstreamPath,
      headers: outgoing.isDecoded ? withoutEncoding(headers) : headers,
      body: request.shape.injectsUsage ? withUsageAsked(outgoing.body) : outgoing.body,
    }
    relay.attach(stages.send(outgoing.provider, outbound, relay))
  } catch (bug) {
    crashed(bug)
  }
}

type ReadWhole = { readonly reading: BodyReading; readonly body: Buffer; readonly isDecoded: boolean }

/** Reads a copy of a compressed body; the decoded one goes upstream only where bytes must be added to it. */
async function readDecoded(
  bytes: Buffer,
  encoding: string,
  { api }: Recognised,
  provider: Provider,
  limits: Limits,
): Promise<ReadWhole> {
  const decoded = await decodeBounded(bytes, encoding, limits.maxBodyBytes)
  if (decoded.kind === 'failed') return { reading: unread(decoded.why), body: bytes, isDecoded: false }
  const reading = readBody(api, decoded.bytes, provider.supportsIncludeUsage)
  return reading.shape.injectsUsage
    ? { reading, body: decoded.bytes, isDecoded: true }
    : { reading, body: bytes, isDecoded: false }
}

function withoutEncoding(headers: string[]): string[] {
  const out: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'content-encoding') out.push(headers[i] ?? '', headers[i + 1] ?? '')
  }
  return out
}
