import type { StatedCost } from '../domain/provider-traits.ts'
import type { Usage } from '../domain/usage.ts'
import { asRecord, type JsonRecord } from './json-value.ts'

const PICO_PER_USD = 1e12
/** docs.x.ai: a tick is 10⁻¹⁰ USD. */
const PICO_PER_TICK = 100

/** What a usage object says the call was charged; undefined where it says nothing of the kind. */
export function statedCostOf(usage: JsonRecord): Usage['statedCost'] {
  const { cost } = usage
  if (typeof cost === 'number') return charged('cost', (cost + ownKeyCost(usage)) * PICO_PER_USD)
  const total = asRecord(cost)?.['total_cost']
  if (typeof total === 'number') return charged('cost.total_cost', total * PICO_PER_USD)
  const ticks = usage['cost_in_usd_ticks']
  return typeof ticks === 'number' ? charged('cost_in_usd_ticks', ticks * PICO_PER_TICK) : undefined
}

/**
 * With a key of one's own at the model's provider, OpenRouter's `cost` is its fee alone; what that provider charges stands
 * beside it (openrouter.ai/docs/use-cases/usage-accounting, "Cost Breakdown").
 */
function ownKeyCost(usage: JsonRecord): number {
  const upstream = asRecord(usage['cost_details'])?.['upstream_inference_cost']
  return usage['is_byok'] === true && typeof upstream === 'number' ? upstream : 0
}

/** A negative amount, or one beyond nine thousand dollars for a call, is a provider's bug. */
function charged(form: StatedCost, amount: number): Usage['statedCost'] {
  const picoUsd = Math.round(amount)
  return picoUsd >= 0 && Number.isSafeInteger(picoUsd) ? { form, picoUsd } : undefined
}
