import { BatchSpanProcessor } from '@opentelemetry/sdk-trace'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Log } from '../domain/ports.ts'
import type { SpanCounts } from './tracing.ts'
import type { BatchSettings } from './tracing-settings.ts'

/** How long a shutdown waits for the collector. It is told to Kubernetes and systemd in tens of seconds. */
const FLUSH_MS = 3_000

/** `ExportResultCode`, whose package is the SDK's own affair. */
const SUCCESS = 0
const FAILED = 1

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0]

export type SpanDelivery = {
  /** Queues the `count` spans of one request, all or none of them; they are made only if there is room. Never waits. */
  readonly offer: (count: number, make: () => readonly ReadableSpan[]) => void
  readonly counts: () => SpanCounts
  /** Sends what is queued, and gives up after `FLUSH_MS`. */
  readonly close: () => Promise<void>
}

/**
 * Sends spans in batches through `exporter` and keeps the books. What a dead or slow collector costs is bounded by
 * the queue; a request never waits for it. Its log tells the first failure and the recovery, not each batch.
 */
export function createSpanDelivery(exporter: SpanExporter, batch: BatchSettings, log: Log): SpanDelivery {
  let [queued, sending, exported, failed, dropped] = [0, 0, 0, 0, 0]
  let isFailing = false
  const told = (detail: string | undefined, spans: number): void => {
    const wasFailing = isFailing
    isFailing = detail !== undefined
    if (isFailing && !wasFailing) log.warn('spans_not_exported', { detail, spans })
    if (!isFailing && wasFailing) log.info('spans_exported_again', { failedSpans: failed, droppedSpans: dropped })
  }
  const counting: SpanExporter = {
    export: (spans, done) => {
      queued -= spans.length
      sending += spans.length
      const settle = (result: ExportResult): void => {
        sending -= spans.length
        const isTaken = result.code === SUCCESS
        if (isTaken) exported += spans.length
        else failed += spans.length
        told(isTaken ? undefined : (result.error?.message ?? 'refused'), spans.length)
        done(result)
      }
      // Not in the turn of the request that filled the batch: writing 512 spans down takes some milliseconds, and its
      // client has not got its last byte yet.
      setImmediate(() => {
        try {
          exporter.export(spans, settle)
        } catch (cause) {
          settle({ code: FAILED, error: new Error('spans could not be serialised', { cause }) })
        }
      })
    },
    shutdown: () => exporter.shutdown(),
  }
  const processor = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: batch.maxQueued,
    maxExportBatchSize: batch.maxBatch,
    scheduledDelayMillis: batch.delayMs,
    exportTimeoutMillis: batch.exportTimeoutMs,
  })
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS)
    })
    // A batch that was refused has been counted and told.
    const flushed = processor.shutdown().catch(() => undefined)
    await Promise.race([flushed, deadline])
    clearTimeout(timer)
    if (queued + sending > 0) log.warn('spans_left_unsent', { spans: queued + sending })
  }

  return {
    offer: (count, make) => {
      // The processor has the same bound, but would drop without a count, and half a request.
      if (closing !== undefined || queued + count > batch.maxQueued) {
        dropped += count
        return
      }
      queued += count
      for (const span of make()) processor.onEnd(span)
    },
    counts: () => ({ exported, failed, dropped, waiting: queued + sending }),
    close: () => (closing ??= close()),
  }
}
