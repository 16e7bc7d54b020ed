import type { ReloadOutcome, ReloadStatus } from '../config/reload.ts'
import type { AuditRun, AuditStatus } from '../domain/audit.ts'
import type { KeepCalibrations } from '../domain/calibration.ts'
import type { ChangeAnswer, ChangeRequest } from '../domain/changes/change-request.ts'
import type { WeightsView } from '../domain/changes/weights-view.ts'
import type { FeedbackReport } from '../domain/feedback/feedback-report.ts'
import type { Policy, StoreSettings } from '../domain/policy.ts'
import type { PaceEstimate, Traffic } from '../domain/rollout/estimate.ts'
import type { Explanation as RolloutExplanation } from '../domain/rollout/explain.ts'
import type { RolloutAnswer, RolloutRequest, RolloutView } from '../domain/rollout/rollout-view.ts'
import type { Explanation } from '../domain/routing/explain.ts'
import type { HealthReport } from '../domain/routing/health-report.ts'
import type { ShadowReport } from '../domain/shadow/shadow-report.ts'
import type { EpochMs, RequestId } from '../domain/units.ts'

/**
 * All that the admin port asks of the rest of the proxy. Functions without a promise read memory and never throw; a
 * signal aborts when nobody waits for the answer any more.
 */
export type AdminPorts = {
  /** With several workers these are asked first. */
  readonly readiness: () => ReadinessFacts | Promise<ReadinessFacts>
  /** The `runProof` of this process; undefined for what is no challenge. */
  readonly prove: (challenge: string | null) => string | undefined
  readonly policyView: () => PolicyView
  /** Checks `text` as a whole config file and puts it in force, or changes nothing. `actor`: who asked, for the record. */
  readonly applyPolicy: (text: string, actor: string) => Promise<ReloadOutcome>
  /** Decides for a request that is only described, and tells why; calls nothing. */
  readonly explain: (request: DescribedRequest) => ExplainAnswer | Promise<ExplainAnswer>
  /** With several workers these are asked first. */
  readonly health: () => HealthReport | Promise<HealthReport>
  /** Of all processes that serve. */
  readonly shadows: () => readonly ShadowReport[] | Promise<readonly ShadowReport[]>
  /** Of every audit of the policy, in its order. */
  readonly audits: () => readonly AuditStatus[]
  /** Keeps a run that a person asked for. */
  readonly keepAudit: (run: AuditRun) => Promise<StoreAnswer<undefined>>
  readonly rollouts: RolloutPorts
  /** Every route with weights, in the order of the file. */
  readonly weights: () => readonly WeightsView[]
  readonly changeWeights: (change: ChangeRequest) => Promise<ChangeAnswer>
  /** What the loop from evidence to weights last knew. */
  readonly feedback: () => FeedbackReport
  /** What was changed while the proxies ran, newest first; of one route, or of all. */
  readonly changes: (filter: ChangeFilter, signal: AbortSignal) => Promise<StoreAnswer<readonly Row[]>>
  /** Newest first. */
  readonly recentTraces: (filter: TraceFilter, signal: AbortSignal) => Promise<StoreAnswer<readonly Row[]>>
  readonly trace: (id: RequestId, signal: AbortSignal) => Promise<StoreAnswer<TraceRows | undefined>>
  /** Totals of the last minutes, one row per group that the store makes. */
  readonly summary: (minutes: number, signal: AbortSignal) => Promise<StoreAnswer<readonly Row[]>>
  /** A person's own SQL: at most `limit` rows. */
  readonly query: (sql: string, limit: number, signal: AbortSignal) => Promise<QueryAnswer>
  readonly keepCalibrations: KeepCalibrations
  readonly rebuildRollups: (range: DayRange) => 'started' | 'busy' | 'unavailable'
  readonly rebuildStatus: () => RebuildStatus
  /** Erases a user in the background. `actor`: who asked, for the record. */
  readonly eraseUser: (request: EraseRequest, actor: string) => 'started' | 'busy' | 'unavailable'
  readonly eraseStatus: () => EraseStatus
  readonly storeView: () => StoreView
  readonly metrics: { readonly expose: () => Promise<string>; readonly contentType: string }
}

export type RolloutPorts = {
  /** In the order of the file. */
  readonly views: () => readonly RolloutView[]
  /** Whether this proxy is the one that decides. */
  readonly isDecider: () => boolean
  /** Undefined where nothing is known of it. */
  readonly explain: (name: string) => Promise<RolloutExplanation | undefined>
  readonly change: (request: RolloutRequest) => Promise<RolloutAnswer>
  /** Newest first, as `decisions`. */
  readonly events: (name: string, limit: number, signal: AbortSignal) => Promise<StoreAnswer<readonly Row[]>>
  readonly decisions: (name: string, limit: number, signal: AbortSignal) => Promise<StoreAnswer<readonly Row[]>>
  /** Undefined where the file has no such rollout. */
  readonly estimate: (name: string, signal: AbortSignal) => Promise<StoreAnswer<RolloutEstimate> | undefined>
}

export type RolloutEstimate = {
  readonly traffic: Traffic
  /** By which the decider divides all times of rollouts. */
  readonly speed: number
  readonly paces: readonly PaceEstimate[]
}

export type ReadinessFacts = {
  /** The data port accepts connections. */
  readonly isServing: boolean
  /** Processes that serve the data port, and how many should; undefined where the proxy is a single process. */
  readonly workers?: { readonly serving: number; readonly wanted: number } | undefined
  /** A shutdown has begun. */
  readonly isDraining: boolean
  readonly config: ConfigFacts
  readonly store: StoreFacts
  readonly spool: SpoolFacts
}

/** `file`: as the operator named it. */
export type ConfigFacts = ReloadStatus & { readonly file: string }

/** `policy` is the file's; `weights` says what is changed on top of it, `overlayRevision` up to which change. */
export type PolicyView = ConfigFacts & {
  readonly policy: Policy
  readonly weights: readonly WeightsView[]
  readonly overlayRevision: string
}

export type ChangeFilter = { readonly route: string | undefined; readonly limit: number }

export type StoreFacts = {
  readonly kind: StoreSettings['kind']
  /** `migrating`: reached, tables are being brought up to date. `failed`: trying again cannot help. */
  readonly state: 'none' | 'starting' | 'migrating' | 'ready' | 'down' | 'failed' | 'closed'
  /** One sentence for the operator, without credentials. */
  readonly detail: string
}

/** Totals over all tables. Rows and bytes are those not yet acknowledged by ClickHouse. */
export type SpoolFacts = {
  readonly rows: number
  readonly bytes: number
  readonly maxBytes: number
  /** When the oldest such row was written; undefined when there is none. */
  readonly oldestAt: EpochMs | undefined
  /** Lost since the start: over the cap, refused by the disk, taken by a loss of power, or never built (a bug). */
  readonly droppedRows: number
  /** Refused by ClickHouse since the start, and kept aside. */
  readonly quarantinedRows: number
}

/** A request as somebody describes it, to be explained and not sent. Header names in lower case. */
export type DescribedRequest = {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** As JSON text. */
  readonly body: string
}

/** What explaining gives: the decision, or why no route could ever see the request. */
export type ExplainAnswer = Explanation | { readonly error: string }

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

/** A row as the store gives it: the table's own column names, times as ISO 8601, decimals as strings. */
export type Row = Readonly<Record<string, Json>>

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export type TraceRows = {
  readonly trace: Row
  readonly attempts: readonly Row[]
  readonly content?: Row | undefined
}

export type StoreAnswer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** `detail` is without credentials. */
  | { readonly kind: 'unavailable'; readonly detail: string }

export type QueryAnswer =
  | {
      readonly kind: 'ok'
      readonly columns: readonly { readonly name: string; readonly type: string }[]
      readonly rows: readonly (readonly Json[])[]
      readonly isCut: boolean
    }
  /** Not allowed, wrong, or too much. */
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string }

/** Rows of a user received before a time; undefined = all until now. */
export type EraseRequest = { readonly user: string; readonly before: EpochMs | undefined; readonly isDryRun: boolean }

/** The erasure that runs or ran last; `tables` are done. */
export type EraseStatus = {
  readonly tables: readonly {
    readonly table: string
    readonly rows: number
    readonly action: 'deleted' | 'anonymised'
  }[]
} & (
  | { readonly kind: 'idle' | 'running' }
  | { readonly kind: 'done'; readonly isDryRun: boolean }
  | { readonly kind: 'failed'; readonly detail: string }
)

/** Days of UTC as `2026-11-20`, both included; undefined = as far as there are rows. */
export type DayRange = { readonly from: string | undefined; readonly to: string | undefined }

/** The rebuild that runs or ran last; `days` while it runs are per table, 0 while rows are still being aggregated. */
export type RebuildStatus =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly days: number; readonly rebuilt: number }
  | { readonly kind: 'done'; readonly days: readonly string[] }
  | { readonly kind: 'failed'; readonly detail: string }

export type StoreView = StoreFacts & {
  /** How to look at the data; undefined while there is nothing to look at. */
  readonly access: StoreAccess | undefined
}

export type StoreAccess = {
  readonly url: string
  readonly database: string
  /** Of the embedded engine; undefined for a server of the operator's own. */
  readonly readOnly: { readonly username: string; readonly password: string } | undefined
}
