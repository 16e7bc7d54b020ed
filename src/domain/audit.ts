import type { Controls } from './request.ts'
import type { EpochMs, PicoUsd, RequestId } from './units.ts'

/** What runs are called that a person asks for. */
export const GOLDEN = 'golden'

/**
 * Tag of every request that an audit makes. Such questions go the way of traffic and cost what it costs, but are no evidence
 * about it: analyses leave out what has `tags['audit'] = 'golden'`, and nothing scores their answers but the audit itself.
 */
export const AUDIT_TAGS = { audit: GOLDEN } as const

export function isAuditQuestion({ tags }: Pick<Controls, 'tags'>): boolean {
  return tags['audit'] === AUDIT_TAGS.audit
}

/** One entry of `audits:`: known questions down every path that answers, on a schedule. */
export type AuditPolicy = {
  readonly name: string
  /** Absolute path of a file of questions, read anew for every run. */
  readonly questionsFile: string
  /** Runs are due at the multiples of this time since 1970 (UTC). */
  readonly everyMs: number
  /** Of one run. */
  readonly budget: PicoUsd
  /** Least acceptable mean for tasks of which the policy says none; undefined: these are only shown. */
  readonly minimum: number | undefined
  /** Undefined: every route. */
  readonly routes: ReadonlySet<string> | undefined
  /** Sent as a client's key; undefined: none is. */
  readonly key: string | undefined
  readonly maxConcurrent: number
}

/** `route`: as a client would be answered; `target`: one model, whatever leads there. */
export type AuditPathKind = 'route' | 'target'

/** What one path answered to one question. */
export type AuditAnswer = {
  readonly kind: AuditPathKind
  /** Name of the route, or `provider/model`. */
  readonly path: string
  readonly question: string
  readonly task: string
  readonly answeredAt: EpochMs
  /** Undefined where no request came to be. */
  readonly traceId: RequestId | undefined
  /** In [0, 1]; undefined: nothing that could be scored, and `failure` says why. */
  readonly value: number | undefined
  readonly failure: string
  /** That answered; empty where none did. */
  readonly model: string
  /** Undefined = not known. */
  readonly picoUsd: PicoUsd | undefined
}

/** How right one path is about one task. */
export type AuditCell = {
  readonly kind: AuditPathKind
  readonly path: string
  readonly task: string
  readonly answered: number
  /** Questions without an answer that can be scored; each counts as wrong. */
  readonly failed: number
  readonly mean: number
  readonly low: number
  readonly high: number
  /** Least acceptable mean; undefined: none is set, and `isPassed` says nothing either. */
  readonly minimum: number | undefined
  readonly isPassed: boolean | undefined
  readonly picoUsd: PicoUsd | undefined
}

/** Why a run ended: all was asked, or its money was spent before. */
export type AuditEnding = 'complete' | 'budget'

/** A run that has ended. */
export type AuditRun = {
  readonly audit: string
  /** ISO 8601: when it was due, or, of one that a person asked for, when it began. */
  readonly run: string
  /** First 16 hex digits of the SHA-256 of the questions. */
  readonly questionSet: string
  readonly endedAt: EpochMs
  readonly ending: AuditEnding
  readonly cells: readonly AuditCell[]
  readonly policyVersion: string
}

/** Which answers belong together. */
export type AuditRunKey = Pick<AuditRun, 'audit' | 'run' | 'questionSet'>

/** What a process knows of one audit. */
export type AuditStatus = {
  readonly audit: string
  readonly state:
    | 'waiting'
    | 'running'
    /** Another process asks. */
    | 'elsewhere'
    /** It cannot run just now; `detail` says why. */
    | 'stuck'
  readonly detail: string
  /** Of the run under way in this process. */
  readonly asked: number
  readonly questions: number
  readonly nextAt: EpochMs
  /** Paths that are left out, and why. */
  readonly leftOut: readonly { readonly path: string; readonly why: string }[]
  /** The one that ended last, here or elsewhere. */
  readonly last: AuditRun | undefined
  /** Since this process began. */
  readonly totals: { readonly answered: number; readonly failed: number; readonly picoUsd: PicoUsd }
}

/** Whether a run found everything good enough: nothing below its minimum, and all was asked. */
export function isAuditPassed({ ending, cells }: Pick<AuditRun, 'ending' | 'cells'>): boolean {
  return ending === 'complete' && cells.every(({ isPassed }) => isPassed !== false)
}
