import { describe, expect, it } from 'vitest'
import { scenarioNamed } from './scenario.ts'
import { simulateMany } from './summary.ts'

// Seeded: the same runs each time. How many decide how much a test can promise; test/long/rollouts.test.ts has the rest.
const simulate = (name: string, runs: number) => simulateMany(scenarioNamed(name), runs)

describe('what the whole policy does with', { timeout: 120_000 }, () => {
  it('an equal candidate: it gets everything, as fast as the evidence allows', () => {
    const { promoted, medianHoursToFull } = simulate('equal', 30)
    expect(promoted.share).toBeGreaterThanOrEqual(0.95)
    expect(medianHoursToFull).toBeGreaterThan(8)
    expect(medianHoursToFull).toBeLessThan(15)
  })

  it('a candidate worse by the margin: next to never promoted', () => {
    expect(simulate('at the margin (.03)', 20).promoted.share).toBeLessThanOrEqual(0.05)
  })

  it('five points worse: rolled back, at 25 % at the latest as a rule, and never promoted', () => {
    const { promoted, rolledBack, rollbacks } = simulate('.05 worse', 10)
    expect(promoted.share).toBe(0)
    expect(rolledBack.share).toBe(1)
    expect((rollbacks['5% quality'] ?? 0) + (rollbacks['25% quality'] ?? 0)).toBeGreaterThanOrEqual(8)
  })

  it('ten points worse: rolled back at the first step, after about a thousand requests', () => {
    const { rolledBack, medianExposed } = simulate('.10 worse', 15)
    expect(rolledBack.share).toBe(1)
    expect(medianExposed).toBeLessThan(1300)
  })

  it('ten points worse, with a shadow before: rolled back before any user sees it', () => {
    const { rollbacks, medianExposed } = simulate('.10 worse, shadow first', 10)
    expect(rollbacks).toEqual({ 'shadow quality': 10 })
    expect(medianExposed).toBe(0)
  })

  it('errors of 10 % instead of 1 %: rolled back at the first step, after about 150 requests', () => {
    const { rolledBack, medianExposed } = simulate('errors 1 → 10 %', 20)
    expect(rolledBack.share).toBe(1)
    expect(medianExposed).toBeLessThan(200)
  })

  it('an equal candidate among users who differ, come back, and swing with the hour: it gets everything', () => {
    expect(simulate('equal, 5 requests per unit, ICC .4', 10).promoted.share).toBeGreaterThanOrEqual(0.9)
    expect(simulate('equal, drifting, late, 6 % missing', 10).promoted.share).toBeGreaterThanOrEqual(0.9)
  })

  it('an equal candidate at 5,000 requests a day and the small pace: it gets everything within 14 days', () => {
    expect(simulate('pace small, equal, 5,000 a day', 8).promoted.share).toBe(1)
  })
})
