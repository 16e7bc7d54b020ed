import type { EpochMs } from '../domain/units.ts'

/**
 * What the other rooms know about themselves at the moment of a scrape. Each is asked once per scrape; they read
 * what is already in memory, do no I/O and never throw.
 */
export type MetricSources = {
  /** Every configured provider: calls under way and calls waiting for a slot. */
  readonly providers: () => readonly ProviderLoad[]
  /** One entry per spooled table. */
  readonly spool: () => readonly SpoolLoad[]
  /** Whether ClickHouse answered last; undefined when no store is configured. */
  readonly isStoreUp: () => boolean | undefined
  readonly config: () => ConfigReloads
  /** Connections refused because what came in was not HTTP; they never become a request. Only ever grows. */
  readonly badFraming: () => number
  /** Log lines lost to a slow or missing reader. Only ever grows. */
  readonly droppedLogLines: () => number
}

export type ProviderLoad = { readonly provider: string; readonly inFlight: number; readonly queued: number }

export type SpoolLoad = {
  readonly table: string
  /** Rows and bytes not yet acknowledged by ClickHouse. */
  readonly rows: number
  readonly bytes: number
  /** Age of the oldest such row; undefined when there is none. */
  readonly oldestUnsentMs: number | undefined
  /** Rows lost at the spool's cap. Only ever grows. */
  readonly droppedRows: number
  /** Rows that ClickHouse will never take and that were put aside. Only ever grows. */
  readonly quarantinedRows: number
}

export type ConfigReloads = {
  /** Since the start, the first load included. */
  readonly applied: number
  readonly rejected: number
  readonly lastAppliedAt: EpochMs
  /** False while the file on disk is not the policy in force. */
  readonly isFileInForce: boolean
}
