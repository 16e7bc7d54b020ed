import { type CallCost, costOf, costOfParts, NO_RATES, type Rates } from '../domain/cost.ts'
import type { Policy, Provider } from '../domain/policy.ts'
import type { PriceCall, PricedCall } from '../domain/ports.ts'
import type { EpochMs, PicoUsd } from '../domain/units.ts'
import { inputTokens, type Usage } from '../domain/usage.ts'
import { findPrice, type ListedPrice, overridesOf, type PriceOverrides } from './find-price.ts'
import { MAX_NAME_LENGTH } from './library-rates.ts'
import { serviceTierOf } from './service-tier.ts'

/** What prices depend on besides the library: the operator's own, and which provider is priced as which. */
export type PriceSettings = Pick<Policy, 'prices'> & {
  readonly providers: ReadonlyMap<string, Pick<Provider, 'pricedAs'> & Partial<Pick<Provider, 'statedCost'>>>
}

export type PriceBook = {
  readonly price: PriceCall
  /** Prices calls from now on by another policy. */
  readonly setPolicy: (settings: PriceSettings) => void
}

/** Prices kept per (provider, model, tier); model names come from clients, so their number must have an end. */
const MAX_LISTED = 2_000

const NO_USAGE: CallCost = { kind: 'unpriced', why: 'no_usage' }
const NO_NAME: ListedPrice = { kind: 'unpriced', why: 'unknown_model', from: -Infinity, until: Infinity }

/**
 * The operator's own prices, then what the provider says it charged where that is to be believed, then
 * @pydantic/genai-prices, then unpriced: never zero for want of a price. A price is
 * looked up once per provider, model and tier, and again when it is no longer in force.
 */
export function createPriceBook(settings: PriceSettings): PriceBook {
  let { providers } = settings
  let overrides: PriceOverrides = overridesOf(settings.prices)
  let listed = new Map<string, ListedPrice>()

  const find = (provider: string, model: string, tier: string | undefined, at: EpochMs): ListedPrice => {
    if (model.length > MAX_NAME_LENGTH) return NO_NAME // nor kept as a key: it may be as long as a body
    const key = `${provider}\n${model}\n${tier ?? ''}`
    const known = listed.get(key)
    if (known !== undefined && known.from <= at && at < known.until) return known
    const pricedAs = providers.get(provider)?.pricedAs ?? provider
    const found = findPrice({ overrides, provider, pricedAs, model, tier, at })
    if (listed.size >= MAX_LISTED) listed = new Map()
    listed.set(key, found)
    return found
  }

  const price = ({ provider, model, usage, at }: PricedCall): CallCost => {
    if (usage === undefined) return NO_USAGE
    const own = find(provider, model, usage.serviceTier, at)
    const { statedCost } = usage
    if (statedCost !== undefined && statedCost.form === providers.get(provider)?.statedCost && !isOperators(own))
      return { kind: 'priced', picoUsd: BigInt(statedCost.picoUsd), rates: NO_RATES, source: 'provider' }
    if (own.kind === 'unpriced') return own
    const rates = ratesFor(own, inputTokens(usage))
    if (usage.parts.length === 0) return priced(costOf(usage, rates), rates, own.source)
    const parts: { model: string; usage: Usage; rates: Rates }[] = []
    const size = isSplitByModality(usage) ? inputTokens(usage) : undefined
    for (const part of usage.parts) {
      const partModel = part.model === '' ? model : part.model
      const partPrice = find(provider, partModel, part.usage.serviceTier, at)
      if (partPrice.kind === 'unpriced') return partPrice
      parts.push({ ...part, rates: ratesFor(partPrice, size ?? inputTokens(part.usage)) })
    }
    const partRates = parts.map((part) => ({ model: part.model, rates: part.rates }))
    return priced(costOfParts(usage, rates, parts), rates, own.source, partRates)
  }

  return {
    price,
    setPolicy: (next) => {
      providers = next.providers
      overrides = overridesOf(next.prices)
      listed = new Map()
    },
  }
}

function isOperators(price: ListedPrice): boolean {
  return price.kind === 'listed' && price.source === 'config'
}

/** Whether the parts are kinds of token in one prompt, and not prompts of their own. */
function isSplitByModality(usage: Usage): boolean {
  return usage.parts.some((part) => serviceTierOf(part.usage.serviceTier, '').modality !== undefined)
}

/** The rates of the band that a prompt of `size` tokens falls into, as the providers with tiers by size bill. */
function ratesFor({ bands }: Extract<ListedPrice, { kind: 'listed' }>, size: number): Rates {
  let [{ rates }] = bands
  if (bands.length === 1) return rates
  for (const band of bands) if (size > band.above) rates = band.rates
  return rates
}

type PartRates = Extract<CallCost, { kind: 'priced' }>['partRates']

function priced(picoUsd: PicoUsd | undefined, rates: Rates, source: string, partRates?: PartRates): CallCost {
  if (picoUsd === undefined) return { kind: 'unpriced', why: 'missing_rate' }
  return { kind: 'priced', picoUsd, rates, source, ...(partRates === undefined ? {} : { partRates }) }
}
