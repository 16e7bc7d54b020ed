import type { SlotAnswer, SlotQuestion } from '../domain/slot-messages.ts'
import type { Listen } from '../domain/policy.ts'
import type { RouteWeights } from '../domain/routing/overlay.ts'
import type { HealthReport } from '../domain/routing/health-report.ts'
import type { PastCall } from '../domain/routing/past-call.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import type { Trip } from '../domain/rollout/rollout-view.ts'
import type { ShadowReport } from '../domain/shadow/shadow-report.ts'
import type { EpochMs } from '../domain/units.ts'

/** A config as it was read: a worker reads it again, from the same environment, and so comes to the same policy. */
export type PolicyText = { readonly text: string; readonly version: string }

/** Live changes on top of the policy; an `Overlay` as JSON can say it. */
export type OverlayTold = {
  readonly revision: string
  readonly weights: readonly (readonly [route: string, weights: RouteWeights])[]
}

/** Where rows go; undefined while there is no server that takes them. Holds a password: for the pipe, never for a log. */
export type StoreTold = {
  readonly address:
    | {
        readonly url: string
        readonly username: string
        readonly password: string
        readonly database: string
        readonly cluster?: string | undefined
      }
    | undefined
  readonly detail: string
}

/** All that a worker needs to serve. */
export type WorkerStart = {
  readonly policy: PolicyText
  readonly overlay: OverlayTold
  /** Where rollouts stand. */
  readonly rollouts: readonly RolloutState[]
  /** As in `ConfigSource`. */
  readonly file: string
  readonly baseDir: string
  /** Where all workers listen. */
  readonly listen: Listen
  readonly instance: string
  readonly version: string
  /** A directory of its own; undefined when nothing is recorded. */
  readonly spoolDir: string | undefined
  readonly spoolMaxBytes: number
  /** How many workers there are, this one included. */
  readonly processes: number
  readonly store: StoreTold
}

/** What a worker knows of itself. */
export type Snapshot = {
  /** All its metrics, in the Prometheus text format. */
  readonly metrics: string
  /** Totals over its tables, as in the admin API. */
  readonly spool: {
    readonly rows: number
    readonly bytes: number
    readonly oldestAt?: EpochMs | undefined // JSON leaves it out
    readonly droppedRows: number
    readonly quarantinedRows: number
  }
  readonly health: HealthReport
  readonly shadows: readonly ShadowReport[]
  /** Why the store takes nothing from it. */
  readonly outage?: string | undefined
}

/** What a worker left behind when it stopped: requests that were cut, rows that wait in its spool. */
export type Stopped = { readonly cutRequests: number; readonly spooledRows: number }

export type ToWorker =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  | { readonly kind: 'policy'; readonly policy: PolicyText }
  | { readonly kind: 'overlay'; readonly overlay: OverlayTold }
  | { readonly kind: 'rollouts'; readonly states: readonly RolloutState[] }
  | { readonly kind: 'store'; readonly store: StoreTold }
  /** What the targets did before the start. */
  | { readonly kind: 'past_calls'; readonly calls: readonly PastCall[] }
  /** What was spent on shadows besides: this worker's share of it, in whole pico-dollars. */
  | {
      readonly kind: 'shadow_spend'
      readonly spent: readonly { readonly shadow: string; readonly hour: string; readonly day: string }[]
    }
  /** Asks for a snapshot with this number. */
  | { readonly kind: 'survey'; readonly number: number }
  /** Finish what is under way within the deadline, hand the rows over, end. */
  | { readonly kind: 'stop'; readonly deadlineMs: number }
  | SlotAnswer

export type FromWorker =
  /** It listens to messages and wants to be told how to start. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'serving'; readonly listen: Listen; readonly policyVersion: string }
  /** It cannot start, for a reason that another try would meet again. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'policy_applied'; readonly version: string }
  /** Without a number: sent by itself, so that little is lost of a worker that is killed. */
  | { readonly kind: 'snapshot'; readonly number?: number | undefined; readonly snapshot: Snapshot }
  /** Its rows were not taken although there should be a store: look whether the tables are there. */
  | { readonly kind: 'store_doubt' }
  /** A candidate has failed here so often that it must go. */
  | { readonly kind: 'rollout_trip'; readonly trip: Trip }
  | { readonly kind: 'stopped'; readonly stopped: Stopped; readonly snapshot: Snapshot }
  | SlotQuestion

/** What is not about a worker's own life. */
export type FromWorkersWork = SlotQuestion | Extract<FromWorker, { readonly kind: 'store_doubt' | 'rollout_trip' }>

const TO_WORKER: Readonly<Record<ToWorker['kind'], true>> = {
  start: true,
  policy: true,
  overlay: true,
  rollouts: true,
  store: true,
  past_calls: true,
  shadow_spend: true,
  survey: true,
  stop: true,
  slot_grant: true,
  slot_refuse: true,
  slot_recall: true,
  slot_ease: true,
}

const FROM_WORKER: Readonly<Record<FromWorker['kind'], true>> = {
  hello: true,
  serving: true,
  failed: true,
  policy_applied: true,
  snapshot: true,
  store_doubt: true,
  rollout_trip: true,
  stopped: true,
  slot_ask: true,
  slot_leave: true,
  slot_return: true,
}

/** The pipe is private to two processes of one program, so the kind vouches for the rest of a message. */
export function isToWorker(message: unknown): message is ToWorker {
  return hasKind(message, TO_WORKER)
}

/** As `isToWorker`. */
export function isFromWorker(message: unknown): message is FromWorker {
  return hasKind(message, FROM_WORKER)
}

function hasKind(message: unknown, kinds: object): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    typeof message.kind === 'string' &&
    Object.hasOwn(kinds, message.kind)
  )
}
