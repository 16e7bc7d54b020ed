import type { MonotonicMs } from '../domain/units.ts'

/** How often calls under way are looked at, and so about how much later than its limit a silence is noticed. */
const LOOK_EVERY_MS = 50

/** A call that may be silent for only so long. */
export type Overseen = {
  /** The watch's own: where it keeps this call; undefined while it does not. */
  watchedAt: number | undefined
  /** Called every `LOOK_EVERY_MS`; must not throw. */
  readonly look: (now: MonotonicMs) => void
}

export type SilenceWatch = {
  readonly add: (call: Overseen) => void
  readonly remove: (call: Overseen) => void
}

/**
 * One timer for the time limits of all calls, where undici makes and drops timers for each.
 *
 * The calls are in a list whose gaps are filled with its last: a Set throws its whole table away now and then, and
 * tables that have grown old keep the calls in them from the cheap garbage collection. It cost 10 % and more.
 */
export function createSilenceWatch(monotonic: () => MonotonicMs): SilenceWatch {
  const calls: Overseen[] = []
  let timer: NodeJS.Timeout | undefined
  const lookAtAll = (): void => {
    const now = monotonic()
    // Backwards: what fills the gap of a call that leaves has been looked at already.
    for (let i = calls.length - 1; i >= 0; i--) calls[i]?.look(now)
    if (calls.length > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    add: (call) => {
      if (call.watchedAt !== undefined) return
      call.watchedAt = calls.push(call) - 1
      timer ??= setInterval(lookAtAll, LOOK_EVERY_MS)
    },
    remove: (call) => {
      const at = call.watchedAt
      const last = at === undefined ? undefined : calls.pop()
      if (at === undefined || last === undefined) return
      call.watchedAt = undefined
      if (last === call) return
      calls[at] = last
      last.watchedAt = at
    },
  }
}
