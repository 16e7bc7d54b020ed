import { describe, expect, it } from 'vitest'
import { createDraws } from '../simulation/draws.ts'
import { wilson } from '../simulation/summary.ts'

describe('the simulation', () => {
  it('gives shares with the intervals of the textbook', () => {
    const { low, high } = wilson(5, 100)
    expect([low, high].map((value) => value.toFixed(4))).toEqual(['0.0215', '0.1118'])
    expect(wilson(0, 100).low).toBe(0)
    expect(wilson(100, 100).high).toBe(1)
  })

  it('draws the same for the same seed, and evenly', () => {
    const of = (seed: number) => {
      const draws = createDraws(seed)
      return Array.from({ length: 20_000 }, draws.unit)
    }
    expect(of(7)).toEqual(of(7))
    const mean = of(7).reduce((sum, value) => sum + value, 0) / 20_000
    // Five standard errors of the mean of 20 000 uniforms.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0103)
    expect(of(8)).not.toEqual(of(7))
  })

  it('draws counts and waits with the mean that was asked for', () => {
    const draws = createDraws(3)
    const meanOf = (draw: () => number) =>
      Array.from({ length: 20_000 }, draw).reduce((sum, value) => sum + value, 0) / 20_000
    expect(Math.abs(meanOf(() => draws.poisson(33)) - 33)).toBeLessThan(0.21)
    expect(Math.abs(meanOf(() => draws.exponential(5)) - 5)).toBeLessThan(0.18)
  })
})
