/** Bytes of requests and answers that all shadows of a process may hold at once. */
const MOST_HELD_BYTES = 64 * 1024 * 1024

/** Bounds the memory of all that waits, runs and is compared. */
export type Hold = {
  /** False where there is no room; else they are held until `release`. */
  readonly take: (bytes: number) => boolean
  readonly release: (bytes: number) => void
  readonly heldBytes: () => number
}

export function createHold(mostBytes = MOST_HELD_BYTES): Hold {
  let held = 0
  return {
    take: (bytes) => {
      if (held + bytes > mostBytes) return false
      held += bytes
      return true
    },
    release: (bytes) => {
      held -= bytes
    },
    heldBytes: () => held,
  }
}
