import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { EpochMs } from '../domain/units.ts'

/** Whose spans they are: what every one of them says about the process and the code that made it. */
export type SpanOwner = Pick<ReadableSpan, 'resource' | 'instrumentationScope'>

export type SpanParts = {
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly startedAt: EpochMs
  readonly durationMs: number
  readonly status: SpanStatus
  readonly events: readonly { readonly name: string; readonly at: EpochMs }[]
  /** Asked once, when the span is sent: the request that it is about has gone on by then. */
  readonly attributes: () => Attributes
}

/** A span of something that is already over, as an exporter takes it. */
export function finishedSpan(parts: SpanParts, owner: SpanOwner): ReadableSpan {
  const { name, kind, context, parent, startedAt, durationMs, status, events } = parts
  let attributes: Attributes | undefined
  return {
    name,
    kind,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: parent }),
    startTime: hrTime(startedAt),
    endTime: hrTime(startedAt + Math.max(0, durationMs)),
    duration: hrTime(Math.max(0, durationMs)),
    status,
    get attributes() {
      return (attributes ??= parts.attributes())
    },
    events: events.map((event) => ({ name: event.name, time: hrTime(event.at), droppedAttributesCount: 0 })),
    links: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...owner,
  }
}

/** Whole seconds and the nanoseconds after them. */
function hrTime(milliseconds: number): HrTime {
  const micros = Math.round(milliseconds * 1000) // what a double still holds of a wall clock's time
  const seconds = Math.floor(micros / 1_000_000)
  return [seconds, (micros - seconds * 1_000_000) * 1000]
}
