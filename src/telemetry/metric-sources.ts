import type { ReloadStatus } from '../config/reload.ts'
import type { AuditStatus } from '../domain/audit.ts'
import type { HealthReport, ProviderHeadroom } from '../domain/routing/health-report.ts'
import type { FeedbackReport } from '../domain/feedback/feedback-report.ts'
import type { RolloutReport } from '../domain/rollout/rollout-view.ts'
import type { ShadowReport } from '../domain/shadow/shadow-report.ts'
import type { EpochMs } from '../domain/units.ts'
import type { ScoringLoad } from './scoring-families.ts'
import type { SpanCounts } from './tracing.ts'

/**
 * What the other rooms know about themselves at the moment of a scrape. They read what is already in memory, do no
 * I/O and never throw. Everything called rows of something lost, and every count, only ever grows.
 */
export type MetricSources = {
  readonly now: () => EpochMs
  /** Calls under way and calls waiting for a slot, per provider. */
  readonly providers: () => readonly ProviderLoad[]
  /** Of the targets that routes name. */
  readonly health: () => HealthReport
  /** As the last answers said. */
  readonly headroom: () => readonly ProviderHeadroom[]
  readonly shadows: () => readonly ShadowReport[]
  /** Absent in a process that does not serve. */
  readonly scoring?: () => ScoringLoad
  /** Absent in a worker: its primary runs audits. */
  readonly audits?: () => readonly AuditStatus[]
  /** Absent in a process that does not follow them. */
  readonly rollouts?: () => RolloutReport
  /** Conversations that keep the arm of a rollout which they began with. Absent in a process that does not serve. */
  readonly pinnedConversations?: () => number
  /** Absent in a process without the loop from evidence to weights. */
  readonly feedback?: () => FeedbackReport
  readonly spool: () => SpoolLoad
  /** Cap of the spool. */
  readonly spoolMaxBytes: number
  /** Lost before the spool: they could not be made out of their exchange. */
  readonly notBuiltRows: () => PerTable
  readonly writer: () => WriterCounts
  /** Whether ClickHouse is ready to take rows; undefined when no store is configured. */
  readonly isStoreUp: () => boolean | undefined
  readonly config: () => ReloadStatus
  /** Log lines lost to a slow or missing reader. */
  readonly droppedLogLines: () => number
  /** Undefined while no spans are exported. */
  readonly spans: () => SpanCounts | undefined
  /** Processes that serve the data port; absent where the proxy is a single process. */
  readonly workers?: () => WorkerLoad
}

/** `restarts`: how often one has been started again. */
export type WorkerLoad = { readonly wanted: number; readonly serving: number; readonly restarts: number }

export type ProviderLoad = { readonly provider: string; readonly inFlight: number; readonly queued: number }

/** Rows by table. */
export type PerTable = Readonly<Record<string, number>>

export type SpoolLoad = {
  /** Rows and bytes not yet acknowledged by ClickHouse. */
  readonly rows: number
  readonly bytes: number
  /** When the oldest such row was written; undefined when there is none. */
  readonly oldestAt: EpochMs | undefined
  readonly droppedRows: { readonly overCap: PerTable; readonly writeFailed: PerTable }
  readonly syncFailures: number
}

export type WriterCounts = {
  readonly insertedRows: PerTable
  /** Refused by their table, kept in the table quarantine. */
  readonly quarantinedRows: PerTable
  /** Refused by that too, kept as files. */
  readonly deadRows: PerTable
  /** Taken from closed segments by a loss of power. */
  readonly missingRows: PerTable
  readonly retries: number
}
