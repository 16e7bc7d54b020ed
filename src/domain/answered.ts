import type { Cost } from './cost.ts'
import type { AuditMark } from './pair.ts'
import type { Api } from './request.ts'
import type { Target } from './target.ts'
import type { EpochMs, RequestId, Unit } from './units.ts'

/** One model's answer to a request, as it came: bytes that nobody has read yet, held in memory only. */
export type AnsweredSide = {
  readonly attemptId: RequestId
  readonly target: Target
  /** HTTP status; 0 = no answer came. */
  readonly status: number
  /** Decoded body, streams included; empty where none came. */
  readonly body: Buffer
  readonly cost: Cost
  readonly durationMs: number
  readonly firstTokenMs: number | undefined
}

/** A live answer that may be scored. */
export type LiveAnswer = {
  readonly traceId: RequestId
  readonly receivedAt: EpochMs
  readonly api: Api
  /** Decoded body of the client's request. */
  readonly requestBody: Buffer
  readonly answer: AnsweredSide
  readonly route: string
  readonly task: string
  readonly arm: string
  readonly unit: string | undefined
  /** At least so many of such answers are scored and judged; 0 where nobody compares them. */
  readonly leastShare: Unit
  readonly policyVersion: string
}

/** Two answers to one request, to be compared. */
export type AnsweredPair = {
  readonly traceId: RequestId
  /** The shadow, or the rollout, that wants them compared. */
  readonly comparison: string
  /** Both are of the stable model (A/A). */
  readonly isControl: boolean
  readonly api: Api
  /** Decoded body of the client's request. */
  readonly requestBody: Buffer
  readonly stable: AnsweredSide
  readonly candidate: AnsweredSide
  readonly route: string
  readonly task: string
  readonly unit: string | undefined
  /** The candidate was sent a redacted prompt. */
  readonly isRedacted: boolean
  readonly policyVersion: string
  /** Undefined: of no routing audit. */
  readonly audit?: AuditMark | undefined
}

/** `compared`: rows of it are in the spool; `queue_full`: dropped unread. */
export type CompareOutcome = 'compared' | 'queue_full' | 'unreadable'
