import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { armOf, armShares, comparedShares, rendezvous, unitShare } from '../../src/domain/assign.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const percent = fc.double({ min: 0, max: 100, noNaN: true })
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('unitShare', () => {
  it('gives the reference values', () => {
    const shares = ['user-1', 'user-2', 'user-3', 'user-42', 'conv:abc'].map((unit) => unitShare('ro_9f2c', unit))
    const expected = [0.047313826, 0.982784568, 0.047587081, 0.483318626, 0.977350743]
    for (const [index, value] of expected.entries()) expect(shares[index]).toBeCloseTo(value, 9)
  })

  it('is uniform, and independent between salts', () => {
    const units = Array.from({ length: 20_000 }, (_, index) => `unit-${index}`)
    const quarters = [0, 0, 0, 0]
    let both = 0
    for (const unit of units) {
      const first = unitShare('live', unit)
      const quarter = Math.floor(first * 4)
      quarters[quarter] = (quarters[quarter] ?? 0) + 1
      if (first < 0.5 && unitShare('shadow', unit) < 0.5) both += 1
    }
    // Five standard deviations of 20 000 draws at 1/4: 306.
    for (const count of [...quarters, both]) expect(Math.abs(count - 5000)).toBeLessThan(306)
  })
})

describe('armOf', () => {
  it('only adds candidate units when the percentage rises, and takes them from control only past one half', () => {
    fc.assert(
      fc.property(share, percent, percent, fc.boolean(), (unit, one, other, isBaking) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)]
        const before = armOf(unit, armShares(low, isBaking))
        const after = armOf(unit, armShares(high, isBaking))
        const mayMove = before === 'none' || (before === 'control' && high > 50)
        expect(mayMove || after === before).toBe(true)
      }),
    )
  })

  it('keeps whoever is control at 5 % on stable through every step and the bake', () => {
    fc.assert(
      fc.property(share, percent, (unit, at) => {
        if (armOf(unit, armShares(5, false)) !== 'control') return
        expect(armOf(unit, armShares(Math.max(5, at), true))).toBe('control')
      }),
    )
  })

  it('gives candidate and control the same size up to one half, and leaves nobody out from there', () => {
    fc.assert(
      fc.property(percent, fc.boolean(), (at, isBaking) => {
        const { candidate, control } = armShares(at, isBaking)
        expect(candidate + control).toBeLessThanOrEqual(1)
        expect(at <= 50 ? control === candidate : candidate + control === 1).toBe(true)
      }),
    )
  })
})

describe('comparedShares', () => {
  it('compares arms of one size, within the arms that answer', () => {
    fc.assert(
      fc.property(share, percent, fc.boolean(), (unit, at, isBaking) => {
        const shares = armShares(at, isBaking)
        const compared = comparedShares(shares)
        expect(compared.candidate).toBe(compared.control)
        const arm = armOf(unit, compared)
        expect(['none', armOf(unit, shares)]).toContain(arm)
      }),
    )
  })
})

describe('rendezvous', () => {
  const weighted = (weights: Readonly<Record<string, number>>) =>
    Object.entries(weights).map(([key, weight]) => ({ key, weight, value: key }))

  it('gives the reference values', () => {
    const choices = weighted({ a: 0.7, b: 0.2, c: 0.1 })
    const chosen = ['user-1', 'user-2', 'user-3', 'user-42'].map((unit) => rendezvous('ro_9f2c', unit, choices))
    expect(chosen).toEqual(['a', 'a', 'a', 'c'])
  })

  it('never chooses weight 0, and nothing where no weight is above 0', () => {
    fc.assert(
      fc.property(text, text, fc.dictionary(text, fc.constantFrom(0, 1e-300, 0.5, 7)), (salt, unit, weights) => {
        const chosen = rendezvous(salt, unit, weighted(weights))
        const isAnyAboveZero = Object.values(weights).some((weight) => weight > 0)
        expect(chosen === undefined ? !isAnyAboveZero : (weights[chosen] ?? 0) > 0).toBe(true)
      }),
    )
  })

  it('moves units only towards the choice whose weight rises', () => {
    fc.assert(
      fc.property(text, text, fc.double({ min: 1, max: 9, noNaN: true }), (salt, unit, raised) => {
        const before = rendezvous(salt, unit, weighted({ a: 1, b: 1, c: 1 }))
        const after = rendezvous(salt, unit, weighted({ a: raised, b: 1, c: 1 }))
        expect([before, 'a']).toContain(after)
      }),
    )
  })

  it('shares units by weight, whatever the weights sum to', () => {
    const choices = weighted({ a: 7, b: 2, c: 1 })
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 }
    for (let index = 0; index < 20_000; index++) {
      const chosen = rendezvous('salt', `unit-${index}`, choices) ?? ''
      counts[chosen] = (counts[chosen] ?? 0) + 1
    }
    expect(counts.a).toBeGreaterThan(13_650)
    expect(counts.a).toBeLessThan(14_350)
    expect(counts.c).toBeGreaterThan(1_780)
    expect(counts.c).toBeLessThan(2_220)
  })
})
