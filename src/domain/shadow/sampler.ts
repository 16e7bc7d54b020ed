import { hash } from 'node:crypto'
import type { RequestId } from '../units.ts'
import type { Shadow } from './shadow.ts'

/** Of FNV-1a, for 32 bits. */
const FNV_PRIME = 0x01000193

/**
 * Tells of any request whether it is in the sample of a shadow: the same for the same id and salt, each id drawn with
 * probability `sample`, a larger sample holding a smaller one, and samples of two salts knowing nothing of each other.
 *
 * Every request is asked, so the draw is FNV-1a over the id, begun with the first four bytes of sha256(salt) and mixed by
 * MurmurHash3's fmix32: a tenth of the time of the SHA-256 by which units are dealt to arms (`assign`), which is verified
 * in SQL. Nobody chooses the id of a request.
 */
export function samplerOf({ salt, sample }: Pick<Shadow, 'salt' | 'sample'>): (id: RequestId) => boolean {
  const seed = Number.parseInt(hash('sha256', `shadow:${salt}:sample`, 'hex').slice(0, 8), 16)
  const drawn = sample * 2 ** 32
  return (id) => {
    let h = seed
    for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), FNV_PRIME)
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0 < drawn
  }
}
