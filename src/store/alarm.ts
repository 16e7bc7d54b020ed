import type { World } from '../domain/ports.ts'

const QUIET_MS = 10_000

/**
 * Reports a loss at once the first time, then at most every ten seconds with the sum of what came in between: a full
 * disk would fill itself with log lines otherwise. The last sum is reported too when nothing follows, unless the
 * process ends before. The exact counts are in the status.
 */
export function alarm(
  world: Pick<World, 'monotonic'>,
  report: (count: number) => void,
  quietMs = QUIET_MS,
): (count: number) => void {
  let unreported = 0
  let quietUntil = -Infinity
  let timer: NodeJS.Timeout | undefined
  const tell = (): void => {
    clearTimeout(timer)
    timer = undefined
    quietUntil = world.monotonic() + quietMs
    const count = unreported
    unreported = 0
    report(count)
  }
  return (count) => {
    unreported += count
    const quietFor = quietUntil - world.monotonic()
    if (quietFor <= 0) tell()
    else timer ??= setTimeout(tell, quietFor).unref()
  }
}
