import type { Percentiles } from '../domain/routing/health-report.ts'
import type { MonotonicMs } from '../domain/units.ts'

/**
 * Bounds of the buckets grow by a tenth, so that a percentile is at most 5 % off (DDSketch, arxiv.org/abs/1908.10693,
 * with α = 1/21), from 1 ms to beyond an hour: everything shorter or longer is in the first or last one.
 */
const GROWTH = 1.1
const PER_NATURAL_LOG = 1 / Math.log(GROWTH)
const BUCKETS = 160
/** Of a bucket's upper bound, where the error is the same both ways. */
const MIDDLE = 2 / (1 + GROWTH)
/** What was seen this long ago weighs half. */
const HALF_LIFE_MS = 60_000

/** How long calls took, the newer ones weighing more. Nothing is made anew for a call. */
export type LatencySketch = {
  readonly add: (durationMs: number, now: MonotonicMs) => void
  /** Undefined where nothing is left of what was added. */
  readonly percentiles: (now: MonotonicMs) => Percentiles | undefined
}

export function createLatencySketch(): LatencySketch {
  const weights = new Float64Array(BUCKETS)
  let halvedAt = Number.NEGATIVE_INFINITY

  function decay(now: MonotonicMs): void {
    if (now - halvedAt < HALF_LIFE_MS) return
    const halvings = Math.floor((now - halvedAt) / HALF_LIFE_MS)
    if (halvings > 50) weights.fill(0)
    else for (let index = 0; index < BUCKETS; index++) weights[index] = (weights[index] ?? 0) / 2 ** halvings
    halvedAt = halvings > 50 ? now : halvedAt + halvings * HALF_LIFE_MS
  }

  function quantile(share: number, total: number): number {
    let before = 0
    let index = 0
    while (index < BUCKETS - 1 && before + (weights[index] ?? 0) < share * total) before += weights[index++] ?? 0
    return GROWTH ** index * MIDDLE
  }

  return {
    add: (durationMs, now) => {
      decay(now)
      const index = durationMs > 1 ? Math.min(BUCKETS - 1, Math.ceil(Math.log(durationMs) * PER_NATURAL_LOG)) : 0
      weights[index] = (weights[index] ?? 0) + 1
    },
    percentiles: (now) => {
      decay(now)
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      // After some halvings a handful of calls says nothing any more.
      if (total < 0.5) return undefined
      return { p50: quantile(0.5, total), p95: quantile(0.95, total), p99: quantile(0.99, total), calls: total }
    },
  }
}
