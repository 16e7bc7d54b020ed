import type { Cell } from './ports.ts'

/**
 * A cell that holds `initial` until the first swap.
 *
 * A listener may swap again: the new value is told to every listener after the one being told now, so all of them
 * see the same values in the same order. A listener that throws does not keep the others from being told; what it
 * threw is thrown from `swap` afterwards, and the value stays swapped.
 */
export function createCell<T>(initial: T): Cell<T> {
  let value = initial
  const listeners = new Set<(value: T) => void>()
  const untold: T[] = []
  let isTelling = false

  function tellAll(): void {
    const thrown: unknown[] = []
    isTelling = true
    for (const next of untold) {
      // As subscribed when the telling begins: whoever subscribes meanwhile hears from the next swap on.
      for (const listener of new Set(listeners)) {
        // Unsubscribed by a listener told before it: it asked not to hear any more.
        if (!listeners.has(listener)) continue
        try {
          listener(next)
        } catch (error) {
          thrown.push(error)
        }
      }
    }
    untold.length = 0
    isTelling = false
    if (thrown.length === 1) throw thrown[0]
    if (thrown.length > 1) throw new AggregateError(thrown, 'several listeners of a cell failed')
  }

  return {
    current: () => value,
    swap: (next) => {
      value = next(value)
      untold.push(value)
      if (!isTelling) tellAll()
    },
    subscribe: (listener) => {
      // Wrapped, so that the same function subscribed twice is told twice and unsubscribed once.
      const own = (next: T): void => listener(next)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
