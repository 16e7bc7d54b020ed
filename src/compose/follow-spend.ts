import type { Log, World } from '../domain/ports.ts'
import type { Spend } from '../domain/spend-budget.ts'
import type { Store } from '../store/store.ts'

/** Between two looks at what other proxies have spent on shadows. */
const EVERY_MS = 30_000
const TIMEOUT_MS = 10_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export type FollowSpendOptions = {
  readonly store: Pick<Store, 'status' | 'subscribe' | 'reads'>
  /** As on the rows of this proxy's processes. */
  readonly instance: string
  /** Whether there is any shadow whose budget counts. */
  readonly isWanted: () => boolean
  /** Gets what was spent besides, since the last time. */
  readonly add: (spent: ReadonlyMap<string, Spend>) => void
  readonly world: World
  readonly log: Log
}

/**
 * Tells shadows what was spent before this proxy began, and what other proxies spend, as far as it is in the store. So the
 * sum of several proxies may pass a budget by what the others spend in about half a minute. Returns the end of it.
 */
export function followSpend({ store, instance, isWanted, add, world, log }: FollowSpendOptions): () => void {
  const startedAt = world.now()
  let known = new Map<string, Spend>()
  let knownAt = 0
  let isAsking = false

  const ask = async (): Promise<void> => {
    const now = world.now()
    const read = await store.reads.shadowSpend({ instance, startedAt, now }, AbortSignal.timeout(TIMEOUT_MS))
    if (read.kind === 'unavailable') return log.warn('shadow_spend_unknown', { detail: read.detail })
    const isSame = (lengthMs: number): boolean => Math.floor(knownAt / lengthMs) === Math.floor(now / lengthMs)
    const more = new Map<string, Spend>()
    const next = new Map<string, Spend>()
    for (const { shadow, spent } of read.value) {
      const before = known.get(shadow)
      next.set(shadow, spent)
      more.set(shadow, {
        hour: spent.hour - (isSame(HOUR_MS) ? (before?.hour ?? 0n) : 0n),
        day: spent.day - (isSame(DAY_MS) ? (before?.day ?? 0n) : 0n),
      })
    }
    known = next
    knownAt = now
    if (more.size > 0) add(more)
  }
  const look = (): void => {
    if (isAsking || !isWanted() || store.status().kind !== 'ready') return
    isAsking = true
    ask()
      .catch((error: unknown) => log.error('shadow_spend_unknown', { bug: error }))
      .finally(() => (isAsking = false))
  }
  const unsubscribe = store.subscribe(look)
  const timer = setInterval(look, EVERY_MS).unref()
  look()
  return () => {
    clearInterval(timer)
    unsubscribe()
  }
}
