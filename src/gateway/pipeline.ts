import { readBody, unread } from '../dialects/read-body.ts'
import type { BodyReading } from '../dialects/read-body.ts'
import { recognise } from '../dialects/recognise.ts'
import { decide } from '../domain/decide.ts'
import type { Decision, Refusal } from '../domain/decide.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Limits, Provider } from '../domain/policy.ts'
import type { LlmRequest, Recognised } from '../domain/request.ts'
import { decideRoute } from '../domain/routing/decide-route.ts'
import type { DecisionInputs } from '../domain/routing/replay.ts'
import { routerOf, targetKeys } from '../domain/routing/router.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { ActiveCalls } from './active-calls.ts'
import { answerOwn, isOwnPath } from './answer-own.ts'
import { crash } from './crash.ts'
import { dispatch } from './dispatch.ts'
import { decodeBounded, encodingOf } from './encoding.ts'
import { guarded } from './guarded.ts'
import { isForeign } from './is-foreign.ts'
import { isWellFramed } from './framing.ts'
import { keptElsewhere } from './kept-elsewhere.ts'
import type { AskedBody } from './outbound.ts'
import { passThrough } from './pass.ts'
import { readRequest } from './read-request.ts'
import { reject } from './reject.ts'
import { recordRejected } from './record-rejected.ts'
import { receive } from './receive.ts'
import type { Received } from './receive.ts'
import { refuse, turnAway } from './refuse.ts'
import { unrecognised } from './rejected.ts'
import { requestFacts } from './request-facts.ts'
import type { Stages } from './stages.ts'
import type { WebTurn } from './turn.ts'
import { inboundFrom, withoutAccount } from './without-account.ts'

/**
 * Handles one request from its first byte to its last. Every way out of here leaves a record, a bug of ours included;
 * `lost` is told only where the record itself cannot be made. Callbacks throughout, no promises: the path of every
 * request is short, and awaiting its three steps cost a twentieth of it.
 * `brokenBy` tells how the connection was answered when it turned out not to speak HTTP before the request was over.
 */
export function handle(
  turn: WebTurn,
  stages: Stages,
  active: ActiveCalls,
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
    const asked = recognise(inbound.method ?? '', inbound.url ?? '', hasAnthropicVersion, providers)
    if ('error' in asked) {
      const { error } = asked
      const refuseIt = (): void => reject(turn, unrecognised(inbound), error, stages)
      const isOwn = error === 'reserved_path' && isOwnPath(inbound.url) && isWellFramed(inbound) && !stages.isDraining()
      return isOwn ? answerOwn(turn, stages, refuseIt, failed) : refuseIt()
    }
    const recognised = keptElsewhere(turn, asked) ?? asked
    known = recognised
    if (!isWellFramed(inbound)) return reject(turn, recognised, 'bad_framing', stages)
    if (stages.isDraining()) return reject(turn, recognised, 'shutting_down', stages)
    const provider = providers.get(recognised.provider)
    if (provider === undefined) return reject(turn, recognised, 'unknown_provider', stages)
    if (isForeign(inbound.headers, provider, turn.state.policy.access, turn.isLoopbackOnly))
      return reject(turn, recognised, 'forbidden_origin', stages)
    if (recognised.api === 'passthrough') {
      if (recognised === asked) return passThrough(turn, recognised, provider, stages, brokenBy)
      inbound.rawHeaders = withoutAccount(inbound.rawHeaders)
      const inboundHeaders = inboundFrom(recognised.provider, asked, stages)
      return passThrough(turn, recognised, provider, { ...stages, inboundHeaders }, brokenBy)
    }
    const answerTo = guarded((received: Received) => {
      answer(turn, received, recognised, provider, stages, active, brokenBy, failed)
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
  active: ActiveCalls,
  brokenBy: () => ErrorCode | undefined,
  failed: (bug: unknown) => void,
): void {
  const { inbound, response } = turn
  if (received.kind === 'rejected') return reject(turn, recognised, received.error, stages)
  if (received.kind === 'gone')
    return recordRejected(turn, recognised, brokenBy() ?? 'client_closed', stages, received.receivedBytes)
  const { bytes } = received
  const bodyAt = stages.world.monotonic()
  const go = ({ reading, body }: ReadWhole): void => {
    // Its close has gone by while the body was decoded: the relay would wait for it in vain.
    if (response.destroyed) return recordRejected(turn, recognised, 'client_closed', stages, bytes.length)
    const request = readRequest(turn.id, inbound, recognised, reading, bytes.length)
    const { decision, inputs } = decideFor(turn, request, body.plain, bodyAt, stages)
    if ('refused' in decision) return refuse(turn, request, decision, inputs, stages)
    if (inputs !== undefined && isForeignTo(turn, decision))
      return turnAway(turn, request, decision, inputs, 'forbidden_origin', stages)
    dispatch(turn, { request, decision, inputs, body, bodyAt }, active, stages, brokenBy)
  }
  const encoding = encodingOf(inbound.headers['content-encoding'])
  if (encoding === '') {
    const reading = readBody(recognised.api, bytes, provider.supportsIncludeUsage)
    return go({ reading, body: { wire: bytes, plain: bytes } })
  }
  readDecoded(bytes, encoding, recognised, provider, turn.state.policy.limits).then(go).catch(failed)
}

/** A page that may use the mount with its own key may not spend the server's where a route leads elsewhere. */
function isForeignTo({ inbound, state, isLoopbackOnly }: WebTurn, { targets }: Decision): boolean {
  const { providers, access } = state.policy
  return targets.some((target) => {
    const provider = providers.get(target.provider)
    return provider !== undefined && isForeign(inbound.headers, provider, access, isLoopbackOnly)
  })
}

/** Whether a page must not be sent to the candidate of the rollout that it would be part of, on whichever arm it is. */
function isForeignToRollout({ inbound, state, isLoopbackOnly }: WebTurn, { rollout }: Decision | Refusal): boolean {
  if (rollout === undefined) return false
  const { rollouts, providers, access } = state.policy
  const candidate = rollouts.find(({ name }) => name === rollout.name)?.candidate
  const provider = candidate === undefined ? undefined : providers.get(candidate.provider)
  return provider !== undefined && isForeign(inbound.headers, provider, access, isLoopbackOnly)
}

type Deciding = { readonly decision: Decision | Refusal; readonly inputs: DecisionInputs | undefined }

/**
 * Where the request goes. A policy without routes costs nothing here; nor does it say anything of a body that cannot be
 * read, which goes on as it came.
 */
function decideFor(
  turn: WebTurn,
  request: LlmRequest,
  plain: Buffer | undefined,
  now: MonotonicMs,
  stages: Stages,
): Deciding {
  const { state, inbound, arrival } = turn
  const router = routerOf(state.policy.routing)
  if (router.isEmpty || plain === undefined || request.shape.unreadable !== undefined) {
    return { decision: decide(request, state), inputs: undefined }
  }
  const { previousResponseId } = request.shape
  const pin = previousResponseId === undefined ? undefined : turn.pins.find(previousResponseId)
  const read = requestFacts(request, inbound.headers, plain, router, arrival.at, pin)
  const armPins = state.rollouts === undefined ? undefined : stages.armPins.find(read.unit, arrival.at)
  const facts = armPins === undefined ? read : { ...read, armPins }
  const inputs = {
    facts,
    health: stages.health.view(targetKeys(router), now, request.client.keySubject),
  }
  const dealt = decideRoute(facts, state, inputs.health, stages.knownModel)
  // Whoever may not have the candidate is no part of its rollout: turned away, he would count as its failure.
  const decision = isForeignToRollout(turn, dealt)
    ? decideRoute(facts, { ...state, rollouts: undefined }, inputs.health, stages.knownModel)
    : dealt
  const { arm, rollout } = decision
  if (rollout !== undefined && arm !== 'none') {
    stages.armPins.keep(facts.unit, { rollout: rollout.name, epoch: rollout.epoch, arm }, arrival.at)
  }
  return { decision, inputs }
}

type ReadWhole = { readonly reading: BodyReading; readonly body: AskedBody }

/** Reads a copy of a compressed body; the decoded one goes upstream only where bytes must be changed in it. */
async function readDecoded(
  wire: Buffer,
  encoding: string,
  { api }: Recognised,
  provider: Provider,
  limits: Limits,
): Promise<ReadWhole> {
  const decoded = await decodeBounded(wire, encoding, limits.maxBodyBytes)
  if (decoded.kind === 'failed') return { reading: unread(decoded.why), body: { wire, plain: undefined } }
  return {
    reading: readBody(api, decoded.bytes, provider.supportsIncludeUsage),
    body: { wire, plain: decoded.bytes },
  }
}
