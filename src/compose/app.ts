import type { ConfigSource, Loaded } from '../config/load-config.ts'
import type { ReloadOutcome } from '../config/reload.ts'
import type { Listen } from '../domain/policy.ts'
import type { Log, World } from '../domain/ports.ts'
import type { StoreAccess, StoreStatus } from '../store/store.ts'
import type { TracingSettings } from '../telemetry/tracing-settings.ts'

export type AppOptions = {
  readonly source: ConfigSource
  readonly loaded: Loaded
  readonly world: World
  /** Names this process on every row: host and port, or the pod. */
  readonly instance: string
  readonly version: string
  /** File descriptor that log lines go to. */
  readonly logFd: number
  /** As of `ServingOptions`. */
  readonly readingsEveryMs?: number
}

export type App = {
  readonly data: Listen
  readonly admin: Listen
  readonly log: Log
  /** By which the admin port proves to be this process's; left beside its address, for its owner only. */
  readonly runKey: string
  /** Whether spans are exported, and where to. */
  readonly spans: TracingSettings
  readonly storeStatus: () => StoreStatus
  readonly storeAccess: () => StoreAccess | undefined
  /** Calls `listener` after each change of the store's status. Returns the unsubscribe. */
  readonly onStoreChange: (listener: () => void) => () => void
  readonly reload: () => Promise<ReloadOutcome>
  /** Writes what is left of the log before it returns; for the last moments of a process. */
  readonly flushLog: () => void
  /** Finishes what is under way within the deadline, hands the rows over, closes everything in reverse order. */
  readonly close: () => Promise<Closed>
}

/** What a shutdown left behind: requests that were cut, rows that wait in the spool for the next start. */
export type Closed = { readonly cutRequests: number; readonly spooledRows: number }

/** How long a shutdown waits for ClickHouse to take the last rows; the spool keeps what it does not. */
export const DRAIN_MS = 10_000
