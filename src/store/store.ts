import type { KeepCalibrations } from '../domain/calibration.ts'
import type { Retention } from '../domain/policy.ts'
import type { Closable } from '../domain/ports.ts'
import type { FeedbackStore } from './feedback-store.ts'
import type { AuditRecords } from './audit-records.ts'
import type { Select, StoreAddress } from './client.ts'
import type { EraseJob } from './erase/erase-job.ts'
import type { Insert } from './insert.ts'
import type { Journal } from './journal.ts'
import type { RebuildJob } from './rollups/rebuild-job.ts'
import type { RolloutStore } from './rollout-store.ts'
import type { RunQuery } from './query/run-query.ts'
import type { Reads } from './read.ts'

/** The trace store: embedded, elsewhere, or none. */
export type Store = Closable & {
  /** Answers `unavailable` until the store is ready. */
  readonly insert: Insert
  /** As the read-only user where there is one. */
  readonly select: Select
  readonly reads: Reads
  /** A person's own SQL, guarded; as the read-only user where there is one. */
  readonly query: RunQuery
  readonly rebuild: Omit<RebuildJob, 'close'>
  readonly erase: Omit<EraseJob, 'close'>
  readonly keepCalibrations: KeepCalibrations
  readonly audits: AuditRecords
  /** Undefined where no store is configured. */
  readonly journal: Journal | undefined
  readonly rollouts: RolloutStore
  readonly feedback: FeedbackStore
  readonly status: () => StoreStatus
  /** As the server states it; undefined until it has answered. */
  readonly serverVersion: () => string | undefined
  /** Calls `listener` after each change of status. Returns the unsubscribe. */
  readonly subscribe: (listener: (status: StoreStatus) => void) => () => void
  /**
   * Resolves once the store is up to date, to the names of the migrations that were applied since it was opened.
   * Rejects when that cannot come to pass, or `signal` aborts.
   */
  readonly migrate: (signal: AbortSignal) => Promise<readonly string[]>
  /** What a person needs to look at the data; undefined while there is nothing to look at. */
  readonly access: () => StoreAccess | undefined
  /** As whom rows are written, password included; undefined while there is no server. For this proxy's own workers. */
  readonly writer: () => StoreAddress | undefined
  /** Another process could not insert: look whether the tables are there. */
  readonly doubt: () => void
  /** Applied to the tables in the background, again at the next start if ClickHouse is away now. */
  readonly setRetention: (retention: Retention) => void
}

export type StoreAccess = {
  /** Without credentials. */
  readonly url: string
  readonly database: string
  /** Of the embedded engine; undefined for a server of the operator's own. */
  readonly readOnly: { readonly username: string; readonly password: string } | undefined
}

export type StoreStatus = {
  readonly kind:
    | 'none'
    /** Not reached yet. */
    | 'starting'
    /** Reached; tables are being brought up to date. */
    | 'migrating'
    | 'ready'
    /** Not reachable, or not up to date; tried again all the time. */
    | 'down'
    /** Cannot be, and trying again cannot help. */
    | 'failed'
    | 'closed'
  /** One sentence for the operator. */
  readonly detail: string
}
