/** Items that wait, within a number and a size; the newest is refused. */
export type BoundedQueue<T> = {
  /** False where there is no room. */
  readonly push: (item: T, bytes: number, maxItems: number) => boolean
  readonly shift: () => T | undefined
  readonly size: () => number
}

/** A queue of at most `maxBytes`. */
export function createBoundedQueue<T>(maxBytes: number): BoundedQueue<T> {
  // A Set keeps the order and gives up its first member in constant time.
  const items = new Set<{ readonly item: T; readonly bytes: number }>()
  let held = 0
  return {
    push: (item, bytes, maxItems) => {
      if (items.size >= maxItems || held + bytes > maxBytes) return false
      items.add({ item, bytes })
      held += bytes
      return true
    },
    shift: () => {
      for (const entry of items) {
        items.delete(entry)
        held -= entry.bytes
        return entry.item
      }
      return undefined
    },
    size: () => items.size,
  }
}
