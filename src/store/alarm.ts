import type { World } from '../domain/ports.ts'

const QUIET_MS = 10_000

/**
 * Reports a loss at once the first time, then at most every ten seconds with the sum of what came in between: a full
 * disk would fill itself with log lines otherwise. The exact counts are in the status.
 */
export function alarm(world: World, report: (count: number) => void): (count: number) => void {
  let unreported = 0
  let quietUntil = -Infinity
  return (count) => {
    unreported += count
    const now = world.monotonic()
    if (now < quietUntil) return
    quietUntil = now + QUIET_MS
    report(unreported)
    unreported = 0
  }
}
