import type { Decision } from '../domain/decide.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { LlmRequest } from '../domain/request.ts'
import { fallbackRules } from '../domain/rollout/candidate-rules.ts'
import type { DecisionInputs } from '../domain/routing/replay.ts'
import { routerOf } from '../domain/routing/router.ts'
import type { FallbackRules } from '../domain/routing/route.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { ActiveCalls } from './active-calls.ts'
import { faultByOutcome } from './attempt-fault.ts'
import { Chain } from './chain.ts'
import { crash } from './crash.ts'
import { endedCall } from './ended-call.ts'
import { attemptOf, exchangeOf } from './exchange-of.ts'
import { keepAnswer } from './kept-answer.ts'
import { type AskedBody, outboundTo } from './outbound.ts'
import { ownHeaders } from './own-headers.ts'
import { Relay } from './relay.ts'
import type { Stages } from './stages.ts'
import { thenMirrored } from './then-mirrored.ts'
import type { WebTurn } from './turn.ts'
import { inboundFrom } from './without-account.ts'

/** A decided request, its body whole. */
export type Decided = {
  readonly request: LlmRequest
  readonly decision: Decision
  /** Undefined where the policy says nothing of routing. */
  readonly inputs: DecisionInputs | undefined
  readonly body: AskedBody
  readonly bodyAt: MonotonicMs
}

/** Sends a request where it was decided to go: at once where there is one way only, else down the chain of its targets. */
export function dispatch(
  turn: WebTurn,
  decided: Decided,
  active: ActiveCalls,
  stages: Stages,
  brokenBy: () => ErrorCode | undefined,
): void {
  const { inputs, decision } = decided
  const rules = inputs === undefined ? undefined : rulesOf(turn, decision)
  if (inputs === undefined || rules === undefined) return sendDirectly(turn, decided, stages, brokenBy)
  new Chain({ ...decided, inputs, turn, rules, stages, active, cutBy: brokenBy }).start()
}

/** The rules of a route that leave a choice; undefined where there is none. */
function rulesOf({ state }: WebTurn, decision: Decision): FallbackRules | undefined {
  const rules = routerOf(state.policy.routing).byName.get(decision.route)?.route.fallback
  if (rules === undefined || rules.on.size === 0 || rules.maxAttempts < 2) return undefined
  return decision.targets.length > 1 || rules.retries > 0 ? fallbackRules(decision, rules) : undefined
}

/** The answer is relayed as it comes: there is nobody else to ask. */
function sendDirectly(
  turn: WebTurn,
  { request, decision, inputs, body, bodyAt }: Decided,
  stages: Stages,
  brokenBy: () => ErrorCode | undefined,
): void {
  const { response, arrival, state } = turn
  const { world, health } = stages
  const [target] = decision.targets
  const { key } = target
  const attemptId = world.newId()
  const sentAt = world.monotonic()
  const task = inputs?.facts.labels.task ?? request.controls.task
  const own = (): string[] => ownHeaders(turn.id, decision, sentAt - bodyAt, task)
  const crashed = (bug: unknown): void =>
    crash(turn, request, bug, response.headersSent ? response.statusCode : undefined, stages)
  try {
    const provider = state.policy.providers.get(target.provider)
    if (provider === undefined) throw new Error(`provider ${target.provider} is not in the policy that chose it`)
    const {
      request: outbound,
      injectsUsage,
      adaptations,
    } = outboundTo(target, provider, request, body, attemptId, turn, stages)
    const probe = key === undefined ? undefined : health.begun(key, sentAt)
    const isCompared = stages.mirror.wants(request, decision)
    const kept = keepAnswer(state.policy, decision.route, target.provider, body.plain, isCompared)
    const relay = new Relay({
      request,
      injectsUsage,
      response,
      monotonic: world.monotonic,
      inboundHeaders: inboundFrom(target.provider, request, stages),
      ownHeaders: own,
      keep: kept?.feed,
      cutBy: brokenBy,
      fail: (error) => turn.client.tell(request.dialect, error, turn.id, own()),
      conclude: (relayed, release) => {
        const attempts =
          relayed.startedAt === undefined
            ? []
            : [attemptOf(attemptId, target, provider, relayed, arrival, stages.price, adaptations)]
        if (key !== undefined) {
          health.ended(endedCall(key, probe, provider, request, relayed, faultByOutcome(relayed.outcome)))
        } else if (provider.rateLimitHeaders !== undefined) {
          health.heard(endedCall(`${target.provider}/${target.model}`, probe, provider, request, relayed, undefined))
        }
        const marks = { bodyAt, now: world.monotonic() }
        const exchange = exchangeOf(request, decision, inputs, arrival, marks, attempts, relayed)
        const released = thenMirrored(release, exchange, body.plain, kept, turn, stages)
        turn.record.make(exchange, released, kept?.content(relayed.outcome.kind))
      },
      crashed,
    })
    response.on('close', () => relay.clientClosed())
    relay.attach(stages.send(provider, outbound, relay))
  } catch (bug) {
    crashed(bug)
  }
}
