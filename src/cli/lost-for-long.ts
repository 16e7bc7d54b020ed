import type { Store } from '../store/store.ts'

/**
 * A signal that aborts once the store has been down for `patienceMs` without a break. `forget` lets go of it, and must be
 * called.
 */
export function lostForLong(
  { subscribe }: Pick<Store, 'subscribe'>,
  patienceMs: number,
): { readonly signal: AbortSignal; readonly forget: () => void } {
  const lost = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  const unsubscribe = subscribe(({ kind }) => {
    if (kind === 'down') timer ??= setTimeout(() => lost.abort(), patienceMs)
    else stop()
  })
  return {
    signal: lost.signal,
    forget: () => {
      unsubscribe()
      stop()
    },
  }
}
