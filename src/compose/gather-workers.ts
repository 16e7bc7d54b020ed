import type { AdminPorts, SpoolFacts } from '../admin/ports.ts'
import type { HealthReport } from '../domain/routing/health-report.ts'
import type { ShadowReport } from '../domain/shadow/shadow-report.ts'
import { createMetricTotals } from '../telemetry/metric-totals.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Snapshot } from '../workers/messages.ts'
import type { WorkerPool } from '../workers/worker-pool.ts'
import { addSpoolFacts, outageOf, spoolFacts } from './row-lanes.ts'
import type { RowLane } from './row-lanes.ts'

/** What the admin port says of all processes together. */
export type Gathered = {
  readonly metrics: AdminPorts['metrics']
  readonly spool: () => Promise<SpoolFacts>
  readonly health: () => Promise<HealthReport>
  readonly shadows: () => Promise<readonly ShadowReport[]>
  /** Why the store takes no rows, as the first process has met it that says so. */
  readonly outage: () => string | undefined
  /** A worker is gone; what it had counted stays in the totals. */
  readonly keep: (last: Snapshot) => void
}

export type GatherOptions = {
  readonly pool: () => Pick<WorkerPool, 'survey' | 'latest'>
  /** Of the primary itself. */
  readonly metrics: Metrics
  readonly lanes: readonly RowLane[]
  /** Cap of all spools. */
  readonly spoolMaxBytes: number
}

export function gatherWorkers({ pool, metrics, lanes, spoolMaxBytes }: GatherOptions): Gathered {
  const totals = createMetricTotals()
  return {
    metrics: {
      contentType: metrics.contentType,
      expose: async () => {
        await pool().survey()
        const own = await metrics.expose()
        // Read in the turn in which it is added up: a worker that ended meanwhile is among the totals, not missing.
        return totals.add([
          own,
          ...pool()
            .latest()
            .map((snapshot) => snapshot.metrics),
        ])
      },
    },
    spool: async () => {
      const spools = (await pool().survey()).map((snapshot) => snapshot.spool)
      return addSpoolFacts([spoolFacts(lanes, {}, 0), ...spools], spoolMaxBytes)
    },
    health: async () => {
      const reports = (await pool().survey()).map((snapshot) => snapshot.health)
      return {
        targets: reports.flatMap(({ targets }) => targets),
        providers: reports.flatMap(({ providers }) => providers),
      }
    },
    shadows: async () => (await pool().survey()).flatMap((snapshot) => snapshot.shadows),
    outage: () =>
      outageOf(lanes) ??
      pool()
        .latest()
        .find(({ outage }) => outage !== undefined)?.outage,
    keep: ({ metrics: last }) => totals.retire(last),
  }
}
