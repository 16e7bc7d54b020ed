import type { AnsweredPair, CompareOutcome, LiveAnswer } from './answered.ts'
import type { Attempt, Exchange } from './exchange.ts'
import type { CapturedContent } from './content.ts'
import type { CallCost } from './cost.ts'
import type { Pair } from './pair.ts'
import type { EndedCall } from './routing/ended-call.ts'
import type { HealthView } from './routing/target-health.ts'
import type { Api } from './request.ts'
import type { Score } from './score.ts'
import type { TraceParent } from './trace-context.ts'
import type { Usage } from './usage.ts'
import type { EpochMs, MonotonicMs, RequestId, Unit } from './units.ts'

/** Clock and randomness, the only two things a decision may not find for itself. Fixed values in tests. */
export type World = {
  /** Wall clock. */
  readonly now: () => EpochMs
  /** For durations: never jumps with the wall clock. */
  readonly monotonic: () => MonotonicMs
  /** UUIDv7: the only source of randomness; every draw is a hash of it. */
  readonly newId: () => RequestId
}

/** One immutable value that many read and few replace. A request reads it once and keeps what it read. */
export type Cell<T> = {
  readonly current: () => T
  readonly swap: (next: (previous: T) => T) => void
  /** Calls `listener` after each swap, synchronously, in order. Returns the unsubscribe. */
  readonly subscribe: (listener: (value: T) => void) => () => void
}

/**
 * Takes the record of one finished request. `release` is called once, within the same turn of the event loop or
 * the next, when the rows are in the spool or known not to fit; the response's last bytes wait for it, and for
 * nothing else. Never throws.
 */
export type Recorder = {
  /** `content`: what was said, where the policy asks for it; its row is made later, and `release` does not wait for it. */
  readonly record: (exchange: Exchange, release: () => void, content?: CapturedContent) => void
}

/**
 * The `traceparent` of one call to a provider, so that the provider's spans hang below ours; undefined while no spans
 * are exported.
 */
export type Propagate = (
  requestId: RequestId,
  attemptId: RequestId,
  parent: TraceParent | undefined,
) => string | undefined

/** Looks at every finished exchange (metrics, log line). Never throws, never waits. */
export type Observer = (exchange: Exchange) => void

/** Keeps how targets fare. On the path of every routed request: never throws, never waits. */
export type HealthSource = {
  /**
   * Those of `keys` that are not healthy, as read for one decision. Reading claims nothing: a target is `probing` for
   * everyone who asks until the call that is the probe has begun, and `open` again while that is under way. `clientKey`:
   * whose limits count; undefined: anybody's.
   */
  readonly view: (keys: readonly string[], now: MonotonicMs, clientKey?: string) => HealthView
  /**
   * A call to the target begins, before it waits for a slot; where a probe is due, this is it, and its number comes
   * back, to be given to `ended`: calls that began earlier end meanwhile, and say nothing of how the target is now.
   */
  readonly begun: (key: string, now: MonotonicMs) => number | undefined
  /** Told once for each `begun`, as soon as the call has ended and before the next one for the same request begins. */
  readonly ended: (call: EndedCall) => void
  /** Told of a call that no route has to do with, for what the answer says of the provider's limits. */
  readonly heard: (call: EndedCall) => void
}

/**
 * Takes two answers to one request for comparing, off the path of any request. `settled` is called once: at once with
 * `queue_full`, else when the first rows about the pair are in the spool, or known not to fit. Never throws, never waits.
 */
export type Compare = (pair: AnsweredPair, settled: (outcome: CompareOutcome) => void) => void

/** A call to a judge that was made, for its row. */
export type JudgeCall = {
  readonly traceId: RequestId
  readonly api: Api
  readonly attempt: Attempt
  readonly route: string
  readonly task: string
  readonly policyVersion: string
}

/**
 * Takes scores, pairs and calls to judges to be kept. `release` is called once, when they are in the spool or known not
 * to fit. Never throws, never waits.
 */
export type RecordScores = (
  rows: {
    readonly scores?: readonly Score[]
    readonly pairs?: readonly Pair[]
    readonly judgeCalls?: readonly JudgeCall[]
  },
  release: () => void,
) => void

/** What becomes of live answers that someone wants scored. Neither of them throws or waits. */
export type LiveScoring = {
  /**
   * Whether the answer to this request is in the sample; only then is it worth keeping its bytes. `leastShare`: of such
   * answers at least so many are wanted, as by a rollout that compares them.
   */
  readonly wants: (traceId: RequestId, route: string, task: string, leastShare: Unit) => boolean
  readonly offer: (answer: LiveAnswer) => void
}

/** What a call cost at the rates in force at `at`; undefined rates are `unpriced`, never zero. */
export type PriceCall = (call: PricedCall) => CallCost

export type PricedCall = {
  /** Its name in the config: overrides go by it, and the price book knows what it is priced as. */
  readonly provider: string
  readonly model: string
  readonly usage: Usage | undefined
  readonly at: EpochMs
}

/** A request to a path of the data port that is the proxy's own. */
export type OwnRequest = {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** As of `ClientFacts`. */
  readonly keySubject: string
  readonly body: Buffer
}

export type OwnAnswer = { readonly status: number; readonly json: unknown }

/** Answers a request of the proxy's own; undefined = there is nothing at this path. Never rejects. */
export type AnswerOwn = (request: OwnRequest) => Promise<OwnAnswer | undefined>

/** Reads one trace for whoever made it; `json` is all of it. */
export type ReadOwnTrace = (id: RequestId) => Promise<
  | {
      readonly kind: 'ok'
      readonly trace: Readonly<Record<string, unknown>> | undefined
      readonly json: unknown
    }
  | { readonly kind: 'unavailable' }
>

/** A structured log line: an event name and its fields. Never given a key, a header or a body. */
export type Log = {
  readonly info: (event: string, fields?: Readonly<Record<string, unknown>>) => void
  readonly warn: (event: string, fields?: Readonly<Record<string, unknown>>) => void
  readonly error: (event: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** Something that was opened and must be closed; closing twice is the same as once. */
export type Closable = { readonly close: () => Promise<void> }
