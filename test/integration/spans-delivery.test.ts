import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Log } from '../../src/domain/ports.ts'
import type { Tracing } from '../../src/telemetry/tracing.ts'
import { anExchange } from '../fakes/an-exchange.ts'
import { startOtlpReceiver } from '../fakes/otlp-receiver.ts'
import type { OtlpReceiver } from '../fakes/otlp-receiver.ts'
import { startTracingTo } from '../fakes/traced-proxy.ts'

/** Spans of one record: of the request and of its one attempt. */
const SPANS = 2
const AT_ONCE = { OTEL_BSP_SCHEDULE_DELAY: '1' }

let collector: OtlpReceiver
let lines: { readonly event: string; readonly fields: unknown }[]
let next: ((event: string) => void) | undefined
const write = (event: string, fields: unknown): void => {
  lines.push({ event, fields })
  next?.(event)
}
const log: Log = { info: write, warn: write, error: write }
const events = (): readonly string[] => lines.map(({ event }) => event)
const told = (wanted: string): Promise<void> =>
  new Promise((resolve) => {
    next = (event) => {
      if (event === wanted) resolve()
    }
  })

beforeEach(async () => {
  lines = []
  next = undefined
  collector = await startOtlpReceiver()
})
afterEach(() => collector.close())

function observe(tracing: Tracing, exchanges: number): void {
  for (let made = 0; made < exchanges; made++) tracing.observe(anExchange())
}

async function millisecondsOf(work: Promise<void>): Promise<number> {
  const before = performance.now()
  await work
  return performance.now() - before
}

describe('a collector that hangs', () => {
  it('costs no more memory than a queue and a batch, and what does not fit is counted, a request at a time', () => {
    collector.answerWith('nothing')
    const bounds = { OTEL_BSP_MAX_QUEUE_SIZE: '101', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '50' }
    const tracing = startTracingTo(collector.url, bounds, { log })
    observe(tracing, 10_000)
    const { waiting, dropped, exported, failed } = tracing.counts()
    expect(waiting).toBe(50 + 100)
    expect([exported, failed, dropped]).toEqual([0, 0, 10_000 * SPANS - waiting])
  })

  it('holds up a shutdown for three seconds and no longer, and what it did not take is told', async () => {
    collector.answerWith('nothing')
    const tracing = startTracingTo(collector.url, {}, { log })
    observe(tracing, 10)
    const took = await millisecondsOf(tracing.close())
    expect(took).toBeGreaterThan(2_900)
    expect(took).toBeLessThan(5_000)
    expect(lines).toEqual([{ event: 'spans_left_unsent', fields: { spans: 10 * SPANS } }])
    observe(tracing, 1)
    expect(tracing.counts()).toMatchObject({ dropped: SPANS, waiting: 10 * SPANS })
  })
})

describe('a collector that is not there', () => {
  it('holds up a shutdown for three seconds and no longer', async () => {
    const { url } = collector
    const tracing = startTracingTo(url, {}, { log })
    await collector.close()
    observe(tracing, 10)
    expect(await millisecondsOf(tracing.close())).toBeLessThan(5_000)
    expect(events()).toEqual(['spans_left_unsent'])
    collector = await startOtlpReceiver()
  })

  it('gets the spans when it is back within the seconds that the exporter tries for', async () => {
    const { url, port } = collector
    const tracing = startTracingTo(url, AT_ONCE, { log })
    await collector.close()
    observe(tracing, 3)
    collector = await startOtlpReceiver(port)
    expect(await collector.received(3 * SPANS)).toHaveLength(3 * SPANS)
    await tracing.close()
    expect(tracing.counts()).toEqual({ exported: 3 * SPANS, failed: 0, dropped: 0, waiting: 0 })
  })
})

describe('a collector that refuses', () => {
  it('is told of once, as is its recovery, and the spans it refused are counted', async () => {
    collector.answerWith(400)
    const tracing = startTracingTo(collector.url, AT_ONCE, { log })
    const refused = told('spans_not_exported')
    observe(tracing, 1)
    await refused
    observe(tracing, 1)
    while (tracing.counts().failed < 2 * SPANS) await new Promise((resolve) => setImmediate(resolve))
    collector.answerWith(200)
    const recovered = told('spans_exported_again')
    observe(tracing, 1)
    await recovered
    expect(events()).toEqual(['spans_not_exported', 'spans_exported_again'])
    expect(tracing.counts()).toEqual({ exported: SPANS, failed: 2 * SPANS, dropped: 0, waiting: 0 })
    await tracing.close()
  })
})

describe('a shutdown', () => {
  it('sends what is queued, in as many batches as it takes, and does not wait for the delay between them', async () => {
    const tracing = startTracingTo(collector.url, { OTEL_BSP_SCHEDULE_DELAY: '60000' }, { log })
    observe(tracing, 1000)
    expect(await millisecondsOf(tracing.close())).toBeLessThan(3_000)
    await tracing.close()
    expect(collector.spans()).toHaveLength(1000 * SPANS)
    expect(tracing.counts()).toEqual({ exported: 1000 * SPANS, failed: 0, dropped: 0, waiting: 0 })
    expect(events()).toEqual([])
  })
})
