import { normalCdf } from './gamma.ts'

/** What is believed of one choice: normal with this mean and standard deviation (above 0). */
export type Belief = { readonly mean: number; readonly deviation: number }

const INTERVALS = 400
/** Standard deviations to either side that are integrated over; what lies beyond weighs under 10⁻¹⁵. */
const REACH = 8

/**
 * P(each is the best of all), summing to 1, by Simpson's rule instead of draws: the same beliefs give the same shares.
 */
export function probabilityBest(beliefs: readonly Belief[]): readonly number[] {
  const raw = beliefs.map((belief, index) => {
    const others = beliefs.filter((_, other) => other !== index)
    let sum = 0
    for (let step = 0; step <= INTERVALS; step++) {
      const z = -REACH + (2 * REACH * step) / INTERVALS
      const weight = step === 0 || step === INTERVALS ? 1 : step % 2 === 1 ? 4 : 2
      const value = belief.mean + z * belief.deviation
      let density = Math.exp(-(z * z) / 2)
      for (const other of others) density *= normalCdf((value - other.mean) / other.deviation)
      sum += weight * density
    }
    return sum
  })
  const total = raw.reduce((sum, value) => sum + value, 0)
  return raw.map((value) => value / total)
}
