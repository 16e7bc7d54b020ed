import { proportionInterval } from '../statistics/proportion-interval.ts'
import type { Estimate } from './effectiveness.ts'

/** Requests of one task that were put to every model of their route, each with a verdict on every answer. */
export type AuditedTask = {
  readonly task: string
  readonly requests: number
  /** Not of these: audited, but without a verdict or a cost for some model. */
  readonly partial: number
  /** Of `requests`: the model that answered was worth the most, or as much. */
  readonly right: number
  /** How much more the best would have been worth, of all of them. */
  readonly regretUsd: number
}

/** How often routing picks the model that is worth most. */
export type AuditedPicks = {
  readonly requests: number
  readonly partial: number
  /** Share of the route's traffic that the audited requests speak for. */
  readonly backedShare: number
  /** Undefined where nothing may be claimed: too little of the traffic, or nothing that was judged. */
  readonly accuracy: Estimate | undefined
  readonly tasks: readonly (Estimate & { readonly task: string; readonly requests: number })[]
  /** Mean of a request. */
  readonly regretUsd: number | undefined
}

/** Below it nothing is published, as of a saving (decision 20). */
export const LEAST_BACKED_SHARE = 0.3

/** What a routing audit has found. Pure. */
export function auditedPicks(rows: readonly AuditedTask[], backedShare: number): AuditedPicks {
  const total = (of: (row: AuditedTask) => number): number => rows.reduce((sum, row) => sum + of(row), 0)
  const requests = total((row) => row.requests)
  const counts = { requests, partial: total((row) => row.partial), backedShare }
  if (requests === 0 || !(backedShare >= LEAST_BACKED_SHARE)) {
    return { ...counts, accuracy: undefined, tasks: [], regretUsd: undefined }
  }
  return {
    ...counts,
    accuracy: shareOf(
      total((row) => row.right),
      requests,
    ),
    tasks: rows
      .filter((row) => row.requests > 0)
      .map((row) => ({ task: row.task, requests: row.requests, ...shareOf(row.right, row.requests) })),
    regretUsd: total((row) => row.regretUsd) / requests,
  }
}

function shareOf(count: number, of: number): Estimate {
  return { mean: count / of, ...proportionInterval(count, of) }
}
