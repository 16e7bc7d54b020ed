import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSpendBudget } from '../../src/domain/spend-budget.ts'

const HOUR_MS = 3_600_000
const NOON = Date.UTC(2026, 10, 20, 12)

describe('a budget', () => {
  test('never lets reservations or what is settled below them pass a limit', () => {
    const call = fc.record({
      bound: fc.bigInt(0n, 50n),
      share: fc.integer({ min: 0, max: 100 }),
      settles: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(call), (calls) => {
        const budget = createSpendBudget()
        for (const { bound, share, settles } of calls) {
          const reserved = budget.reserve(bound, { perHour: 100n, perDay: 300n }, NOON)
          if (settles) reserved?.settle((bound * BigInt(share)) / 100n)
          expect(budget.spend(NOON).hour <= 100n).toBe(true)
        }
      }),
    )
  })

  test('refuses what does not fit, and takes it when an earlier call cost less than was set aside', () => {
    const budget = createSpendBudget()
    const limits = { perHour: 10n, perDay: undefined }
    const first = budget.reserve(8n, limits, NOON)
    expect(budget.reserve(3n, limits, NOON)).toBeUndefined()
    first?.settle(2n)
    expect(budget.reserve(3n, limits, NOON)).toBeDefined()
    expect(budget.spend(NOON)).toEqual({ hour: 5n, day: 5n })
  })

  test('begins anew with the hour, not with the day', () => {
    const budget = createSpendBudget()
    const limits = { perHour: 10n, perDay: 15n }
    const late = budget.reserve(10n, limits, NOON)
    expect(budget.reserve(6n, limits, NOON + HOUR_MS)).toBeUndefined()
    expect(budget.reserve(5n, limits, NOON + HOUR_MS)).toBeDefined()
    // Settled in the next hour: it was never in that one's sum.
    late?.settle(1n)
    expect(budget.spend(NOON + HOUR_MS)).toEqual({ hour: 5n, day: 6n })
  })

  test('counts what an earlier process spent', () => {
    const budget = createSpendBudget()
    budget.add({ hour: 4n, day: 9n }, NOON)
    expect(budget.reserve(7n, { perHour: 10n, perDay: undefined }, NOON)).toBeUndefined()
    expect(budget.reserve(2n, { perHour: undefined, perDay: 10n }, NOON)).toBeUndefined()
    expect(budget.reserve(1n, { perHour: 10n, perDay: 10n }, NOON)).toBeDefined()
  })
})
