import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassThroughSink, UpgradeSink } from '../domain/pass-through.ts'
import type {
  AnswerOwn,
  Cell,
  HealthSource,
  Log,
  Observer,
  PriceCall,
  Propagate,
  Recorder,
  World,
} from '../domain/ports.ts'
import type { Provider } from '../domain/policy.ts'
import type { ArmPins } from '../domain/rollout/arm-pins.ts'
import type { KnownModel } from '../domain/routing/eligible.ts'
import type { RawHeaders } from '../domain/request.ts'
import type { Mirror } from '../domain/shadow/mirror.ts'
import type { RoutingState } from '../domain/state.ts'
import type { SendUpstream } from '../domain/upstream-call.ts'

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
  readonly health: HealthSource
  readonly knownModel: KnownModel
  readonly armPins: ArmPins
  readonly recorder: Recorder
  readonly mirror: Mirror
  readonly answerOwn: AnswerOwn
  readonly observe: Observer
  readonly propagate: Propagate
  readonly log: Log
  /** True once shutdown has begun: new requests are refused, those under way finish. */
  readonly isDraining: () => boolean
  /** A connection whose bytes could not be read as an HTTP request; there is no request to record. */
  readonly onBadFraming: () => void
  /** Connections of clients that may be open at the same time; a further one is closed and reported. */
  readonly maxConnections: number
  readonly onConnectionRefused: () => void
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
