import { describe, expect, it } from 'vitest'
import { statedCostOf } from '../../src/dialects/stated-cost.ts'
import { NO_RATES } from '../../src/domain/cost.ts'
import type { StatedCost } from '../../src/domain/provider-traits.ts'
import { NOTHING_USED, type Usage } from '../../src/domain/usage.ts'
import { LIBRARY_VERSION } from '../../src/pricing/library-rates.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const SOURCE = `genai-prices@${LIBRARY_VERSION}`
const ONE_IN: Usage = { ...NOTHING_USED, uncachedInputTokens: 1 }

describe('what the provider says it charged', () => {
  const charged = (form: StatedCost): Usage => ({ ...ONE_IN, statedCost: { form, picoUsd: 77 } })
  const book = createPriceBook({
    providers: new Map([
      ['router', { pricedAs: 'openai', statedCost: 'cost' as const }],
      ['other', { pricedAs: 'openai' }],
    ]),
    prices: [{ provider: 'router', model: 'mine', rates: { ...NO_RATES, uncachedInput: 5 } }],
  })
  const pricedAt = (provider: string, model: string, usage: Usage): unknown => {
    const cost = book.price({ provider, model, usage, at: NOW })
    return cost.kind === 'priced' ? [cost.picoUsd, cost.source] : cost.why
  }

  it('is the cost, whatever the library knows, and by no rates', () => {
    expect(pricedAt('router', 'gpt-4o', charged('cost'))).toEqual([77n, 'provider'])
    expect(pricedAt('router', 'nobody-knows-this', charged('cost'))).toEqual([77n, 'provider'])
    expect(book.price({ provider: 'router', model: 'gpt-4o', usage: charged('cost'), at: NOW })).toMatchObject({
      rates: NO_RATES,
    })
  })

  it('gives way to the operator’s own price', () => {
    expect(pricedAt('router', 'mine', charged('cost'))).toEqual([5n, 'config'])
  })

  it('is not believed where the provider is not known to say it, or says it elsewhere', () => {
    expect(pricedAt('other', 'gpt-4o', charged('cost'))).toEqual([2_500_000n, SOURCE])
    expect(pricedAt('router', 'gpt-4o', charged('cost_in_usd_ticks'))).toEqual([2_500_000n, SOURCE])
    expect(pricedAt('router', 'gpt-4o', ONE_IN)).toEqual([2_500_000n, SOURCE])
  })

  it.each<readonly [string, Record<string, unknown>, unknown]>([
    ['USD', { cost: 0.95 }, { form: 'cost', picoUsd: 950_000_000_000 }],
    ['nothing', { cost: 0 }, { form: 'cost', picoUsd: 0 }],
    [
      'the fee alone unless the key is one’s own',
      { cost: 1, cost_details: { upstream_inference_cost: 19 } },
      { form: 'cost', picoUsd: 1e12 },
    ],
    ['a total', { cost: { total_cost: 0.005134 } }, { form: 'cost.total_cost', picoUsd: 5_134_000_000 }],
    ['ticks', { cost_in_usd_ticks: 3 }, { form: 'cost_in_usd_ticks', picoUsd: 300 }],
    ['text', { cost: '0.5' }, undefined],
    ['less than nothing', { cost: -1 }, undefined],
    ['more than a call can cost', { cost: 1e5 }, undefined],
    ['no number', { cost: { total_cost: null }, cost_in_usd_ticks: {} }, undefined],
  ])('is read from a usage as %s', (_, stated, expected) => {
    expect(statedCostOf(stated)).toEqual(expected)
  })
})
