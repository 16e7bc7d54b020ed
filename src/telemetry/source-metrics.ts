import { collectDefaultMetrics, Counter, Gauge, Registry } from '@prometheus-io/client'
import { auditFamilies } from './audit-families.ts'
import type { EventLoopDelay } from './event-loop-delay.ts'
import { healthFamilies } from './health-families.ts'
import { feedbackFamilies } from './feedback-families.ts'
import { rolloutFamilies } from './rollout-families.ts'
import { scoringFamilies } from './scoring-families.ts'
import { shadowFamilies } from './shadow-families.ts'
import type { MetricSources } from './metric-sources.ts'
import { one, type Reading, type SourceFamily } from './source-family.ts'
import { spoolFamilies, storeFamilies } from './spool-families.ts'

export type BuildInfo = { readonly version: string; readonly node: string }

/** Milliseconds between two looks at the event loop's delay. The library's 10 wake an idle laptop 100 times a second. */
const EVENT_LOOP_RESOLUTION_MS = 20

/** The metrics that are read when asked for: gauges and totals of other rooms, the process, the event loop. */
export function createSourceMetrics(families: readonly SourceFamily[]): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_RESOLUTION_MS })
  // Reads 292 years when nothing was measured since the scrape before.
  registry.removeSingleMetric('nodejs_eventloop_lag_min_seconds')
  for (const family of families) register(registry, family)
  return registry
}

function register(registry: Registry, { type, name, help, labelNames, read }: SourceFamily): void {
  const common = { name, help, labelNames: [...labelNames], registers: [registry] }
  const labelled = (values: readonly string[]): Record<string, string> =>
    Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? '']))
  // Emptied first: a provider that left the config must not keep its last value, and a total is read, not added up.
  if (type === 'gauge') {
    new Gauge({
      ...common,
      collect() {
        this.reset()
        for (const [values, value] of read()) this.set(labelled(values), value)
      },
    })
  } else {
    new Counter({
      ...common,
      collect() {
        this.reset()
        for (const [values, value] of read()) this.inc(labelled(values), value)
      },
    })
  }
}

/** All that other rooms tell when they are asked. */
export function sourceFamilies(
  sources: MetricSources,
  build: BuildInfo,
  delay: EventLoopDelay,
): readonly SourceFamily[] {
  return [
    {
      type: 'gauge',
      name: 'understudy_build_info',
      help: 'Always 1; the labels say which version runs.',
      labelNames: ['version', 'node_version'],
      read: () => [[[build.version, build.node], 1]],
    },
    ...providerFamilies(sources),
    ...healthFamilies(sources.health),
    ...shadowFamilies(sources.shadows),
    ...(sources.rollouts === undefined ? [] : rolloutFamilies(sources.rollouts)),
    ...pinFamilies(sources),
    ...(sources.feedback === undefined ? [] : feedbackFamilies(sources.feedback)),
    ...scoringFamilies(sources.scoring),
    ...auditFamilies(sources.audits),
    ...spoolFamilies(sources),
    ...storeFamilies(sources),
    ...spanFamilies(sources),
    ...workerFamilies(sources),
    {
      type: 'gauge',
      name: 'understudy_event_loop_delay_p99_seconds',
      help: '99th percentile of how late timers come, since it was last written to table proxy_readings.',
      labelNames: [],
      isKept: true,
      read: () => one(delay.p99Seconds()),
    },
    {
      type: 'gauge',
      name: 'understudy_config_last_applied_timestamp_seconds',
      help: 'When the policy in force was applied, in seconds since 1970.',
      labelNames: [],
      read: () => one(sources.config().appliedAt / 1000),
    },
    {
      type: 'gauge',
      name: 'understudy_config_file_in_force',
      help: '1 while the config file is the policy in force, 0 while it is faulty and the last good one serves.',
      labelNames: [],
      read: () => one(sources.config().rejected === undefined ? 1 : 0),
    },
    {
      type: 'gauge',
      name: 'understudy_config_restart_needed',
      help: 'Settings of the config file that take effect at the next start only.',
      labelNames: [],
      read: () => one(sources.config().restartNeeded.length),
    },
    {
      type: 'counter',
      name: 'understudy_log_dropped_lines_total',
      help: 'Log lines lost to a slow or missing reader.',
      labelNames: [],
      read: () => one(sources.droppedLogLines()),
    },
  ]
}

function pinFamilies({ pinnedConversations }: MetricSources): readonly SourceFamily[] {
  if (pinnedConversations === undefined) return []
  return [
    {
      type: 'gauge',
      name: 'understudy_pinned_conversations',
      help: 'Running conversations that keep the arm of a rollout which they began with; the oldest make room at 50000.',
      labelNames: [],
      read: () => one(pinnedConversations()),
    },
  ]
}

function providerFamilies({ providers, headroom }: MetricSources): readonly SourceFamily[] {
  return [
    {
      type: 'gauge',
      name: 'understudy_in_flight_requests',
      help: 'Calls to a provider under way.',
      labelNames: ['provider'],
      isKept: true,
      read: () => providers().map(({ provider, inFlight }) => [[provider], inFlight]),
    },
    {
      type: 'gauge',
      name: 'understudy_queue_depth',
      help: 'Calls that wait for a free slot of a provider.',
      labelNames: ['provider'],
      isKept: true,
      read: () => providers().map(({ provider, queued }) => [[provider], queued]),
    },
    {
      type: 'gauge',
      name: 'understudy_provider_headroom_ratio',
      help: 'Least share of a rate limit that a provider said to be left, over its models and keys; absent where it does not say, and a minute after, unless the limit takes longer to be whole again.',
      labelNames: ['provider', 'limit'],
      isKept: true,
      read: () =>
        headroom().flatMap(({ provider, requests, tokens }): readonly Reading[] => [
          ...(requests === undefined ? [] : [[[provider, 'requests'], requests] as const]),
          ...(tokens === undefined ? [] : [[[provider, 'tokens'], tokens] as const]),
        ]),
    },
  ]
}

function spanFamilies({ spans }: MetricSources): readonly SourceFamily[] {
  return [
    {
      type: 'counter',
      name: 'understudy_spans_total',
      help: 'OpenTelemetry spans by what became of them: exported, failed, dropped because the queue was full.',
      labelNames: ['result'],
      read: () => {
        const counts = spans()
        if (counts === undefined) return []
        return (['exported', 'failed', 'dropped'] as const).map((result) => [[result], counts[result]])
      },
    },
    {
      type: 'gauge',
      name: 'understudy_spans_waiting',
      help: 'OpenTelemetry spans queued or on their way to the collector; absent while none are exported.',
      // With a label it can be absent.
      labelNames: ['exporter'],
      read: () => {
        const counts = spans()
        return counts === undefined ? [] : [[['otlp'], counts.waiting]]
      },
    },
  ]
}

function workerFamilies({ workers }: MetricSources): readonly SourceFamily[] {
  if (workers === undefined) return []
  return [
    {
      type: 'gauge',
      name: 'understudy_workers',
      help: 'Processes that serve the data port: how many should, and how many do.',
      labelNames: ['state'],
      read: () => (['wanted', 'serving'] as const).map((state) => [[state], workers()[state]]),
    },
    {
      type: 'counter',
      name: 'understudy_worker_restarts_total',
      help: 'Times that a worker was started again because it had ended.',
      labelNames: [],
      read: () => one(workers().restarts),
    },
  ]
}
