import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { globMatcher } from '../../src/pricing/glob.ts'
import { aUsage } from '../fakes/an-exchange.ts'

const NOW = Date.UTC(2026, 10, 20, 12)

/** A pico-dollar for each token, of whatever kind. */
const FLAT = {
  uncachedInput: 1,
  cacheRead: 1,
  cacheWrite5m: 1,
  cacheWrite1h: 1,
  audioInput: 1,
  textOutput: 1,
  reasoning: 1,
  audioOutput: 1,
  webSearch: 1,
}
describe('names that clients make up', () => {
  it('match a pattern as the regular expression that it stands for', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'B', '.', '-'), maxLength: 8 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '*'), maxLength: 6 })
    fc.assert(
      fc.property(pattern, name, (glob, text) => {
        const expression = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 'is')
        expect(globMatcher(glob)(text)).toBe(expression.test(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it('cost no more time than their length, whatever the pattern', () => {
    const name = 'gpt-'.padEnd(60_000, '-')
    const startedAt = performance.now()
    expect(globMatcher('gpt-*-*-*-*-x')(name)).toBe(false)
    expect(performance.now() - startedAt).toBeLessThan(1_000) // a backtracking match takes 1.7 s for 1,500 characters
  })

  it('are unpriced when no model can have them, even under a price for every model', () => {
    const book = createPriceBook({ prices: [{ provider: '*', model: '*', rates: FLAT }], providers: new Map() })
    const price = (model: string) => book.price({ provider: 'local', model, usage: aUsage(), at: NOW })
    expect(price('x'.repeat(200))).toMatchObject({ kind: 'priced', picoUsd: 1_200n })
    expect(price('x'.repeat(201))).toMatchObject({ kind: 'unpriced', why: 'unknown_model' })
  })
})
