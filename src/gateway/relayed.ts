import type { ServerResponse } from 'node:http'
import type { Answer, SseEvent } from '../dialects/answer.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { LlmRequest, RawHeaders } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { Outlet } from './outlet.ts'

/** How one upstream call went, as far as relaying it could see. Times on the monotonic clock. */
export type Relayed = {
  readonly outcome: AttemptOutcome
  /** Undefined when the call never got a slot: then no upstream was called. */
  readonly startedAt: MonotonicMs | undefined
  readonly queueMs: number
  readonly headAt: MonotonicMs | undefined
  readonly tokenAt: MonotonicMs | undefined
  readonly endedAt: MonotonicMs
  readonly answer: Answer
  /** Of the answer as the upstream sent it; empty where none came. */
  readonly headers: RawHeaders
  readonly providerRequestId: string | undefined
  readonly responseBytes: number
  readonly streamEvents: number | undefined
  /** The status that the client has been, or is about to be, sent; 0 when it left before there was one. */
  readonly clientStatus: number
}

/** One answer to relay, and whom to tell of it. */
export type RelayJob = {
  readonly request: LlmRequest
  readonly response: ServerResponse
  /** Whether usage was asked for on the client's behalf, and must be taken out of what it sees. */
  readonly injectsUsage: boolean
  readonly monotonic: () => MonotonicMs
  readonly inboundHeaders: (raw: RawHeaders) => string[]
  /** Where the answer may yet be given up for another: makes the outlet that `open` would open, which holds all back. */
  readonly hold?: ((open: () => Outlet) => Outlet) | undefined
  /** Hears every event of a stream as soon as it can be read, before its bytes are passed on. */
  readonly onEvent?: ((event: SseEvent) => void) | undefined
  /** Takes the answer's decoded bytes, where they are kept. */
  readonly keep?: ((chunk: Buffer) => void) | undefined
  /** No more events can be read. */
  readonly onLost?: (() => void) | undefined
  /** Headers of our own for the response head. */
  readonly ownHeaders: () => readonly string[]
  /** Sends the proxy's own error answer; called only when nothing else was sent. */
  readonly fail: (error: ErrorCode) => void
  /** Why the proxy itself closed the client's connection; undefined where it did not. */
  readonly cutBy: () => ErrorCode | undefined
  /** Everything is known. The answer's last bytes go out when `release` is called. */
  readonly conclude: (relayed: Relayed, release: () => void) => void
  /** Something of ours threw. The upstream call has been given up; nothing comes any more. */
  readonly crashed: (bug: unknown) => void
}
