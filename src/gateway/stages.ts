import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Cell, Log, Observer, PriceCall, Propagate, Recorder, World } from '../domain/ports.ts'
import type { Provider } from '../domain/policy.ts'
import type { RawHeaders } from '../domain/request.ts'
import type { RoutingState } from '../domain/state.ts'
import type { SendUpstream, UpstreamFailure } from '../domain/upstream-call.ts'

/** Everything the request path needs from the other rooms; `compose.ts` fills it. */
export type Stages = {
  readonly world: World
  readonly state: Cell<RoutingState>
  readonly send: SendUpstream
  /** `traceparent`: what the client's is replaced by; undefined = the provider gets the client's own, or none. */
  readonly outboundHeaders: (raw: RawHeaders, provider: Provider, traceparent: string | undefined) => string[]
  readonly inboundHeaders: (raw: RawHeaders) => string[]
  readonly passThrough: PassThrough
  readonly price: PriceCall
  readonly recorder: Recorder
  readonly observe: Observer
  readonly propagate: Propagate
  readonly log: Log
  /** True once shutdown has begun: new requests are refused, those under way finish. */
  readonly isDraining: () => boolean
  /** A connection whose bytes could not be read as an HTTP request; there is no request to record. */
  readonly onBadFraming: () => void
}

/** What relaying an unread request tells its recorder. `done` comes once, last. */
export type PassThroughSink = {
  /** The response head, before it is written; returns the headers to send to the client. */
  readonly head: (status: number, headers: RawHeaders) => string[]
  /** Bytes of the request's body on their way up, and of the answer's on their way down. */
  readonly received: (count: number) => void
  readonly bytes: (count: number) => void
  /** All of the answer is here. The last bytes are held until `release` is called. */
  readonly end: (release: () => void) => void
  readonly failed: (failure: UpstreamFailure) => void
}

/** Relays requests that the proxy does not read, bodies streamed both ways. */
export type PassThrough = {
  readonly web: (
    request: IncomingMessage,
    response: ServerResponse,
    provider: Provider,
    upstreamPath: string,
    traceparent: string | undefined,
    sink: PassThroughSink,
  ) => void
  readonly upgrade: (
    request: IncomingMessage,
    head: Buffer,
    provider: Provider,
    upstreamPath: string,
    traceparent: string | undefined,
    sink: UpgradeSink,
  ) => void
}

/** What an upgraded connection tells its recorder; `closed` comes once. Bytes are counted from client to upstream and back. */
export type UpgradeSink = {
  readonly head: (status: number) => void
  /** No answer came; the client has been told nothing yet. */
  readonly failed: (failure: UpstreamFailure) => void
  readonly closed: (
    bytes: { readonly received: number; readonly sent: number },
    failure: UpstreamFailure | undefined,
  ) => void
}
