import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addPairs,
  addSums,
  logWealth,
  lowerBound,
  momentsOf,
  type PairCounts,
  promotionEvidence,
  promotionSums,
  rollbackEvidence,
  rollbackSums,
  upperBound,
} from '../../src/domain/statistics/paired-betting.ts'
import { badEventEvidence, withoutQuiet } from '../../src/domain/statistics/rate-ratio.ts'
import { sampleRatioEvidence } from '../../src/domain/statistics/sample-ratio.ts'

const difference = fc.oneof(fc.constantFrom(-1, -0.5, 0, 0.5, 1), fc.double({ min: -1, max: 1, noNaN: true }))
const pairs: fc.Arbitrary<PairCounts> = fc.array(fc.tuple(difference, fc.nat({ max: 2_000_000 })), { maxLength: 8 })
const margin = fc.double({ min: -0.2, max: 0.3, noNaN: true })
const window = fc
  .tuple(fc.nat(1000), fc.nat(1000), fc.nat(100), fc.nat(100))
  .map(([candidate, control, badCandidate, badControl]) => ({
    candidate,
    control,
    badCandidate: Math.min(candidate, badCandidate),
    badControl: Math.min(control, badControl),
  }))

/** Equal as far as sums of doubles can be, in either order. */
function same(one: number, other: number): boolean {
  return one === other || Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(one), Math.abs(other))
}

describe('paired betting', () => {
  it('comes to the same pair by pair, in blocks, in any order, or all at once', () => {
    fc.assert(
      fc.property(pairs, margin, (counts, at) => {
        const inBlocks = counts.map((pair) => promotionSums([pair], at)).reduceRight(addSums, promotionSums([], at))
        expect(same(logWealth(inBlocks), promotionEvidence(counts, at))).toBe(true)
        const harm = counts.map((pair) => rollbackSums([pair], at)).reduceRight(addSums, rollbackSums([], at))
        expect(same(logWealth(harm), rollbackEvidence(counts, at))).toBe(true)
        expect(
          same(promotionEvidence(addPairs(counts, counts), at), promotionEvidence([...counts, ...counts], at)),
        ).toBe(true)
      }),
    )
  })

  it('is a number for millions of pairs, whatever they are', () => {
    fc.assert(
      fc.property(pairs, margin, (counts, at) => {
        expect(promotionEvidence(counts, at)).not.toBeNaN()
        expect(rollbackEvidence(counts, at)).not.toBeNaN()
      }),
    )
  })

  it('finds a wider margin easier to keep, and a worse harm harder to show', () => {
    fc.assert(
      fc.property(pairs, margin, margin, (counts, one, other) => {
        const [narrow, wide] = [Math.min(one, other), Math.max(one, other)]
        expect(promotionEvidence(counts, wide)).toBeGreaterThanOrEqual(promotionEvidence(counts, narrow) - 1e-6)
        expect(rollbackEvidence(counts, wide)).toBeLessThanOrEqual(rollbackEvidence(counts, narrow) + 1e-6)
      }),
    )
  })

  it('never expects to win: over the next pair, a bet on what is false has mean wealth of at most 1', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.3, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (at, spread) => {
          // Two differences, half and half, whose mean is exactly at the margin: the worst that the bet may meet.
          const reach = spread * (1 - at)
          const [low, high] = [-at - reach, -at + reach]
          const mean = (value: (counts: PairCounts) => number): number =>
            (Math.exp(value([[low, 1]])) + Math.exp(value([[high, 1]]))) / 2
          expect(mean((counts) => promotionEvidence(counts, at))).toBeLessThanOrEqual(1 + 1e-12)
          expect(mean((counts) => rollbackEvidence(counts, at))).toBeLessThanOrEqual(1 + 1e-12)
        },
      ),
    )
  })

  it('has bounds on both sides of the mean, that meet the e-values they invert', () => {
    fc.assert(
      fc.property(pairs, (counts) => {
        const low = lowerBound(counts, 0.05)
        const high = upperBound(counts, 0.05)
        const { pairs: total, mean } = momentsOf(counts)
        expect(total === 0 || (low <= mean && mean <= high)).toBe(true)
        expect(low <= -1 || promotionEvidence(counts, -low) >= Math.log(20)).toBe(true)
        expect(low <= -1 || promotionEvidence(counts, -low - 1e-6) < Math.log(20)).toBe(true)
      }),
    )
  })
})

describe('bad events', () => {
  it('are a number for any windows, and no evidence of harm where only the control fails', () => {
    fc.assert(
      fc.property(fc.array(window, { maxLength: 50 }), (windows) => {
        expect(badEventEvidence(windows)).not.toBeNaN()
        const onlyControl = windows.map((each) => ({ ...each, badCandidate: 0 }))
        expect(badEventEvidence(onlyControl)).toBeLessThanOrEqual(1e-12)
      }),
    )
  })

  it('are the same in evidence and sums where the windows without any are put together', () => {
    const quiet = window.map((each) => ({ ...each, badCandidate: 0, badControl: 0 }))
    const mixed = fc.array(fc.oneof(window, quiet), { maxLength: 50 })
    fc.assert(
      fc.property(mixed, (windows) => {
        const fewer = withoutQuiet(windows)
        expect(same(badEventEvidence(fewer), badEventEvidence(windows))).toBe(true)
        const silent = fewer.filter(({ badCandidate, badControl }) => badCandidate + badControl === 0)
        expect(silent.length).toBeLessThanOrEqual(1)
        for (const key of ['candidate', 'control', 'badCandidate', 'badControl'] as const) {
          const sum = (of: typeof windows): number => of.reduce((total, each) => total + each[key], 0)
          expect(sum([...fewer])).toBe(sum(windows))
        }
      }),
    )
  })

  it('never expect to win: given one bad event, a candidate at the tolerated ratio has mean wealth of at most 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 }), (candidate, control) => {
        const of = (badCandidate: number, badControl: number): number =>
          Math.exp(badEventEvidence([{ candidate, control, badCandidate, badControl }]))
        const share = (candidate * 1.25) / (candidate * 1.25 + control)
        expect(share * of(1, 0) + (1 - share) * of(0, 1)).toBeLessThanOrEqual(1 + 1e-12)
      }),
    )
  })
})

describe('sample ratio', () => {
  it('never expects to win: over the next unit of a right split, the e-value keeps its mean', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (one, other, share) => {
        const of = (left: number, right: number): number =>
          sampleRatioEvidence([
            { observed: left, share },
            { observed: right, share: 1 - share },
          ])
        const now = of(one, other)
        const next = share * Math.exp(of(one + 1, other) - now) + (1 - share) * Math.exp(of(one, other + 1) - now)
        expect(next).toBeCloseTo(1, 6)
      }),
    )
  })
})
