import type { CallCounts } from '../domain/routing/breaker.ts'
import { LATEST_CALLS } from '../domain/routing/breaker.ts'
import type { MonotonicMs } from '../domain/units.ts'

/** The window slides in steps of a 24th of its length: 5 s of two minutes. */
const BUCKETS = 24
const LATEST_MASK = 2 ** LATEST_CALLS - 1

/** Counts calls for a breaker. Nothing is made anew for a call; `counts` is one object that always tells the present. */
export type CallCounter = {
  readonly counts: CallCounts
  readonly count: (hasFailed: boolean, now: MonotonicMs) => void
  /** Counts calls of the past into the window; what is older than the window is left out. */
  readonly addPast: (hasFailed: boolean, at: MonotonicMs, now: MonotonicMs) => void
  /** Lets go of what has left the window by `now`. */
  readonly slide: (now: MonotonicMs) => void
  readonly clear: () => void
  /** Another length begins with an empty window. */
  readonly setWindow: (windowMs: number) => void
}

export function createCallCounter(initialWindowMs: number): CallCounter {
  let windowMs = initialWindowMs
  let bucketMs = windowMs / BUCKETS
  /** Number of the newest bucket since the clock's zero. */
  let newest = Number.NEGATIVE_INFINITY
  let nextAt = Number.NEGATIVE_INFINITY
  const calls = new Int32Array(BUCKETS)
  const failures = new Int32Array(BUCKETS)
  /** One bit per call, the newest lowest; set = failed. */
  let latestBits = 0
  const latest = { calls: 0, failures: 0 }
  const window = { calls: 0, failures: 0 }
  const counts = { inARow: 0, latest, window }

  function slide(now: MonotonicMs): void {
    if (now < nextAt) return
    const bucket = Math.floor(now / bucketMs)
    if (bucket - newest >= BUCKETS) empty()
    else for (let gone = newest + 1; gone <= bucket; gone++) drop(slotOf(gone))
    newest = bucket
    nextAt = (bucket + 1) * bucketMs
  }

  function drop(slot: number): void {
    window.calls -= calls[slot] ?? 0
    window.failures -= failures[slot] ?? 0
    calls[slot] = 0
    failures[slot] = 0
  }

  function empty(): void {
    calls.fill(0)
    failures.fill(0)
    window.calls = 0
    window.failures = 0
  }

  function add(bucket: number, hasFailed: boolean): void {
    const slot = slotOf(bucket)
    calls[slot] = (calls[slot] ?? 0) + 1
    window.calls += 1
    if (!hasFailed) return
    failures[slot] = (failures[slot] ?? 0) + 1
    window.failures += 1
  }

  return {
    counts,
    count: (hasFailed, now) => {
      slide(now)
      add(newest, hasFailed)
      counts.inARow = hasFailed ? counts.inARow + 1 : 0
      // What leaves the register is taken out of the sum before it is gone.
      latest.failures += Number(hasFailed) - ((latestBits >>> (LATEST_CALLS - 1)) & 1)
      latestBits = ((latestBits << 1) | Number(hasFailed)) & LATEST_MASK
      if (latest.calls < LATEST_CALLS) latest.calls += 1
    },
    addPast: (hasFailed, at, now) => {
      slide(now)
      const bucket = Math.floor(at / bucketMs)
      if (bucket <= newest && newest - bucket < BUCKETS) add(bucket, hasFailed)
    },
    slide,
    clear: () => {
      empty()
      latestBits = 0
      latest.calls = 0
      latest.failures = 0
      counts.inARow = 0
    },
    setWindow: (next) => {
      if (next === windowMs) return
      windowMs = next
      bucketMs = windowMs / BUCKETS
      newest = Number.NEGATIVE_INFINITY
      nextAt = Number.NEGATIVE_INFINITY
      empty()
    },
  }
}

/** Also of buckets before the clock's zero, in which calls of an earlier process are. */
function slotOf(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS
}
