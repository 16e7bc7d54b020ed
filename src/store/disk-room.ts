import { statfsSync } from 'node:fs'
import type { World } from '../domain/ports.ts'

/** Enough for the embedded engine to take and merge several segments: it reserves up to twice what it writes. */
const RESERVE_BYTES = 64 * 1024 * 1024
/** Of a small disk, no more than this. */
const RESERVE_SHARE = 1 / 8
const LOOK_EVERY_MS = 100

/**
 * Tells whether the disk under `dir` has more left than a reserve that is not for rows: 64 MiB, or an eighth of a small
 * disk. A spool that fills the disk to its last byte leaves the engine beside it no room to take what the spool holds,
 * and then neither ever gets on. True where the disk cannot be asked.
 */
export function diskRoom(dir: string, world: World): () => boolean {
  let hasRoom = true
  let lookAt = -Infinity
  return () => {
    const now = world.monotonic()
    if (now >= lookAt) {
      lookAt = now + LOOK_EVERY_MS
      hasRoom = hasMoreThanReserve(dir)
    }
    return hasRoom
  }
}

function hasMoreThanReserve(dir: string): boolean {
  try {
    const { bsize, blocks, bavail } = statfsSync(dir)
    return bavail * bsize > Math.min(RESERVE_BYTES, blocks * bsize * RESERVE_SHARE)
  } catch {
    return true
  }
}
