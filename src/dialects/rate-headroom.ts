import type { RateLimitHeaders } from '../domain/provider-traits.ts'
import type { RawHeaders } from '../domain/request.ts'
import type { EpochMs } from '../domain/units.ts'
import { durationMs } from './go-duration.ts'
import { headersBeginning } from './header-values.ts'

/** What a provider says is left of the limits of an account. Undefined = it does not say. */
export type RateHeadroom = {
  readonly requestsRemaining: number | undefined
  readonly requestsLimit: number | undefined
  readonly tokensRemaining: number | undefined
  readonly tokensLimit: number | undefined
  /** When the limit with the smaller share left is whole again. */
  readonly resetAt: EpochMs | undefined
}

/** Where each of the three numbers of a limit stands. */
type LimitNames = { readonly limit: string; readonly remaining: string; readonly reset: string }

/** By form, the names for requests and for tokens; of several for one, the first that is there. */
const NAMES: Readonly<
  Record<RateLimitHeaders, readonly [requests: readonly LimitNames[], tokens: readonly LimitNames[]]>
> = {
  // platform.openai.com/docs/guides/rate-limits, "Rate limits in headers"; Groq and Azure have the same.
  openai: [[xNames('requests')], [xNames('tokens')]],
  // inference-docs.cerebras.ai/support/rate-limits: requests per day and tokens per minute.
  cerebras: [
    [xNames('requests-minute'), xNames('requests-day')],
    [xNames('tokens-minute'), xNames('tokens-day')],
  ],
  // platform.claude.com/docs/en/api/rate-limits, "Response headers": `tokens` is the most restrictive limit in effect.
  anthropic: [
    [anthropicNames('requests')],
    [anthropicNames('tokens'), anthropicNames('input-tokens'), anthropicNames('output-tokens')],
  ],
}

const PREFIXES: Readonly<Record<RateLimitHeaders, readonly string[]>> = {
  openai: ['x-ratelimit-'],
  cerebras: ['x-ratelimit-'],
  anthropic: ['anthropic-ratelimit-'],
}

/** The headroom in the headers of an answer, of whatever status; undefined where they state none. */
export function rateHeadroom(form: RateLimitHeaders, headers: RawHeaders, now: EpochMs): RateHeadroom | undefined {
  const values = headersBeginning(headers, PREFIXES[form])
  if (values.size === 0) return undefined
  const [requests, tokens] = NAMES[form].map((names) => stateOf(names, values, now))
  if (requests === undefined && tokens === undefined) return undefined
  return {
    requestsRemaining: requests?.remaining,
    requestsLimit: requests?.limit,
    tokensRemaining: tokens?.remaining,
    tokensLimit: tokens?.limit,
    resetAt:
      (shareLeft(tokens) < shareLeft(requests) ? tokens : requests)?.resetAt ?? requests?.resetAt ?? tokens?.resetAt,
  }
}

type LimitState = {
  readonly limit: number | undefined
  readonly remaining: number | undefined
  readonly resetAt: EpochMs | undefined
}

function stateOf(
  names: readonly LimitNames[],
  values: ReadonlyMap<string, string>,
  now: EpochMs,
): LimitState | undefined {
  const known = names.find(({ remaining }) => values.has(remaining))
  if (known === undefined) return undefined
  const limit = count(values.get(known.limit))
  const remaining = count(values.get(known.remaining))
  // Azure says -1 of -1 where it does not know (learn.microsoft.com/answers/questions/5625878).
  if (remaining === undefined || limit === 0) return undefined
  return { limit, remaining, resetAt: resetTime(values.get(known.reset), now) }
}

function shareLeft(state: LimitState | undefined): number {
  return state?.remaining === undefined ? 1 : state.remaining / (state.limit ?? Number.POSITIVE_INFINITY)
}

/** A span of time from now (OpenAI) or a time, RFC 3339 (Anthropic). */
export function resetTime(text: string | undefined, now: EpochMs): EpochMs | undefined {
  if (text === undefined) return undefined
  const span = durationMs(text)
  if (span !== undefined) return now + span
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

function count(text: string | undefined): number | undefined {
  const number = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) && number >= 0 ? number : undefined
}

function xNames(what: string): LimitNames {
  return {
    limit: `x-ratelimit-limit-${what}`,
    remaining: `x-ratelimit-remaining-${what}`,
    reset: `x-ratelimit-reset-${what}`,
  }
}

function anthropicNames(what: string): LimitNames {
  return {
    limit: `anthropic-ratelimit-${what}-limit`,
    remaining: `anthropic-ratelimit-${what}-remaining`,
    reset: `anthropic-ratelimit-${what}-reset`,
  }
}
