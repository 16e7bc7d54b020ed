import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import type { EpochMs } from '../domain/units.ts'

/** Whose spans they are: what every one of them says about the process and the code that made it. */
export type SpanOwner = Pick<ReadableSpan, 'resource' | 'instrumentationScope'>

/** What a span says, asked for when it is sent: the request that it is about has gone on by then. */
export type SpanFacts = {
  readonly name: string
  readonly status: SpanStatus
  readonly attributes: Attributes
  readonly events: readonly { readonly name: string; readonly at: EpochMs }[]
}

export type SpanFrame = {
  readonly kind: SpanKind
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly startedAt: EpochMs
  readonly durationMs: number
}

/**
 * A span of something that is already over, as an exporter takes it. A class for its prototype: the same as an object
 * with accessors of its own costs ten times as much, and that before the client gets its last byte.
 */
export class FinishedSpan implements ReadableSpan {
  readonly resource: ReadableSpan['resource']
  readonly instrumentationScope: ReadableSpan['instrumentationScope']
  readonly #frame: SpanFrame
  readonly #facts: () => SpanFacts
  #known: SpanFacts | undefined

  constructor(frame: SpanFrame, facts: () => SpanFacts, owner: SpanOwner) {
    this.#frame = frame
    this.#facts = facts
    this.resource = owner.resource
    this.instrumentationScope = owner.instrumentationScope
  }

  get name(): string {
    return this.#said.name
  }
  get kind(): SpanKind {
    return this.#frame.kind
  }
  get parentSpanContext(): SpanContext {
    // The interface has it absent or there, never undefined; an empty span id is none to the exporter, as `undefined` is.
    return this.#frame.parent ?? NO_PARENT
  }
  get startTime(): HrTime {
    return hrTime(this.#frame.startedAt)
  }
  get endTime(): HrTime {
    return hrTime(this.#frame.startedAt + this.#frame.durationMs)
  }
  get duration(): HrTime {
    return hrTime(this.#frame.durationMs)
  }
  get status(): SpanStatus {
    return this.#said.status
  }
  get attributes(): Attributes {
    return this.#said.attributes
  }
  get events(): TimedEvent[] {
    return this.#said.events.map(({ name, at }) => ({ name, time: hrTime(at), droppedAttributesCount: 0 }))
  }
  get links(): [] {
    return []
  }
  get ended(): boolean {
    return true
  }
  get droppedAttributesCount(): number {
    return 0
  }
  get droppedEventsCount(): number {
    return 0
  }
  get droppedLinksCount(): number {
    return 0
  }
  spanContext(): SpanContext {
    return this.#frame.context
  }
  get #said(): SpanFacts {
    return (this.#known ??= this.#facts())
  }
}

const NO_PARENT: SpanContext = { traceId: '', spanId: '', traceFlags: 0 }

/** Whole seconds and the nanoseconds after them. */
function hrTime(milliseconds: number): HrTime {
  const micros = Math.round(milliseconds * 1000) // what a double still holds of a wall clock's time
  const seconds = Math.floor(micros / 1_000_000)
  return [seconds, (micros - seconds * 1_000_000) * 1000]
}
