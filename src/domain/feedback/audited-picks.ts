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
  /** Conversations or users that `requests` are of, or, where they have none, the requests themselves. */
  readonly units: number
  /** Over the units: requests (n), right picks (r) and regret in US dollars (g) of each, squared and multiplied. */
  readonly squares: UnitSquares
}

export type UnitSquares = {
  readonly nn: number
  readonly rn: number
  readonly rr: number
  readonly gn: number
  readonly gg: number
}

/** How often routing picks the model that is worth most. */
export type AuditedPicks = {
  readonly requests: number
  readonly partial: number
  /** As of `AuditedTask`. */
  readonly units: number
  /** Share of the route's traffic that the audited requests speak for. */
  readonly backedShare: number
  /** Undefined where nothing may be claimed: too little of the traffic, or nothing that was judged. */
  readonly accuracy: Estimate | undefined
  readonly tasks: readonly (Estimate & { readonly task: string; readonly requests: number; readonly units: number })[]
  /** Mean of a request; its interval is undefined where it is of fewer than `LEAST_UNITS`, or no pick was wrong. */
  readonly regretUsd: Regret | undefined
}

export type Regret = {
  readonly mean: number
  readonly interval: { readonly low: number; readonly high: number } | undefined
}

/** With fewer the spread among them says too little of the error of a mean. */
const LEAST_UNITS = 20
const NORMAL_95 = 1.959964

/** Below it nothing is published, as of a saving (decision 20). */
export const LEAST_BACKED_SHARE = 0.3

/**
 * What a routing audit has found. Pure. A unit that asks about several tasks is taken for as many, of which each weighs for
 * itself in the whole.
 */
export function auditedPicks(rows: readonly AuditedTask[], backedShare: number): AuditedPicks {
  const all = together(rows)
  const { requests, units } = all
  const counts = { requests, partial: all.partial, units, backedShare }
  if (requests === 0 || !(backedShare >= LEAST_BACKED_SHARE)) {
    return { ...counts, accuracy: undefined, tasks: [], regretUsd: undefined }
  }
  return {
    ...counts,
    accuracy: shareRight(all),
    tasks: rows
      .filter((row) => row.requests > 0)
      .map((row) => ({ task: row.task, requests: row.requests, units: row.units, ...shareRight(row) })),
    regretUsd: meanRegret(all),
  }
}

type Sums = Omit<AuditedTask, 'task'>

function together(rows: readonly AuditedTask[]): Sums {
  const total = (of: (row: AuditedTask) => number): number => rows.reduce((sum, row) => sum + of(row), 0)
  const square = (key: keyof UnitSquares): number => total((row) => row.squares[key])
  return {
    requests: total((row) => row.requests),
    partial: total((row) => row.partial),
    right: total((row) => row.right),
    regretUsd: total((row) => row.regretUsd),
    units: total((row) => row.units),
    squares: { nn: square('nn'), rn: square('rn'), rr: square('rr'), gn: square('gn'), gg: square('gg') },
  }
}

/**
 * Wilson's interval for as many independent requests as these are worth: p (1 − p) by the variance of the ratio of sums over
 * units (Kish 1965, 6.4), no more than there are and no fewer than if all of a unit said the same.
 */
function shareRight({ requests, right, units, squares: { nn, rn, rr } }: Sums): Estimate {
  const mean = right / requests
  const least = requests ** 2 / nn
  const variance = ratioVariance(mean, { requests, units, products: [rr, rn, nn] })
  const worth = mean === 0 || mean === 1 || units < 2 ? least : (mean * (1 - mean)) / variance
  const effective = Math.min(requests, Math.max(least, worth))
  return { mean, ...proportionInterval(mean * effective, effective) }
}

function meanRegret({ requests, regretUsd, units, squares: { nn, gn, gg } }: Sums): Regret {
  const mean = regretUsd / requests
  if (units < LEAST_UNITS || mean === 0) return { mean, interval: undefined }
  const half = NORMAL_95 * Math.sqrt(ratioVariance(mean, { requests, units, products: [gg, gn, nn] }))
  return { mean, interval: { low: Math.max(0, mean - half), high: mean + half } }
}

/** Of `mean` = Σx / Σn over units, of `products` Σx², Σxn and Σn² (Cochran 1977, 6.9; units as drawn at random). */
function ratioVariance(
  mean: number,
  {
    requests,
    units,
    products: [xx, xn, nn],
  }: { readonly requests: number; readonly units: number; readonly products: readonly [number, number, number] },
): number {
  const spread = Math.max(0, xx - 2 * mean * xn + mean ** 2 * nn)
  return (units / (units - 1)) * (spread / requests ** 2)
}
