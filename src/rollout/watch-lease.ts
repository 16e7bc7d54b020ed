import { setTimeout as delay } from 'node:timers/promises'
import type { Closable, World } from '../domain/ports.ts'
import type { DeciderPace, DeciderStore } from './ports.ts'

/** Whether this proxy is the one that decides. */
export type LeaseWatch = Closable & { readonly start: () => void; readonly isHeld: () => boolean }

export type LeaseWatchOptions = {
  readonly store: Pick<DeciderStore, 'isReady' | 'holdLease' | 'giveBackLease'>
  /** Of this process and no other. */
  readonly holder: string
  readonly isWanted: () => boolean
  readonly pace: DeciderPace
  readonly world: Pick<World, 'monotonic'>
  readonly onTaken: () => void
}

/** Another proxy takes over when the one that decided has been silent for so long: with its own look, within 30 s. */
const LONGEST_LEASE_MS = 20_000
const SHORTEST_LEASE_MS = 3_000

/** Takes the right to decide when nobody has it, and holds on to it. */
export function watchLease({ store, holder, isWanted, pace, world, onTaken }: LeaseWatchOptions): LeaseWatch {
  const leaseMs = Math.min(LONGEST_LEASE_MS, Math.max(SHORTEST_LEASE_MS, 10 * pace.tickMs))
  /** By this process's own clock, and from before the server was asked: never later than the server's. */
  let heldUntil = Number.NEGATIVE_INFINITY
  const closing = new AbortController()
  let watching: Promise<void> = Promise.resolve()

  async function watch(): Promise<void> {
    const { signal } = closing
    while (!signal.aborted) {
      if (isWanted() && store.isReady()) await ask()
      await delay(leaseMs * 0.3, undefined, { signal }).catch(() => undefined)
    }
  }

  async function ask(): Promise<void> {
    const [askedAt, wasHeld] = [world.monotonic(), isHeld()]
    const answer = await store.holdLease(holder, leaseMs)
    if (answer === 'unavailable') return
    heldUntil = answer === 'held' ? askedAt + leaseMs : Number.NEGATIVE_INFINITY
    if (!wasHeld && isHeld()) onTaken()
  }

  function isHeld(): boolean {
    return world.monotonic() < heldUntil
  }

  return {
    start: () => {
      watching = watch()
    },
    isHeld,
    close: async () => {
      closing.abort()
      await watching
      if (isHeld()) await store.giveBackLease()
      heldUntil = Number.NEGATIVE_INFINITY
    },
  }
}
