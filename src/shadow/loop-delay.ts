import type { MonotonicMs } from '../domain/units.ts'

/** How late the event loop runs. */
export type LoopDelay = {
  /** The latest that a timer came within the last second or so, in milliseconds. */
  readonly worstMs: () => number
  readonly close: () => void
}

const EVERY_MS = 100
const LOOKS = 10

export function watchLoopDelay(monotonic: () => MonotonicMs): LoopDelay {
  const delays: number[] = []
  let expectedAt = monotonic() + EVERY_MS
  const timer = setInterval(() => {
    const now = monotonic()
    delays.push(Math.max(0, now - expectedAt))
    if (delays.length > LOOKS) delays.shift()
    expectedAt = now + EVERY_MS
  }, EVERY_MS).unref()
  return {
    // A timer that is overdue just now has not pushed its delay yet.
    worstMs: () => Math.max(0, monotonic() - expectedAt, ...delays),
    close: () => clearInterval(timer),
  }
}
