import type { DecidedTarget } from '../domain/decide.ts'
import { ERRORS } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Attempt, AttemptOutcome, Exchange } from '../domain/exchange.ts'
import type { Provider } from '../domain/policy.ts'
import { isKeeperUnknown } from '../domain/routing/facts.ts'
import { drawFor } from '../domain/routing/draws.ts'
import type { TargetFault } from '../domain/routing/ended-call.ts'
import { nextStep } from '../domain/routing/retry.ts'
import type { FallbackTrigger } from '../domain/routing/route.ts'
import type { MonotonicMs, RequestId } from '../domain/units.ts'
import { blameOf, failedAttempt } from './attempt-fault.ts'
import type { ChainJob } from './chain-job.ts'
import { crash } from './crash.ts'
import { cutOutcome } from './cut-outcome.ts'
import { attemptOf, errorOf } from './exchange-of.ts'
import { endedCall } from './ended-call.ts'
import { guarded } from './guarded.ts'
import { HeldAttempt } from './held-attempt.ts'
import { keepAnswer, type KeptAnswer } from './kept-answer.ts'
import { type Outbound, outboundTo } from './outbound.ts'
import { ownHeaders } from './own-headers.ts'
import type { Relayed } from './relayed.ts'
import { thenMirrored } from './then-mirrored.ts'
import { inboundFrom } from './without-account.ts'

/** Tells an SDK that asking again, which it would do by itself, is of no use: everything has been tried. */
const NO_RETRY = ['x-should-retry', 'false']

/** As of any request that no upstream was called for: all were out of slots. */
const NO_ATTEMPTS: readonly Attempt[] = []

/** One call of the chain: what it was made for and with. */
type Call = {
  readonly id: RequestId
  readonly index: number
  readonly target: DecidedTarget
  readonly provider: Provider
  readonly reason: FallbackTrigger | undefined
  readonly isRepeat: boolean
  readonly outbound: Outbound
  /** The keeper of health's number of it, where the call is a probe. */
  readonly probe: number | undefined
  readonly kept: KeptAnswer | undefined
}

/** A call that failed, and its answer, as long as that may still be given. */
type FailedCall = { readonly call: Call; readonly held: HeldAttempt; readonly relayed: Relayed }

/**
 * Puts a request to one target after the other until one answers; nothing of an answer goes to the client before it is
 * known to be good enough, and nothing is tried any more once something has. When all fail, the client gets what the
 * first one said. Every way out leaves one record with all calls.
 */
export class Chain {
  readonly #job: ChainJob
  readonly #attempts: Attempt[] = []
  readonly #tried: number[] = []
  readonly #called: DecidedTarget[] = []
  #first: FailedCall | undefined
  #last: Call | undefined
  #current: HeldAttempt | undefined
  #backOff: NodeJS.Timeout | undefined
  /** Spent between calls on purpose. */
  #waitedMs = 0
  #firstSentAt: MonotonicMs | undefined
  #isRepeating = false
  /** Whether any call got a slot. */
  #isCalled = false
  #isGone = false
  #isOver = false

  constructor(job: ChainJob) {
    this.#job = job
  }

  start(): void {
    const { active, turn } = this.#job
    active.begin()
    turn.response.on(
      'close',
      guarded(() => this.#clientClosed(), this.#crashed),
    )
    try {
      this.#call(0, undefined, false)
    } catch (bug) {
      this.#crashed(bug)
    }
  }

  #call(index: number, reason: FallbackTrigger | undefined, isRepeat: boolean): void {
    const { turn, request, decision, rules, body, stages, cutBy } = this.#job
    const { world, health } = stages
    const target = decision.targets[index]
    const provider = target === undefined ? undefined : turn.state.policy.providers.get(target.provider)
    if (target === undefined || provider === undefined) throw new Error(`target ${index} of ${decision.route} is gone`)
    const id = world.newId()
    this.#tried.push(index)
    this.#called.push(target)
    this.#firstSentAt ??= world.monotonic()
    const outbound = outboundTo(target, provider, request, body, id, turn, stages)
    const probe = target.key === undefined ? undefined : health.begun(target.key, world.monotonic())
    const kept = keepAnswer(
      turn.state.policy,
      decision.route,
      target.provider,
      body.plain,
      stages.mirror.wants(request, decision),
    )
    const call = { id, index, target, provider, reason, isRepeat, outbound, probe, kept }
    this.#last = call
    const held: HeldAttempt = new HeldAttempt(
      {
        request,
        response: turn.response,
        rules,
        isFallback: index > 0,
        blame: blameOf(request, target, provider),
        hasNext: this.#hasNext(),
        now: world.now,
        monotonic: world.monotonic,
        inboundHeaders: inboundFrom(target.provider, request, stages),
        ownHeaders: () => this.#ownHeaders(target, reason),
        keep: kept?.feed,
        fail: () => undefined, // whose error the client gets is told at the end of the chain
        cutBy,
        served: (relayed, fault, release) => {
          this.#ended(call, relayed, fault)
          this.#record(relayed, errorOf(relayed.outcome), relayed.clientStatus, release)
        },
        failed: (relayed, fault, trigger) => {
          this.#ended(call, relayed, fault)
          this.#failed({ call, held, relayed }, fault, trigger)
        },
        crashed: this.#crashed,
      },
      outbound.injectsUsage,
    )
    this.#current = held
    held.start(stages.send, provider, outbound)
  }

  /** Whether a slow target could be left for another. */
  #hasNext(): boolean {
    const { rules, decision, inputs } = this.#job
    if (isKeeperUnknown(inputs.facts.stored)) return false
    return this.#tried.length < rules.maxAttempts && Math.max(...this.#tried) + 1 < decision.targets.length
  }

  #ended(call: Call, relayed: Relayed, fault: TargetFault | undefined): void {
    const { turn, request, stages } = this.#job
    this.#isCalled ||= relayed.startedAt !== undefined
    const { id, index, target, provider, reason, outbound, isRepeat, probe } = call
    this.#current = undefined
    if (isRepeat) this.#endRepeat()
    const attempt = attemptOf(id, target, provider, relayed, turn.arrival, stages.price)
    this.#attempts.push({
      ...attempt,
      role: index === 0 ? 'primary' : 'fallback',
      fallbackReason: reason,
      adaptations: outbound.adaptations,
    })
    if (target.key !== undefined) {
      stages.health.ended(endedCall(target.key, probe, provider, request, relayed, fault))
    }
  }

  #failed(failure: FailedCall, fault: TargetFault | undefined, trigger: FallbackTrigger | undefined): void {
    const { rules, decision, active, request, inputs, turn } = this.#job
    const { call, relayed } = failure
    if (this.#isGone || relayed.outcome.kind === 'cancelled') return this.#left()
    this.#first ??= failure
    const step = nextStep(
      rules,
      decision.targets.length,
      this.#tried,
      failedAttempt(relayed, fault, trigger, request, inputs.facts, turn.arrival.monotonicMs),
      active,
      drawFor(call.id, 'jitter'),
    )
    switch (step.kind) {
      case 'next':
        return this.#call(step.target, step.trigger, false)
      case 'again':
        return this.#wait(step.delayMs, () => this.#call(step.target, step.trigger, true))
      case 'stop':
        return this.#exhausted(trigger === undefined ? [] : NO_RETRY)
    }
  }

  #wait(delayMs: number, then: () => void): void {
    this.#job.active.repeat()
    this.#isRepeating = true
    this.#waitedMs += delayMs
    this.#backOff = setTimeout(guarded(then, this.#crashed), delayMs)
  }

  /** The client gets what the first target said, or that it said nothing. */
  #exhausted(noRetry: readonly string[]): void {
    const first = this.#first
    if (first === undefined) throw new Error('nothing has been tried')
    const { call, held, relayed } = first
    this.#last = call
    const own = [...this.#ownHeaders(call.target, this.#attempts.at(-1)?.fallbackReason), ...noRetry]
    const { turn, request } = this.#job
    const error = errorOf(relayed.outcome)
    const isCut = relayed.outcome.kind === 'unavailable' || relayed.outcome.kind === 'interrupted'
    if (error !== undefined && isCut && ERRORS[error].status > 0) {
      const outcome: AttemptOutcome = { kind: 'unavailable', error, mayHaveRun: true }
      const tell = (): void => turn.client.tell(request.dialect, error, turn.id, own)
      return this.#record({ outcome, responseBytes: 0 }, error, ERRORS[error].status, tell)
    }
    this.#record(relayed, error, relayed.clientStatus, held.give(own))
  }

  #clientClosed(): void {
    this.#isGone = true
    if (this.#isOver) return
    if (this.#current !== undefined) return this.#current.clientClosed()
    clearTimeout(this.#backOff)
    this.#left()
  }

  /** The client is gone, and has seen nothing. */
  #left(): void {
    const outcome = cutOutcome(undefined, this.#job.cutBy(), true)
    this.#record({ outcome, responseBytes: 0 }, errorOf(outcome), 0, () => undefined)
  }

  #record(
    { outcome, responseBytes }: Pick<Relayed, 'outcome' | 'responseBytes'>,
    error: ErrorCode | undefined,
    status: number,
    release: () => void,
  ): void {
    if (this.#isOver) return
    this.#over()
    const { turn, request, decision, inputs, body, bodyAt, stages } = this.#job
    const now = stages.world.monotonic()
    const elsewhereMs = this.#attempts.reduce((sum, { durationMs, queueMs }) => sum + durationMs + queueMs, 0)
    const exchange: Exchange = {
      request,
      receivedAt: turn.arrival.at,
      durationMs: now - turn.arrival.monotonicMs,
      overheadMs: Math.max(0, now - bodyAt - elsewhereMs - this.#waitedMs),
      decision,
      inputs,
      attempts: this.#isCalled ? this.#attempts : NO_ATTEMPTS,
      status,
      outcome: this.#isCalled || outcome.kind === 'cancelled' ? outcome.kind : 'rejected',
      error,
      responseBytes,
    }
    const kept = this.#last?.kept
    const released = thenMirrored(release, exchange, body.plain, kept, turn, stages)
    turn.record.make(exchange, released, kept?.content(outcome.kind))
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#endRepeat()
    this.#job.active.end()
  }

  #endRepeat(): void {
    if (this.#isRepeating) this.#job.active.repeated()
    this.#isRepeating = false
  }

  readonly #crashed = (bug: unknown): void => {
    const { turn, request, stages } = this.#job
    this.#over()
    clearTimeout(this.#backOff)
    const { response } = turn
    crash(turn, request, bug, response.headersSent ? response.statusCode : undefined, stages)
  }

  #ownHeaders(target: DecidedTarget, fallbackReason: FallbackTrigger | undefined): string[] {
    const { turn, decision, inputs, bodyAt } = this.#job
    const overheadMs = (this.#firstSentAt ?? bodyAt) - bodyAt
    const tried = { target, called: this.#called, fallbackReason }
    return ownHeaders(turn.id, decision, overheadMs, inputs.facts.labels.task, tried)
  }
}
