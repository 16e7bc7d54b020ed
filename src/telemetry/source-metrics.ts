import { collectDefaultMetrics, Counter, Gauge, Registry } from '@prometheus-io/client'
import type { MetricSources, SpoolLoad } from './metric-sources.ts'

export type BuildInfo = { readonly version: string; readonly node: string }

/** Milliseconds between two looks at the event loop's delay. The library's 10 wake an idle laptop 100 times a second. */
const EVENT_LOOP_RESOLUTION_MS = 20

/** The metrics that are read when asked for: gauges and totals of other rooms, the process, the event loop. */
export function createSourceMetrics(sources: MetricSources, build: BuildInfo): Registry {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_RESOLUTION_MS })
  // Reads 292 years when nothing was measured since the scrape before.
  registry.removeSingleMetric('nodejs_eventloop_lag_min_seconds')

  new Gauge({
    name: 'understudy_build_info',
    help: 'Always 1; the labels say which version runs.',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version: build.version, node_version: build.node }, 1)

  providerGauge('understudy_in_flight_requests', 'Calls to a provider under way.', ({ inFlight }) => inFlight)
  providerGauge('understudy_queue_depth', 'Calls that wait for a free slot of a provider.', ({ queued }) => queued)
  function providerGauge(
    name: string,
    help: string,
    read: (load: ReturnType<MetricSources['providers']>[number]) => number,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: ['provider'],
      registers,
      collect() {
        // A provider taken out of the config must not keep its last value.
        this.reset()
        for (const load of sources.providers()) this.set({ provider: load.provider }, read(load))
      },
    })
  }

  spoolGauge('understudy_spool_rows', 'Rows not yet acknowledged by ClickHouse.', ({ rows }) => rows)
  spoolGauge('understudy_spool_bytes', 'Bytes of the rows not yet acknowledged by ClickHouse.', ({ bytes }) => bytes)
  spoolGauge(
    'understudy_spool_oldest_unsent_seconds',
    'Age of the oldest row not yet acknowledged by ClickHouse; 0 when there is none.',
    ({ oldestUnsentMs }) => (oldestUnsentMs ?? 0) / 1000,
  )
  function spoolGauge(name: string, help: string, read: (load: SpoolLoad) => number): void {
    new Gauge({
      name,
      help,
      labelNames: ['table'],
      registers,
      collect() {
        for (const load of sources.spool()) this.set({ table: load.table }, read(load))
      },
    })
  }

  spoolTotal(
    'understudy_spool_dropped_rows_total',
    'Rows lost because the spool was at its cap: alert on any.',
    ({ droppedRows }) => droppedRows,
  )
  spoolTotal(
    'understudy_spool_quarantined_rows_total',
    'Rows that ClickHouse refused and that were put into the table quarantine.',
    ({ quarantinedRows }) => quarantinedRows,
  )
  function spoolTotal(name: string, help: string, read: (load: SpoolLoad) => number): void {
    new Counter({
      name,
      help,
      labelNames: ['table'],
      registers,
      collect() {
        this.reset()
        for (const load of sources.spool()) this.inc({ table: load.table }, read(load))
      },
    })
  }

  new Gauge({
    name: 'understudy_store_up',
    help: '1 while ClickHouse answers, 0 while it does not; absent without a store.',
    // A gauge without labels reads 0 from its birth on; with an empty set of series it can be absent.
    labelNames: ['store'],
    registers,
    collect() {
      this.reset()
      const isUp = sources.isStoreUp()
      if (isUp !== undefined) this.set({ store: 'clickhouse' }, isUp ? 1 : 0)
    },
  })

  new Counter({
    name: 'understudy_config_reloads_total',
    help: 'Config files read, by whether they were applied or rejected as faulty.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset()
      const { applied, rejected } = sources.config()
      this.inc({ result: 'applied' }, applied)
      this.inc({ result: 'rejected' }, rejected)
    },
  })
  new Gauge({
    name: 'understudy_config_last_applied_timestamp_seconds',
    help: 'When the policy in force was applied, in seconds since 1970.',
    registers,
    collect() {
      this.set(sources.config().lastAppliedAt / 1000)
    },
  })
  new Gauge({
    name: 'understudy_config_file_in_force',
    help: '1 while the config file on disk is the policy in force, 0 while it is faulty and the last good one serves.',
    registers,
    collect() {
      this.set(sources.config().isFileInForce ? 1 : 0)
    },
  })

  total('understudy_bad_framing_total', 'Connections refused because what came in was not HTTP.', sources.badFraming)
  total('understudy_log_dropped_lines_total', 'Log lines lost to a slow or missing reader.', sources.droppedLogLines)
  function total(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  return registry
}
