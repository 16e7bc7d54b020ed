import { describe, expect, it } from 'vitest'
import { agreement } from '../../src/domain/statistics/agreement.ts'
import { targetShares } from '../../src/domain/feedback/target-shares.ts'
import { probabilityBest } from '../../src/domain/statistics/best-of.ts'
import { basisPoints, boundedStep } from '../../src/domain/statistics/bounded-step.ts'
import { chiSquareTail, lnGamma, normalCdf } from '../../src/domain/statistics/gamma.ts'
import { coverageOf, missingByArm } from '../../src/domain/statistics/missingness.ts'
import {
  BETS,
  lowerBound,
  momentsOf,
  promotionEvidence,
  rollbackEvidence,
  upperBound,
} from '../../src/domain/statistics/paired-betting.ts'
import { badEventEvidence, RATE_RATIOS } from '../../src/domain/statistics/rate-ratio.ts'
import { sampleRatioChiSquare, sampleRatioEvidence } from '../../src/domain/statistics/sample-ratio.ts'
import { REFERENCE } from '../fakes/reference-values.ts'

const LN_20 = Math.log(20)

describe('paired betting', () => {
  it('bets the published shares', () => {
    expect(BETS).toEqual(REFERENCE.lambdaGrid)
  })

  it.each(REFERENCE.pairedBetting)('gives the reference e-values and bounds for $n pairs', (reference) => {
    const { counts } = reference
    expect(momentsOf(counts).pairs).toBe(reference.n)
    expect(momentsOf(counts).mean).toBeCloseTo(reference.mean, 6)
    expect(momentsOf(counts).variance).toBeCloseTo(reference.var, 6)
    for (const [margin, logE] of Object.entries(reference.logE_promote)) {
      expect(promotionEvidence(counts, Number(margin))).toBeCloseTo(logE, 6)
    }
    for (const [margin, logE] of Object.entries(reference.logE_rollback)) {
      expect(rollbackEvidence(counts, Number(margin))).toBeCloseTo(logE, 6)
    }
    expect(lowerBound(counts, 0.05)).toBeCloseTo(reference.lcb_a05, 6)
    expect(upperBound(counts, 0.0125)).toBeCloseTo(reference.ucb_a0125, 6)
  })

  it.each(Object.entries(REFERENCE.minPairsAllZeroToPromote))(
    'shows two equal models non-inferior at %s with exactly %i ties',
    (margin, pairs) => {
      expect(promotionEvidence([[0, pairs]], Number(margin))).toBeGreaterThanOrEqual(LN_20)
      expect(promotionEvidence([[0, pairs - 1]], Number(margin))).toBeLessThan(LN_20)
    },
  )

  it.each(Object.entries(REFERENCE.minPairsToRollback_ln80_dr015))('shows harm at once: %s after %i', (all, pairs) => {
    const difference = Number(all.replace('all_', ''))
    expect(rollbackEvidence([[difference, pairs]], 0.015)).toBeGreaterThanOrEqual(Math.log(80))
    expect(rollbackEvidence([[difference, pairs - 1]], 0.015)).toBeLessThan(Math.log(80))
  })

  it('knows nothing without pairs', () => {
    expect(promotionEvidence([], 0.03)).toBe(0)
    expect(rollbackEvidence([], 0.015)).toBe(0)
    expect([lowerBound([], 0.05), upperBound([], 0.05)]).toEqual([-1, 1])
  })

  it('refuses a difference that no pair can have', () => {
    expect(() => promotionEvidence([[1.5, 1]], 0.03)).toThrow('must lie in [-1, 1]')
    expect(() => promotionEvidence([[Number.NaN, 1]], 0.03)).toThrow('must lie in [-1, 1]')
  })
})

describe('bad events', () => {
  it('weighs the published ratios', () => {
    expect(RATE_RATIOS).toEqual(REFERENCE.rateRatioGrid)
  })

  it.each(REFERENCE.badEventEprocess)('gives the reference e-values', (reference) => {
    expect(badEventEvidence(reference.windows, 1.25)).toBeCloseTo(reference['logE_r0_1.25'], 6)
  })

  it('gives the reference e-value where nothing worse is tolerated', () => {
    const [first] = REFERENCE.badEventEprocess
    expect(badEventEvidence(first?.windows ?? [], 1)).toBeCloseTo(first?.logE_r0_1 ?? Number.NaN, 6)
  })

  it('says nothing of windows in which one arm was not there', () => {
    const alone = { candidate: 50, control: 0, badCandidate: 50, badControl: 0 }
    expect(badEventEvidence([alone, { ...alone, candidate: 0, badCandidate: 0, control: 9 }])).toBe(0)
  })
})

describe('sample ratio', () => {
  it.each(REFERENCE.srm)('gives the reference χ², p and e-value for $obs', ({ obs, w, chi2, p, seqLogE }) => {
    const cells = obs.map((observed, index) => ({ observed, share: w === '1/3' ? 1 / 3 : (w[index] ?? 0) }))
    const shown = sampleRatioChiSquare(cells)
    expect(shown.statistic).toBeCloseTo(chi2, 4)
    expect(shown.p / p).toBeCloseTo(1, 5)
    expect(sampleRatioEvidence(cells)).toBeCloseTo(seqLogE, 4)
  })

  it('is neither sure nor unsure of nothing', () => {
    const cells = [0.5, 0.5].map((share) => ({ observed: 0, share }))
    expect(sampleRatioEvidence(cells)).toBeCloseTo(0, 12)
    expect(sampleRatioChiSquare(cells)).toEqual({ statistic: 0, p: 1 })
  })
})

describe('missing scores', () => {
  it('are counted over both arms and compared between them', () => {
    const [candidate, control] = [
      { expected: 400, scored: 330 },
      { expected: 400, scored: 380 },
    ]
    expect(coverageOf([candidate, control])).toBeCloseTo(0.8875, 12)
    // χ² = 800 (70·380 − 20·330)² / (400·400·90·710) = 31.299; p by erfc of another library.
    expect(missingByArm(candidate, control) / 2.212e-8).toBeCloseTo(1, 4)
    expect(missingByArm(candidate, candidate)).toBe(1)
  })

  it('say nothing where nothing was expected, or nothing is missing', () => {
    expect(coverageOf([{ expected: 0, scored: 0 }])).toBeUndefined()
    expect(missingByArm({ expected: 0, scored: 0 }, { expected: 9, scored: 3 })).toBe(1)
    expect(missingByArm({ expected: 5, scored: 5 }, { expected: 9, scored: 9 })).toBe(1)
  })
})

describe('weights', () => {
  it('gives the reference probabilities of being the best', () => {
    const { mu, sd, p, withFloor05 } = REFERENCE.pBest
    const beliefs = mu.map((mean, index) => ({ mean, deviation: sd[index] ?? 0 }))
    const shares = probabilityBest(beliefs)
    const floored = targetShares(beliefs, 1, { floor: 0.05, ceiling: 1 })
    for (const [index, value] of p.entries()) expect(shares[index]).toBeCloseTo(value, 6)
    for (const [index, value] of withFloor05.entries()) expect(floored[index]).toBeCloseTo(value, 6)
  })

  it('takes the reference step, and no longer one', () => {
    const { cur, target, step, next, bp } = REFERENCE.boundedStep
    const taken = boundedStep(cur, target, step)
    for (const [index, value] of next.entries()) expect(taken[index]).toBeCloseTo(value, 12)
    expect(basisPoints(taken)).toEqual(bp)
    expect(boundedStep([0.5, 0.5], [0.45, 0.55], 0.1)).toEqual([0.45, 0.55])
    expect(basisPoints([1 / 3, 1 / 3, 1 / 3])).toEqual([3334, 3333, 3333])
  })
})

describe('agreement', () => {
  it('gives the reference κ', () => {
    const { table, kappa, linearWeighted } = REFERENCE.kappa3x3
    expect(agreement(table)).toBeCloseTo(kappa, 6)
    expect(agreement(table, 'linear')).toBeCloseTo(linearWeighted, 6)
    expect(
      agreement([
        [5, 0],
        [0, 0],
      ]),
    ).toBeUndefined()
  })
})

describe('special functions', () => {
  it('agree with tables', () => {
    expect(lnGamma(0.5)).toBeCloseTo(0.5 * Math.log(Math.PI), 13)
    expect(lnGamma(11) / Math.log(3_628_800)).toBeCloseTo(1, 14)
    expect(lnGamma(1e6) / 12_815_504.569147611).toBeCloseTo(1, 14)
    expect(lnGamma(1e-5)).toBeCloseTo(11.512919692895826, 11)
    expect(chiSquareTail(3.841458820694124, 1)).toBeCloseTo(0.05, 12)
    expect(chiSquareTail(18.307038053275146, 10)).toBeCloseTo(0.05, 12)
    expect(chiSquareTail(0, 3)).toBe(1)
    expect(normalCdf(-1.959963984540054)).toBeCloseTo(0.025, 12)
    expect(normalCdf(-8) / 6.220960574271785e-16).toBeCloseTo(1, 9)
  })
})
