import type { ErrorCode } from './errors.ts'
import type { Provider } from './policy.ts'
import type { RawHeaders } from './request.ts'

/** What goes to a provider: headers already cleaned, body already final. */
export type OutboundRequest = {
  readonly method: string
  /** Path and query after the provider's base URL. */
  readonly path: string
  readonly headers: string[]
  readonly body: Uint8Array
}

/** Why no (whole) answer came. `mayHaveRun`: the request had left, so the provider may have done the work. */
export type UpstreamFailure = {
  readonly error: ErrorCode
  readonly mayHaveRun: boolean
  /** For the log, never for the client. */
  readonly detail: string
}

/**
 * Receives one upstream answer. Calls come in this order: `started`, `head`, `data` any number of times, then
 * one of `end` or `failed`; `failed` may come at any point and is the last. After `abort` nothing comes any more.
 */
export type UpstreamSink = {
  /** The call got its slot and is being sent. `queueMs`: how long it waited for that. */
  readonly started: (queueMs: number) => void
  readonly head: (status: number, statusText: string, headers: RawHeaders) => void
  /** False = stop sending until `resume` is called. */
  readonly data: (chunk: Buffer) => boolean
  readonly end: (trailers: RawHeaders) => void
  readonly failed: (failure: UpstreamFailure) => void
}

/** A call under way. */
export type UpstreamCall = {
  /** Closes the upstream connection (or leaves the queue); the sink hears nothing further. */
  readonly abort: () => void
  readonly resume: () => void
}

/** Sends `request` to `provider`, waiting for a free slot first. Never throws. */
export type SendUpstream = (provider: Provider, request: OutboundRequest, sink: UpstreamSink) => UpstreamCall
