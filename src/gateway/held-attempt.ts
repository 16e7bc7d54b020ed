import type { ServerResponse } from 'node:http'
import type { SseEvent } from '../dialects/answer.ts'
import { createFirstEventJudge, type FirstEvent } from '../dialects/first-event.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { Provider } from '../domain/policy.ts'
import type { LlmRequest, RawHeaders } from '../domain/request.ts'
import type { TargetFault } from '../domain/routing/ended-call.ts'
import type { FallbackRules, FallbackTrigger } from '../domain/routing/route.ts'
import type { EpochMs, MonotonicMs } from '../domain/units.ts'
import type { SendUpstream } from '../domain/upstream-call.ts'
import { readHead } from './answer-head.ts'
import { type Blame, faultByOutcome, faultOf, faultOfFailure } from './attempt-fault.ts'
import { isReadable } from './encoding.ts'
import { guarded } from './guarded.ts'
import { HeldOutlet } from './held-outlet.ts'
import type { Outbound } from './outbound.ts'
import { Relay } from './relay.ts'
import type { Relayed } from './relayed.ts'

/** So much of an answer is held back at most: what is longer goes to the client as it comes, good or bad. */
const MAX_HELD_BYTES = 256 * 1024

/** One call whose answer may yet be given up for another's. */
export type HeldAttemptJob = {
  readonly request: LlmRequest
  readonly response: ServerResponse
  readonly rules: FallbackRules
  /** A fallback that refuses what the primary might have answered has failed, whosever fault it is. */
  readonly isFallback: boolean
  readonly blame: Blame
  /** Whether another target could be tried: a slow answer is not given up for nothing. */
  readonly hasNext: boolean
  readonly now: () => EpochMs
  readonly monotonic: () => MonotonicMs
  readonly inboundHeaders: (raw: RawHeaders) => string[]
  readonly ownHeaders: () => readonly string[]
  /** As in `RelayJob`. */
  readonly keep: ((chunk: Buffer) => void) | undefined
  readonly fail: (error: ErrorCode) => void
  readonly cutBy: () => ErrorCode | undefined
  /** The answer is the client's, and all of it is known; its last bytes go out when `release` is called. */
  readonly served: (relayed: Relayed, fault: TargetFault | undefined, release: () => void) => void
  /** Nothing has reached the client. `trigger`: what the route does about it; undefined = nothing, or the client left. */
  readonly failed: (relayed: Relayed, fault: TargetFault | undefined, trigger: FallbackTrigger | undefined) => void
  readonly crashed: (bug: unknown) => void
}

/** Sends one call and holds its answer back until it is known to be good enough for the client, or not to be. */
export class HeldAttempt {
  readonly #job: HeldAttemptJob
  readonly #relay: Relay
  #outlet: HeldOutlet | undefined
  #judge: ((event: SseEvent) => FirstEvent) | undefined
  /** Once `passes`, the answer goes to the client. */
  #verdict: 'open' | 'passes' | 'fails' = 'open'
  /** What the target did wrong, and what the route does about it. */
  #fault: TargetFault | undefined
  #trigger: FallbackTrigger | undefined
  #isReadable: boolean | undefined
  #timer: NodeJS.Timeout | undefined
  #release: (() => void) | undefined

  constructor(job: HeldAttemptJob, injectsUsage: boolean) {
    this.#job = job
    const { request } = job
    this.#relay = new Relay({
      request,
      injectsUsage,
      response: job.response,
      monotonic: job.monotonic,
      inboundHeaders: job.inboundHeaders,
      ownHeaders: () => [], // told when it is known whose answer goes out
      hold: (open) => (this.#outlet = new HeldOutlet(open, () => this.#settle())),
      onEvent: request.isStream ? (event) => this.#hear(event) : undefined,
      keep: job.keep,
      onLost: () => this.#pass(),
      cutBy: job.cutBy,
      fail: job.fail,
      conclude: (relayed, release) => this.#concluded(relayed, release),
      crashed: (bug) => {
        clearTimeout(this.#timer)
        job.crashed(bug)
      },
    })
  }

  start(send: SendUpstream, provider: Provider, { request }: Outbound): void {
    const slow = this.#job.hasNext ? slowness(this.#job.request, this.#job.rules) : undefined
    if (slow !== undefined) {
      const { trigger, afterMs } = slow
      this.#timer = setTimeout(
        guarded(() => this.#tooSlow(trigger), this.#job.crashed),
        afterMs,
      )
    }
    this.#relay.attach(send(provider, request, this.#relay))
  }

  clientClosed(): void {
    this.#relay.clientClosed()
  }

  /** Gives the failed answer after all, as it came, with `ownHeaders`. Its body goes out with `release`. */
  give(ownHeaders: readonly string[]): () => void {
    this.#outlet?.commit(ownHeaders, true)
    return () => this.#release?.()
  }

  #hear(event: SseEvent): void {
    if (this.#verdict !== 'open' || this.#outlet === undefined) return
    const { request, now } = this.#job
    this.#judge ??= createFirstEventJudge(request.api, this.#outlet.headers, now())
    const seen = this.#judge(event)
    if (seen.kind === 'wait') return
    this.#fault = seen.kind === 'failed' ? faultOfFailure(seen.failure, this.#job.blame) : undefined
    if (seen.kind === 'failed') this.#trigger = this.#triggerOf(this.#fault)
    this.#verdict = this.#trigger === undefined ? 'passes' : 'fails'
    // The bytes that the event came in are not held yet; those of a compressed stream were before it could be read.
    queueMicrotask(guarded(() => this.#settle(), this.#job.crashed))
  }

  /** What cannot be read cannot be judged, and must not wait until somebody does. */
  #pass(): void {
    if (this.#verdict !== 'open') return
    this.#verdict = 'passes'
    queueMicrotask(guarded(() => this.#settle(), this.#job.crashed))
  }

  /** What the route does about a failed answer; undefined = it is the client's. */
  #triggerOf(fault: TargetFault | undefined): FallbackTrigger | undefined {
    const { rules, isFallback } = this.#job
    if (fault !== undefined && rules.on.has(fault.trigger)) return fault.trigger
    return isFallback ? 'error' : undefined
  }

  #settle(): void {
    const outlet = this.#outlet
    if (outlet === undefined || outlet.isCommitted || this.#release !== undefined) return
    if (this.#verdict === 'open' && this.#job.request.isStream) this.#verdict = this.#readable(outlet)
    if (this.#verdict === 'passes' || outlet.heldBytes > MAX_HELD_BYTES) {
      if (!this.#commit(outlet)) this.#relay.abandon(UNSENDABLE)
    }
    // A refusal is heard out: it is short, and what it cost is told at its end.
    else if (this.#verdict === 'fails' && this.#trigger !== 'refusal') this.#relay.abandon(undefined)
  }

  /** A stream that nobody here can read must not wait until somebody does. */
  #readable(outlet: HeldOutlet): 'open' | 'passes' {
    this.#isReadable ??= isReadable(readHead(outlet.headers).encoding)
    return this.#isReadable ? 'open' : 'passes'
  }

  /** False where its head cannot be sent on; then nothing has been. */
  #commit(outlet: HeldOutlet): boolean {
    clearTimeout(this.#timer)
    try {
      outlet.commit(this.#job.ownHeaders())
      return true
    } catch {
      return false
    }
  }

  #tooSlow(trigger: 'slow_answer' | 'slow_first_token'): void {
    if (this.#outlet?.isCommitted === true || this.#verdict === 'fails') return
    const before = this.#verdict
    this.#verdict = 'fails'
    this.#trigger = trigger
    this.#fault = { trigger, retryAfterMs: undefined }
    if (this.#relay.abandon({ kind: 'unavailable', error: trigger, mayHaveRun: this.#relay.hasStarted })) return
    // It had just ended, and is only not decoded yet.
    this.#verdict = before
    this.#trigger = undefined
    this.#fault = undefined
  }

  #concluded(relayed: Relayed, release: () => void): void {
    clearTimeout(this.#timer)
    const { request, rules, blame, now, served, failed } = this.#job
    const outlet = this.#outlet
    if (outlet?.isCommitted === true) return served(relayed, this.#fault ?? faultByOutcome(relayed.outcome), release)
    this.#release = release
    if (this.#verdict === 'open' && relayed.outcome.kind !== 'cancelled') {
      this.#fault = faultOf(relayed, outlet?.chunks() ?? [], request, rules, blame, now())
      if (this.#fault !== undefined || relayed.outcome.kind !== 'completed')
        this.#trigger = this.#triggerOf(this.#fault)
    }
    if (this.#trigger !== undefined || outlet === undefined || relayed.outcome.kind === 'cancelled') {
      return failed(relayed, this.#fault, this.#trigger)
    }
    if (this.#commit(outlet)) return served(relayed, this.#fault, release)
    failed({ ...relayed, outcome: UNSENDABLE }, { trigger: 'error', retryAfterMs: undefined }, 'error')
  }
}

/** An answer whose head no client can be sent. */
const UNSENDABLE: AttemptOutcome = { kind: 'unavailable', error: 'upstream_protocol', mayHaveRun: true }

/** What makes a call too slow, and when. */
function slowness(
  { isStream }: LlmRequest,
  { on, firstTokenTimeoutMs, answerTimeoutMs }: FallbackRules,
): { readonly trigger: 'slow_answer' | 'slow_first_token'; readonly afterMs: number } | undefined {
  const trigger = isStream ? 'slow_first_token' : 'slow_answer'
  return on.has(trigger) ? { trigger, afterMs: isStream ? firstTokenTimeoutMs : answerTimeoutMs } : undefined
}
