import type { Observer, Propagate } from '../domain/ports.ts'

/** What became of the spans of sampled requests so far. The first three only ever grow. */
export type SpanCounts = {
  /** Taken by the collector. */
  readonly exported: number
  /** Refused by the collector, or not delivered within the time and tries that the exporter has. */
  readonly failed: number
  /** The queue was full. */
  readonly dropped: number
  /** On their way: in the queue or in an export under way. */
  readonly waiting: number
}

/** Export of spans, when it is on. */
export type Tracing = {
  readonly observe: Observer
  readonly propagate: Propagate
  readonly counts: () => SpanCounts
  /** Sends what is left within a few seconds, then gives up. Never rejects. */
  readonly close: () => Promise<void>
}
