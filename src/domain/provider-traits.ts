import type { Dialect } from './request.ts'

/**
 * How a provider differs from others that speak its dialect. All of it is data: its kind says it
 * (config/provider-kinds.ts), the config file may say otherwise, and nothing asks for a provider's name.
 */
export type ProviderTraits = {
  /** The kind that the file names or implies; undefined where it says everything itself. For people, never for code. */
  readonly kind: string | undefined
  /** How the server's key goes up. */
  readonly auth: KeyForm
  /**
   * Where clients find its API and what goes upstream instead, longest prefix first; undefined = `/v1` alone, which stays
   * `/v1`. A path below none of them goes up as it came, unread.
   */
  readonly paths: readonly ApiPath[] | undefined
  /** Where its usage states what a call was charged; undefined = nowhere, or not to be believed. */
  readonly statedCost: StatedCost | undefined
  /** Which names its rate-limit headers have; undefined = not known. */
  readonly rateLimitHeaders: RateLimitHeaders | undefined
  /** Fields of a request body, at the top, that it answers with an error. Bodies go up as they came all the same. */
  readonly refuses: readonly string[]
}

/** A header that carries a key: `authorization: Bearer …`, the key alone in a header of that name, or no key at all. */
export type KeyForm = (typeof KEY_FORMS)[number]
export const KEY_FORMS = ['bearer', 'api-key', 'x-api-key', 'x-goog-api-key', 'none'] as const

/** How a key goes up in each dialect, unless a provider has a manner of its own. */
export const OWN_KEY_FORM = {
  openai: 'bearer',
  anthropic: 'x-api-key',
  gemini: 'x-goog-api-key',
} as const satisfies Record<Dialect, KeyForm>

/** A prefix of paths, without a slash at its end; '' is the root. */
export type ApiPath = {
  readonly client: string
  readonly upstream: string
  /** The segment after the prefix names the model (Azure's deployments) and stays. */
  readonly namesModel: boolean
}

/**
 * `cost`: USD (OpenRouter). `cost.total_cost`: USD (Perplexity). `cost_in_usd_ticks`: ten thousand millions to the
 * dollar (xAI).
 */
export type StatedCost = (typeof STATED_COSTS)[number]
export const STATED_COSTS = ['cost', 'cost.total_cost', 'cost_in_usd_ticks'] as const

/**
 * `openai`: x-ratelimit-(limit|remaining|reset)-(requests|tokens). `cerebras`: the same with -day or -minute behind it.
 * `anthropic`: anthropic-ratelimit-….
 */
export type RateLimitHeaders = (typeof RATE_LIMIT_HEADERS)[number]
export const RATE_LIMIT_HEADERS = ['openai', 'anthropic', 'cerebras'] as const
