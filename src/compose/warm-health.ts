import type { Log } from '../domain/ports.ts'
import type { PastCall } from '../domain/routing/past-call.ts'
import type { Store } from '../store/store.ts'

/** A start that ClickHouse keeps waiting for longer knows its targets by itself. */
const TIMEOUT_MS = 5_000

/**
 * Tells `warm` of the calls of the last `windowMs` once the store is ready for the first time, and never again: later
 * the process knows better. Nothing waits for it, and without an answer it is as if there had been no calls.
 */
export function warmHealth(
  store: Pick<Store, 'status' | 'subscribe' | 'reads'>,
  windowMs: () => number,
  warm: (calls: readonly PastCall[]) => void,
  log: Log,
): void {
  let isAsked = false
  const ask = async (): Promise<void> => {
    const read = await store.reads.pastCalls(windowMs(), AbortSignal.timeout(TIMEOUT_MS))
    if (read.kind === 'unavailable') return log.warn('health_not_warmed', { detail: read.detail })
    warm(read.value)
  }
  const look = (): void => {
    if (isAsked || store.status().kind !== 'ready') return
    isAsked = true
    ask().catch((error: unknown) => log.error('health_not_warmed', { bug: error }))
  }
  store.subscribe(look)
  look()
}
