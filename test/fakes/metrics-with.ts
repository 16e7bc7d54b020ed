import { NO_TARGETS } from '../../src/domain/routing/health-report.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import type { Metrics, MetricsOptions } from '../../src/telemetry/metrics.ts'
import { parseExposition } from './parse-exposition.ts'
import type { ScrapedFamily } from './parse-exposition.ts'

export const spool = {
  rows: 0,
  bytes: 0,
  oldestAt: undefined,
  droppedRows: { overCap: {}, writeFailed: {} },
  syncFailures: 0,
}
export const config = {
  version: '0123456789abcdef',
  appliedAt: 1_763_640_000_500,
  rejected: undefined,
  restartNeeded: [],
}

/** Metrics of a proxy where nothing has happened yet, but for `sources`. */
export function metricsWith(sources: Partial<MetricsOptions> = {}): Metrics {
  return createMetrics({
    build: { version: '0.1.0', node: 'v24.21.0' },
    providers: () => [],
    health: () => NO_TARGETS,
    headroom: () => [],
    shadows: () => [],
    now: () => Date.UTC(2026, 10, 20, 12),
    spool: () => spool,
    spoolMaxBytes: 1_000_000,
    notBuiltRows: () => ({}),
    writer: () => ({ insertedRows: {}, quarantinedRows: {}, deadRows: {}, missingRows: {}, retries: 0 }),
    isStoreUp: () => undefined,
    config: () => config,
    droppedLogLines: () => 0,
    spans: () => undefined,
    ...sources,
  })
}

export async function scrape(metrics: Metrics): Promise<ReadonlyMap<string, ScrapedFamily>> {
  return parseExposition(await metrics.expose())
}
