import { hash } from 'node:crypto'
import type { Unit } from '../domain/units.ts'

/** A number in [0, 1) that depends on the seed and the parts alone: the simulator's only dice. */
export function draw(seed: number, ...parts: readonly (string | number)[]): Unit {
  return digest(seed, parts).readUIntBE(0, 6) / 2 ** 48
}

/** An endless row of draws from one seed; for text and vectors, where one hash per number would be slow. */
export function drawSequence(seed: number, ...parts: readonly (string | number)[]): () => Unit {
  let state = digest(seed, parts).readUInt32BE(0)
  // mulberry32: 32 bits of state are plenty for made-up words.
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** `length` letters and digits, different for every ordinal: the random part of the providers' ids. */
export function idText(seed: number, ordinal: number, length: number): string {
  // The finaliser is a bijection on 32 bits, so two ordinals never start from the same state.
  let state = mix(ordinal ^ mix(seed)) || 1
  let text = ''
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    text += ALPHABET.charAt((state >>> 0) % ALPHABET.length)
  }
  return text
}

/** The member of `choices` that `roll` falls on. Throws on an empty list. */
export function pickFrom<T>(choices: readonly T[], roll: Unit): T {
  const chosen = choices[Math.floor(roll * choices.length)]
  if (chosen === undefined) throw new RangeError('pickFrom: expected at least one choice, found none')
  return chosen
}

function digest(seed: number, parts: readonly (string | number)[]): Buffer {
  return hash('sha256', `${seed}\u0000${parts.join('\u0000')}`, 'buffer')
}

/** MurmurHash3's 32-bit finaliser. */
function mix(value: number): number {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
