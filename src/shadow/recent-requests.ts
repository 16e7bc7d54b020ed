import { hash } from 'node:crypto'
import type { MonotonicMs } from '../domain/units.ts'

/** An SDK tries again within seconds, or when its provider asked it to wait, within a minute or two. */
const WINDOW_MS = 150_000
const MOST_KEPT = 10_000

/** Knows which bodies were mirrored lately, by their hashes: SDKs repeat a request that failed byte for byte. */
export type RecentRequests = {
  readonly has: (keySubject: string, body: Buffer, now: MonotonicMs) => boolean
  readonly add: (keySubject: string, body: Buffer, now: MonotonicMs) => void
}

export function createRecentRequests(): RecentRequests {
  const seenAt = new Map<string, MonotonicMs>()
  return {
    has: (keySubject, body, now) => {
      const at = seenAt.get(nameOf(keySubject, body))
      return at !== undefined && now - at < WINDOW_MS
    },
    add: (keySubject, body, now) => {
      const name = nameOf(keySubject, body)
      seenAt.delete(name) // to the end: the oldest come first
      seenAt.set(name, now)
      for (const [oldest, at] of seenAt) {
        if (seenAt.size <= MOST_KEPT && now - at < WINDOW_MS) break
        seenAt.delete(oldest)
      }
    },
  }
}

function nameOf(keySubject: string, body: Buffer): string {
  return `${keySubject} ${hash('sha256', body, 'base64url')}`
}
