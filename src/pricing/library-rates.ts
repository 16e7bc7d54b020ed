import { calcPrice, type ConditionalPrice, type ModelPrice, type PriceCalculation } from '@pydantic/genai-prices'
import { NO_RATES, type Rates } from '../domain/cost.ts'
import type { EpochMs } from '../domain/units.ts'
import type { Modality } from './service-tier.ts'

/** Version of @pydantic/genai-prices whose prices these are; a test compares it with the package installed. */
export const LIBRARY_VERSION = '0.1.8'

/** The rates of one model at one time, by size of the prompt. */
export type RateSheet = {
  /** In ascending order of `above`; the rates of the last entry whose `above` is exceeded apply to the whole call. */
  readonly bands: readonly { readonly above: number; readonly rates: Rates }[]
  /** The sheet is good from `from` up to, not including, `until`. */
  readonly from: EpochMs
  readonly until: EpochMs
  /** The library's own ids of what it found. */
  readonly providerId: string
  readonly modelId: string
}

/** Names are short; a client can put anything into one, and the library runs regular expressions over it. */
export const MAX_NAME_LENGTH = 200

/**
 * The library's prices for `model` at `provider` (a library id or alias) in force at `at`; undefined when it knows none.
 * A model name travels a long way: the provider must be given, so that a private `gpt-4o` is not priced as OpenAI's.
 * `modality`: the rates are for tokens of that kind alone.
 */
export function libraryRates(provider: string, model: string, at: EpochMs, modality?: Modality): RateSheet | undefined {
  if (model === '' || model.length > MAX_NAME_LENGTH) return undefined
  const found = lookUp(provider, model, at)
  if (found === null) return undefined
  const { from, until } = validity(found.model.prices, at)
  return { bands: bandsOf(found, modality), from, until, providerId: found.provider.id, modelId: found.model.id }
}

function lookUp(providerId: string, model: string, at: EpochMs): PriceCalculation | null {
  return calcPrice({}, model, { providerId, timestamp: new Date(at) })
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Dated prices change at midnight UTC, off-peak ones on the minute; all others never within one library version. */
function validity(prices: ConditionalPrice[] | ModelPrice, at: EpochMs): { from: EpochMs; until: EpochMs } {
  if (!Array.isArray(prices)) return { from: -Infinity, until: Infinity }
  const span = prices.some((price) => price.constraint?.type === 'time_of_date') ? MINUTE_MS : DAY_MS
  const from = Math.floor(at / span) * span
  return { from, until: from + span }
}

function bandsOf(
  { provider, model, model_price: price }: PriceCalculation,
  modality: Modality | undefined,
): RateSheet['bands'] {
  const starts = Object.values(price).flatMap((value) =>
    typeof value === 'object' ? value.tiers.map((tier) => tier.start) : [],
  )
  const edges = [...new Set([-1, ...starts])].sort((a, b) => a - b)
  return edges.map((above) => {
    const rates = ratesAt(price, above, model.id)
    const own = provider.id === 'google' ? asGoogleLists(rates) : rates
    return { above, rates: modality === undefined ? own : ratesIn(modality, own, price, above) }
  })
}

/** Charged by something that no usage states: the call, the citation. Such a model has no price of tokens alone. */
const BEYOND_TOKENS = ['requests_kcount', 'output_citation_mtok']

/**
 * The rates for prompts of more than `above` tokens. Where the library has no price of its own for a bucket, reasoning
 * costs what output costs and cached input what input costs, as it itself reckons; audio and cache writes, which cost
 * more than what they would fall back to, are left without a rate.
 */
function ratesAt(price: ModelPrice, above: number, modelId: string): Rates {
  if (BEYOND_TOKENS.some((key) => price[key] !== undefined)) return NO_RATES
  const perToken = (key: string): number | undefined => picoPerToken(amountAt(price[key], above))
  const uncachedInput = perToken('input_mtok')
  const textOutput = perToken('output_mtok')
  const cacheWrite5m = perToken('cache_write_mtok')
  return {
    uncachedInput,
    cacheRead: perToken('cache_read_mtok') ?? uncachedInput,
    cacheWrite5m,
    cacheWrite1h: perToken('cache_write_1h_mtok') ?? longCacheWrite(modelId, uncachedInput, cacheWrite5m),
    audioInput: perToken('input_audio_mtok'),
    textOutput,
    reasoning: perToken('output_reasoning_mtok') ?? textOutput,
    audioOutput: perToken('output_audio_mtok'),
    webSearch: picoPerCall(amountAt(price['web_searches_kcount'], above)),
  }
}

/** Google lists a price for audio exactly where it differs from that of text (ai.google.dev/gemini-api/docs/pricing). */
function asGoogleLists(rates: Rates): Rates {
  const { uncachedInput, textOutput } = rates
  return { ...rates, audioInput: rates.audioInput ?? uncachedInput, audioOutput: rates.audioOutput ?? textOutput }
}

/**
 * `rates` for tokens of one kind. Input without a price of its own costs what text does; images and videos that a model
 * makes cost a multiple of its text, and are left without a rate.
 */
function ratesIn(modality: Modality, rates: Rates, price: ModelPrice, above: number): Rates {
  const perToken = (key: string): number | undefined => picoPerToken(amountAt(price[key], above))
  return {
    ...rates,
    uncachedInput: perToken(`input_${modality}_mtok`) ?? rates.uncachedInput,
    cacheRead: perToken(`cache_${modality}_read_mtok`) ?? rates.cacheRead,
    textOutput: perToken(`output_${modality}_mtok`),
  }
}

function amountAt(price: ModelPrice[string], above: number): number | undefined {
  if (typeof price !== 'object') return price
  return price.tiers.reduce((amount, tier) => (above >= tier.start ? tier.price : amount), price.base)
}

/**
 * "1-hour cache write tokens are 2 times the base input tokens price" (platform.claude.com/docs, "Prompt caching"):
 * for the Claude models of resellers, for which the library has the 5-minute price alone.
 */
function longCacheWrite(
  modelId: string,
  input: number | undefined,
  shortWrite: number | undefined,
): number | undefined {
  return modelId.includes('claude') && shortWrite !== undefined && input !== undefined ? 2 * input : undefined
}

/**
 * USD per million tokens → pico-dollars per token, rounded once, half up: off by half a millionth of a dollar per
 * million tokens at most, and only where a price has more than six decimals (Gemini cache writes at OpenRouter).
 */
function picoPerToken(usdPerMillion: number | undefined): number | undefined {
  return usdPerMillion === undefined ? undefined : Math.round(usdPerMillion * 1e6)
}

/** USD per thousand calls → pico-dollars per call. */
function picoPerCall(usdPerThousand: number | undefined): number | undefined {
  return usdPerThousand === undefined ? undefined : Math.round(usdPerThousand * 1e9)
}
