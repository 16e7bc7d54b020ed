import { draw } from './draw.ts'
import { NO_FAULTS, parseFaults, type Faults } from './faults.ts'
import type { FaultChance } from './model.ts'

/** `name`: the fault in its own words; undefined where nothing befell the request. */
export type DrawnFaults = { readonly faults: Faults; readonly name: string | undefined }

export const NOTHING_BEFELL: DrawnFaults = { faults: NO_FAULTS, name: undefined }

/**
 * Draws what befalls one request after the other, by how many there have been, so that trying again may go better.
 * Throws where a fault is not in the grammar or the probabilities sum to more than 1; `owner` says whose they are.
 */
export function createFaultDraw(
  owner: string,
  name: string,
  faultChances: readonly FaultChance[],
): (seed: number) => DrawnFaults {
  const chances = faultChances.map(({ fault, probability }) => {
    const faults = parseFaults(fault)
    if (typeof faults === 'string') throw new TypeError(`${owner}: ${faults}`)
    return { name: fault, faults, probability }
  })
  const sum = chances.reduce((total, { probability }) => total + probability, 0)
  if (sum > 1 + 1e-9)
    throw new RangeError(`${owner}: the probabilities of its faults sum to ${sum}, expected at most 1`)
  let requests = 0
  return (seed) => {
    if (chances.length === 0) return NOTHING_BEFELL
    requests += 1
    let roll = draw(seed, name, 'fault', requests)
    for (const chance of chances) {
      if (roll < chance.probability) return chance
      roll -= chance.probability
    }
    return NOTHING_BEFELL
  }
}
