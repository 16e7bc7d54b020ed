import type { Cost, Rates } from '../domain/cost.ts'
import type { PriceOverride } from '../domain/policy.ts'
import type { EpochMs } from '../domain/units.ts'
import { globMatcher } from './glob.ts'
import { LIBRARY_VERSION, libraryRates, type RateSheet } from './library-rates.ts'
import { mapRates } from './map-rates.ts'
import { type ServiceTier, serviceTierOf } from './service-tier.ts'

/** What is known of the price of one model at one provider and tier, and for how long that is good. */
export type ListedPrice = { readonly from: EpochMs; readonly until: EpochMs } & (
  | { readonly kind: 'listed'; readonly bands: Bands; readonly source: string }
  | Extract<Cost, { kind: 'unpriced' }>
)

type Band = RateSheet['bands'][number]
type Bands = readonly [Band, ...Band[]]

/** Overrides ready to be asked, in the order of the config: the first that matches counts. */
export type PriceOverrides = readonly (PriceOverride & { readonly matches: (model: string) => boolean })[]

export function overridesOf(prices: readonly PriceOverride[]): PriceOverrides {
  return prices.map((price) => ({ ...price, rates: wholeRates(price.rates), matches: globMatcher(price.model) }))
}

type Wanted = {
  readonly overrides: PriceOverrides
  readonly provider: string
  /** The provider's id in the library. */
  readonly pricedAs: string
  readonly model: string
  readonly tier: string | undefined
  readonly at: EpochMs
}

const ALWAYS = { from: -Infinity, until: Infinity }

/** The operator's price, else the library's, else why there is none. */
export function findPrice(wanted: Wanted): ListedPrice {
  const tier = serviceTierOf(wanted.tier, wanted.pricedAs)
  const own = wanted.overrides.find((override) => isFor(override, wanted, tier))
  if (own !== undefined)
    return { ...ALWAYS, kind: 'listed', bands: [{ above: -1, rates: own.rates }], source: 'config' }
  // The library has one tier. Half or twice the true cost would look like a cost; unpriced is counted and can be mended.
  if (tier.name !== 'normal') return { ...ALWAYS, kind: 'unpriced', why: 'service_tier' }
  return fromLibrary(wanted, tier)
}

function isFor(override: PriceOverrides[number], { provider, model }: Wanted, tier: ServiceTier): boolean {
  const isProvider = override.provider === '*' || override.provider === provider
  const isTier = override.serviceTier === '*' || (override.serviceTier?.toLowerCase() ?? 'normal') === tier.name
  return isProvider && isTier && override.matches(model)
}

/** A snapshot's date or `latest`, at the end of a model's name. */
const SNAPSHOT = /-(?:20\d\d-?[01]\d-?[0-3]\d|latest)$/

function fromLibrary({ pricedAs, model, at }: Wanted, tier: ServiceTier): ListedPrice {
  const exact = libraryRates(pricedAs, model, at, tier.modality)
  // A snapshot newer than the library costs what its family costs, nearly always; the source says what was done.
  const sheet = exact ?? libraryRates(pricedAs, model.replace(SNAPSHOT, ''), at, tier.modality)
  const [first, ...more] = sheet?.bands.map((band) => surcharged(band, sheet.providerId, tier)) ?? []
  if (sheet === undefined || first === undefined) return { ...ALWAYS, kind: 'unpriced', why: 'unknown_model' }
  const source = `genai-prices@${LIBRARY_VERSION}${exact === undefined ? ` as ${sheet.modelId}` : ''}`
  return { kind: 'listed', bands: [first, ...more], source, from: sheet.from, until: sheet.until }
}

/**
 * "US-only inference … incurs a 1.1x multiplier on all token pricing categories" (platform.claude.com/docs, "Data
 * residency").
 */
function surcharged(band: Band, providerId: string, tier: ServiceTier): Band {
  if (!tier.isUsOnly || providerId !== 'anthropic') return band
  const rates = mapRates(band.rates, (rate) => Math.round((rate * 11) / 10))
  return { above: band.above, rates: { ...rates, webSearch: band.rates.webSearch } }
}

/** A rate that is not a whole, positive number would break the exact sum: rounded, or left out. */
function wholeRates(rates: Rates): Rates {
  return mapRates(rates, (rate) => (Number.isFinite(rate) && rate >= 0 ? Math.round(rate) : undefined))
}
