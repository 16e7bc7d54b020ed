import { describe, expect, it } from 'vitest'
import { type EffectivenessInputs, effectiveness } from '../../src/domain/feedback/effectiveness.ts'
import type { Yardstick } from '../../src/domain/feedback/readings.ts'
import { aTally, someScores } from '../fakes/a-feedback.ts'

const PAIRS: Yardstick = { source: 'pairs', evaluator: 'judge', version: 'v1' }

function traffic(task: string, arm: string, requests: number, usdEach: number, fallenBack = 0) {
  return { task, arm, requests, fallenBack, priced: requests, usd: requests * usdEach, usdVariance: usdEach ** 2 }
}

function pairs(task: string, arm: string, count: number, mean: number) {
  return someScores(arm, count, 0, { task, yardstick: PAIRS, tally: aTally(count, mean, 0.2) })
}

const INPUTS: EffectivenessInputs = {
  baseline: 'a/large',
  traffic: [
    traffic('coding', 'a/large', 400, 0.01),
    traffic('coding', 'b/small', 600, 0.001, 30),
    traffic('math', 'a/large', 1_000, 0.02, 20),
  ],
  quality: [
    pairs('coding', 'b/small', 100, -0.02),
    someScores('a/large', 500, 0.8, { task: 'math' }),
    someScores('b/small', 500, 0.6, { task: 'math' }),
  ],
  accuracy: [{ task: 'coding', pairs: 100, cheaperWouldDo: 15, dearerWasNeeded: 5 }],
  minimum: { math: 0.75 },
}

describe('what routing has brought', () => {
  it('is a saving with its baseline, its interval and the share of the traffic behind it', () => {
    const report = effectiveness(INPUTS)
    // 600 × (0.01 − 0.001) of 1,000 × 0.01 and 1,000 × 0.02; error 600 × 0.01 / √400.
    expect(report.savedUsd).toBeCloseTo(5.4, 9)
    expect(report.saving?.mean).toBeCloseTo(5.4 / 30, 9)
    expect(report.saving?.low).toBeCloseTo((5.4 - 1.959964 * 0.3) / 30, 9)
    expect(report).toMatchObject({ requests: 2_000, backedShare: 1, isEnough: true, pairs: 100 })
    expect(report.quality?.mean).toBeCloseTo((600 / 2_000) * -0.02, 9)
    expect(report.quality?.high).toBeCloseTo(0.3 * (-0.02 + 1.959964 * Math.sqrt((0.2 * 100) / 99 / 100)), 9)
    expect(report.fallback.mean).toBeCloseTo(0.025, 9)
    expect(report.isFallbackHigh).toBe(false)
    expect(report.accuracy?.mean).toBeCloseTo(0.8, 9)
  })

  it('is not enough evidence where pairs speak for less than 30 % of what went elsewhere', () => {
    const few = effectiveness({
      ...INPUTS,
      traffic: [traffic('coding', 'a/large', 290, 0.01), traffic('coding', 'b/small', 710, 0.001)],
      quality: [pairs('coding', 'b/small', 49, 0)],
    })
    expect(few).toMatchObject({ isEnough: false, backedShare: 0, quality: undefined })
  })

  it('is backed by nothing that the baseline answered itself', () => {
    const kept = effectiveness({
      ...INPUTS,
      traffic: [
        traffic('coding', 'a/large', 700, 0.01),
        traffic('coding', 'b/small', 200, 0.001),
        traffic('math', 'b/small', 100, 0.001),
      ],
      quality: [pairs('math', 'b/small', 50, 0)],
    })
    // Of 1,000 requests 300 went elsewhere, of which pairs speak for 100.
    expect(kept).toMatchObject({ isEnough: true, elsewhere: 300, backedShare: 1 / 3 })
    const unbacked = effectiveness({ ...INPUTS, quality: [] })
    expect(unbacked).toMatchObject({ isEnough: false, elsewhere: 600, backedShare: 0 })
  })

  it('says nothing of a saving where it is not known what the baseline costs', () => {
    const { saving, savedUsd } = effectiveness({ ...INPUTS, traffic: [traffic('coding', 'b/small', 600, 0.001)] })
    expect([saving, savedUsd]).toEqual([undefined, undefined])
  })

  it('warns of more than one fallback in ten', () => {
    expect(effectiveness({ ...INPUTS, traffic: [traffic('x', 'a/large', 100, 1, 11)] }).isFallbackHigh).toBe(true)
    expect(effectiveness({ ...INPUTS, traffic: [traffic('x', 'a/large', 100, 1, 10)] }).isFallbackHigh).toBe(false)
  })

  it('shows each model at each task beside the least that is acceptable there', () => {
    expect(effectiveness(INPUTS).matrix).toMatchObject([
      { task: 'math', arm: 'a/large', minimum: 0.75, isBelow: false },
      { task: 'math', arm: 'b/small', minimum: 0.75, isBelow: true, scores: 500 },
    ])
  })

  it('of no traffic is nothing', () => {
    expect(effectiveness({ ...INPUTS, traffic: [], quality: [], accuracy: [] })).toMatchObject({
      requests: 0,
      backedShare: 0,
      isEnough: false,
      saving: undefined,
      accuracy: undefined,
      matrix: [],
    })
  })
})
