import type { Cost } from './cost.ts'
import type { Decision, Refusal } from './decide.ts'
import type { ErrorCode } from './errors.ts'
import type { LlmRequest } from './request.ts'
import type { DecisionInputs } from './routing/replay.ts'
import type { FallbackTrigger } from './routing/route.ts'
import type { ShadowArm } from './shadow/shadow.ts'
import type { Target } from './target.ts'
import type { EpochMs, RequestId } from './units.ts'
import type { Usage } from './usage.ts'

/** How one upstream call ended. Only `unavailable` may be replayed: nothing of it has reached the client. */
export type AttemptOutcome =
  | { readonly kind: 'completed'; readonly status: number }
  /** The upstream answered, with an error that is the client's to fix or the provider's own word (status ≥ 400). */
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly error: ErrorCode
      readonly errorType: string | undefined
    }
  /** No answer came. `mayHaveRun`: the request had been sent, so the provider may have done (and billed) the work. */
  | { readonly kind: 'unavailable'; readonly error: ErrorCode; readonly mayHaveRun: boolean }
  /** The answer was cut after its headers had come. */
  | { readonly kind: 'interrupted'; readonly status: number; readonly error: ErrorCode }
  /** The client went away. `status` is what the upstream had said by then. */
  | { readonly kind: 'cancelled'; readonly status: number | undefined }

export type AttemptRole = 'primary' | 'fallback' | 'cascade' | 'shadow' | 'judge' | 'classifier'

/** One upstream call. Durations in milliseconds from the attempt's start. */
export type Attempt = {
  readonly id: RequestId
  readonly role: AttemptRole
  readonly target: Target
  /** Of role `shadow`: whose call it is, and the id of the call that it is held against. */
  readonly shadow?: { readonly name: string; readonly arm: ShadowArm; readonly pairedWith: RequestId } | undefined
  /** Why the call before it was left: of every call but the first. */
  readonly fallbackReason?: FallbackTrigger | undefined
  /** What was changed in the body to please the target's model: `dropped:temperature` …; undefined = nothing. */
  readonly adaptations?: readonly string[] | undefined
  readonly startedAt: EpochMs
  readonly durationMs: number
  /** Spent waiting for a free slot of the provider's concurrency limit, before the call. */
  readonly queueMs: number
  /** To the response's first header byte. */
  readonly firstByteMs: number | undefined
  /** To the first event that carries content (streams), or to the body's first byte. */
  readonly firstTokenMs: number | undefined
  readonly outcome: AttemptOutcome
  /** Model named in the response. */
  readonly servedModel: string | undefined
  readonly providerRequestId: string | undefined
  /** The provider's own id of the answer (`chatcmpl-…`, `msg_…`). */
  readonly responseId: string | undefined
  readonly finishReason: string | undefined
  readonly usage: Usage | undefined
  readonly cost: Cost
  readonly responseBytes: number
  /** Events of an SSE answer; undefined for a plain one. */
  readonly streamEvents: number | undefined
}

/** One client request from its first byte to its last: what was asked, decided, tried and answered. */
export type Exchange = {
  readonly request: LlmRequest
  readonly receivedAt: EpochMs
  /** From the first header byte's arrival to the last byte handed to the client's socket. */
  readonly durationMs: number
  /** Of that, what the proxy itself added: everything but waiting for the client's body, a slot and the upstream. */
  readonly overheadMs: number
  readonly decision: Decision | Refusal
  /** What it rested on; undefined where the policy says nothing of routing. */
  readonly inputs?: DecisionInputs | undefined
  readonly attempts: readonly Attempt[]
  /** What the client saw: the status sent, or 0 when none was. */
  readonly status: number
  readonly outcome: ExchangeOutcome
  readonly error: ErrorCode | undefined
  readonly responseBytes: number
}

/** As `AttemptOutcome`, seen from the client; `rejected` = the proxy answered, no upstream was called. */
export type ExchangeOutcome = AttemptOutcome['kind'] | 'rejected'
