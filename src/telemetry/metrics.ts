import type { ReloadOutcome, ReloadTrigger } from '../config/reload.ts'
import type { KeptReading } from '../domain/kept-reading.ts'
import type { Observer } from '../domain/ports.ts'
import { createCounterFamily } from './counter-family.ts'
import { watchEventLoopDelay } from './event-loop-delay.ts'
import { createHistogramFamily } from './histogram-family.ts'
import { keptReadings } from './kept-readings.ts'
import type { MetricSources } from './metric-sources.ts'
import { createRequestMetrics } from './request-metrics.ts'
import { createSourceMetrics, sourceFamilies } from './source-metrics.ts'
import type { BuildInfo } from './source-metrics.ts'

/** One batch sent to ClickHouse. */
export type InsertMeasured = {
  readonly table: string
  /** As `Inserted['kind']`: `stored`, `bad_rows`, `unavailable`. */
  readonly result: string
  readonly durationMs: number
}

export type Metrics = {
  /** Counts a finished exchange. */
  readonly observe: Observer
  readonly observeInsert: (insert: InsertMeasured) => void
  readonly countReload: (outcome: ReloadOutcome['kind'], trigger: ReloadTrigger) => void
  /** A connection was refused because what came in was not HTTP; it never becomes a request. */
  readonly countBadFraming: () => void
  /** An observer of finished requests threw: a bug. */
  readonly countObserverFailure: () => void
  /** Everything in the Prometheus text format. */
  readonly expose: () => Promise<string>
  /** Those of them that are kept over time. What they say of a time begins anew: for one who asks, and always the same. */
  readonly readings: () => readonly KeptReading[]
  readonly contentType: string
}

export type MetricsOptions = MetricSources & { readonly build: BuildInfo }

/** Seconds. A batch takes some milliseconds; a ClickHouse in trouble takes until its time-out. */
const INSERT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** All metrics of one proxy. Two in one process share nothing. */
export function createMetrics({ build, ...sources }: MetricsOptions): Metrics {
  const requests = createRequestMetrics()
  const insertDuration = createHistogramFamily({
    name: 'understudy_store_insert_duration_seconds',
    help: 'Time that ClickHouse took for a batch of rows, by how it ended.',
    labelNames: ['table', 'result'],
    bounds: INSERT_BOUNDS,
  })
  const reloads = createCounterFamily({
    name: 'understudy_config_reloads_total',
    help: 'Looks at a changed config: applied, unchanged, rejected as faulty, unwritable; and what led to them.',
    labelNames: ['result', 'trigger'],
  })
  const badFraming = createCounterFamily({
    name: 'understudy_bad_framing_total',
    help: 'Connections refused because what came in was not HTTP.',
    labelNames: [],
  })
  const observerFailures = createCounterFamily({
    name: 'understudy_observer_failures_total',
    help: 'Observers of finished requests that threw: a bug to report.',
    labelNames: [],
  })
  const framingFailed = badFraming.series()
  const observerFailed = observerFailures.series()
  const families = [...requests.families, insertDuration, reloads, badFraming, observerFailures]
  const delay = watchEventLoopDelay()
  const read = sourceFamilies(sources, build, delay)
  const registry = createSourceMetrics(read)

  return {
    observe: requests.observe,
    observeInsert: ({ table, result, durationMs }) => insertDuration.series(table, result).observe(durationMs / 1000),
    countReload: (outcome, trigger) => {
      reloads.series(outcome, trigger).value += 1
    },
    countBadFraming: () => {
      framingFailed.value += 1
    },
    countObserverFailure: () => {
      observerFailed.value += 1
    },
    expose: async () => {
      const own = families.map((family) => family.expose()).join('')
      // The library writes `Nan` (a mean of nothing), which only lenient parsers take for NaN.
      return own + (await registry.metrics()).replaceAll(' Nan\n', ' NaN\n')
    },
    readings: () => {
      const readings = keptReadings(read)
      delay.restart()
      return readings
    },
    contentType: registry.contentType,
  }
}
