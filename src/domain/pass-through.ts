import type { RawHeaders } from './request.ts'
import type { UpstreamFailure } from './upstream-call.ts'

/**
 * What relaying an unread request tells its recorder. `started` comes first, or not at all where no slot was free; one
 * of `end` and `failed` comes last, once, unless the client leaves before.
 */
export type PassThroughSink = {
  /** The call got its slot and is being sent. `queueMs`: how long it waited for that. */
  readonly started: (queueMs: number) => void
  /** The response head, before it is written; returns the headers to send to the client, undefined = go no further. */
  readonly head: (status: number, headers: RawHeaders) => string[] | undefined
  /** Bytes of the request's body on their way up, and of the answer's on their way down. */
  readonly received: (count: number) => void
  readonly bytes: (count: number) => void
  /** All of the answer is here. The last bytes are held until `release` is called. */
  readonly end: (release: () => void) => void
  readonly failed: (failure: UpstreamFailure) => void
}

/** What an upgraded connection tells its recorder; `closed` comes once. Bytes are counted from client to upstream and back. */
export type UpgradeSink = {
  readonly started: (queueMs: number) => void
  readonly head: (status: number) => void
  /** No answer came; the client has been told nothing yet. */
  readonly failed: (failure: UpstreamFailure) => void
  readonly closed: (
    bytes: { readonly received: number; readonly sent: number },
    failure: UpstreamFailure | undefined,
  ) => void
}
