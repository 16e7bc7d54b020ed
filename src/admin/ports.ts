import type { Fault } from '../config/fault.ts'
import type { Policy } from '../domain/policy.ts'
import type { EpochMs, RequestId } from '../domain/units.ts'

/** All that the admin port asks of the rest of the proxy. Functions without a promise read memory and never throw. */
export type AdminPorts = {
  readonly readiness: () => ReadinessFacts
  readonly policyView: () => PolicyView
  /** Checks `text` as a whole config file and puts it in force, or changes nothing. `actor`: who asked, for the record. */
  readonly applyPolicy: (text: string, actor: string) => Promise<Applied>
  /** Newest first. */
  readonly recentTraces: (filter: TraceFilter) => Promise<StoreAnswer<readonly Row[]>>
  readonly trace: (id: RequestId) => Promise<StoreAnswer<TraceRows | undefined>>
  /** Totals of the last minutes, one row per group that the store makes. */
  readonly summary: (minutes: number) => Promise<StoreAnswer<readonly Row[]>>
  readonly storeView: () => StoreView
  readonly metrics: { readonly expose: () => Promise<string>; readonly contentType: string }
}

export type ReadinessFacts = {
  /** The data port accepts connections. */
  readonly isServing: boolean
  /** A shutdown has begun. */
  readonly isDraining: boolean
  readonly policy: PolicyFacts
  readonly store: StoreFacts
  readonly migrations: {
    readonly state: 'done' | 'running' | 'waiting' | 'failed'
    readonly detail: string | undefined
  }
  readonly spool: SpoolFacts
}

export type PolicyFacts = {
  readonly version: string
  /** The file as the operator named it. */
  readonly file: string
  readonly loadedAt: EpochMs
  /** The newer text that was refused; undefined when the policy in force is the last that was offered. */
  readonly rejected: { readonly at: EpochMs; readonly faults: readonly Fault[] } | undefined
}

export type StoreFacts = {
  readonly kind: 'embedded' | 'url' | 'none'
  readonly state: 'up' | 'starting' | 'down'
  /** Why it is not up, without credentials. */
  readonly detail: string | undefined
}

/** Totals over all tables. Rows and bytes are those not yet acknowledged by ClickHouse. */
export type SpoolFacts = {
  readonly rows: number
  readonly bytes: number
  readonly maxBytes: number
  readonly oldestUnsentMs: number | undefined
  /** Since the start. */
  readonly droppedRows: number
  readonly quarantinedRows: number
}

export type PolicyView = PolicyFacts & {
  readonly policy: Policy
  /** Who put it in force: `start`, `file`, `signal` or the actor of an admin request. */
  readonly loadedBy: string
}

export type Applied =
  /** `needsRestart`: paths of settings in the text that hold only after a restart. */
  | { readonly kind: 'applied'; readonly version: string; readonly needsRestart: readonly string[] }
  | { readonly kind: 'rejected'; readonly faults: readonly Fault[] }
  /** The text is sound and could not be put in force; nothing changed. */
  | { readonly kind: 'failed'; readonly detail: string }

export type TraceFilter = {
  readonly limit: number
  /** How far to look back. */
  readonly minutes: number
  /** Columns of `traces` that must equal a value. */
  readonly equals: Readonly<Partial<Record<TraceColumn, string>>>
  readonly status: number | undefined
}

export const TRACE_COLUMNS = [
  'route',
  'provider',
  'api',
  'requested_model',
  'served_model',
  'outcome',
  'error',
  'team',
  'user',
  'session',
  'policy_version',
] as const

export type TraceColumn = (typeof TRACE_COLUMNS)[number]

/** A row as the store gives it: the table's own column names, 64-bit integers and decimals as strings. */
export type Row = Readonly<Record<string, Json>>

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export type TraceRows = { readonly trace: Row; readonly attempts: readonly Row[] }

export type StoreAnswer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** `detail` is without credentials. */
  | { readonly kind: 'unavailable'; readonly detail: string }

export type StoreView = StoreFacts & {
  /** Version that the server states; undefined until it has answered. */
  readonly serverVersion: string | undefined
  /** For people and dashboards that read with SQL; undefined when there is no store or no such user. */
  readonly readOnly:
    | { readonly url: string; readonly database: string; readonly username: string; readonly password: string }
    | undefined
}
