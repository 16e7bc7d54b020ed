/** A served tier, taken apart. */
export type ServiceTier = {
  /** Lower case, `normal` for every name of the tier that list prices are for. */
  readonly name: string
  /** Anthropic's surcharge for inference kept in the United States applies. */
  readonly isUsOnly: boolean
  /** The tokens are all of this kind, which may have a price of its own. */
  readonly modality: Modality | undefined
}

export type Modality = (typeof MODALITIES)[number]
const MODALITIES = ['audio', 'image', 'video'] as const

/** The names under which providers serve at list price; `on_demand` is Groq's. */
const AT_LIST_PRICE: ReadonlySet<string> = new Set([
  '',
  'auto',
  'default',
  'standard',
  'standard_only',
  'on_demand',
  'normal',
])

/**
 * Reads the tier that a usage states. A tier that is not known to cost the list price is taken to cost something else:
 * OpenAI's `flex` is about half, `priority` 1.7 to 2.5 times, `scale` and Anthropic's `priority` are prepaid.
 */
export function serviceTierOf(stated: string | undefined, pricedAs: string): ServiceTier {
  const [tier = '', after] = (stated ?? '').toLowerCase().split('/')
  // "Pricing matches the on-demand tier" (console.groq.com/docs/flex-processing).
  const isNormal = AT_LIST_PRICE.has(tier) || (tier === 'flex' && pricedAs === 'groq')
  const modality = MODALITIES.find((known) => known === after)
  return { name: isNormal ? 'normal' : tier, isUsOnly: after === 'us', modality }
}
