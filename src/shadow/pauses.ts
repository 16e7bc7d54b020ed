import { rateHeadroom, type RateHeadroom } from '../dialects/rate-headroom.ts'
import type { Provider } from '../domain/policy.ts'
import type { RawHeaders } from '../domain/request.ts'
import type { EpochMs, Unit } from '../domain/units.ts'

/** When shadows leave a provider alone, by what its answers to them said. */
export type Pauses = {
  readonly backOff: (provider: string, retryAfterMs: number | undefined, now: EpochMs) => void
  readonly until: (provider: string, now: EpochMs) => EpochMs | undefined
  readonly heard: (provider: Provider, headers: RawHeaders, now: EpochMs) => void
  /** Share of the provider's rate limit that is left, by its last word; undefined where that is out of date. */
  readonly headroom: (provider: string, now: EpochMs) => Unit | undefined
}

/** Where the provider does not say how long. */
const USUAL_PAUSE_MS = 60_000
/** What it said of its limits without saying when they are whole again. */
const OUT_OF_DATE_MS = 60_000

export function createPauses(): Pauses {
  const pausedUntil = new Map<string, EpochMs>()
  const left = new Map<string, { readonly share: Unit; readonly until: EpochMs }>()
  return {
    backOff: (provider, retryAfterMs, now) => {
      const until = now + (retryAfterMs ?? USUAL_PAUSE_MS)
      pausedUntil.set(provider, Math.max(until, pausedUntil.get(provider) ?? 0))
    },
    until: (provider, now) => {
      const until = pausedUntil.get(provider)
      return until !== undefined && now < until ? until : undefined
    },
    heard: ({ name, rateLimitHeaders }, headers, now) => {
      const headroom = rateLimitHeaders === undefined ? undefined : rateHeadroom(rateLimitHeaders, headers, now)
      const share = headroom === undefined ? undefined : shareLeft(headroom)
      if (share !== undefined) left.set(name, { share, until: headroom?.resetAt ?? now + OUT_OF_DATE_MS })
    },
    headroom: (provider, now) => {
      const last = left.get(provider)
      return last !== undefined && now < last.until ? last.share : undefined
    },
  }
}

/** The smaller share of the two limits. */
function shareLeft(headroom: RateHeadroom): Unit | undefined {
  const requests = ratio(headroom.requestsRemaining, headroom.requestsLimit)
  const tokens = ratio(headroom.tokensRemaining, headroom.tokensLimit)
  if (requests === undefined || tokens === undefined) return requests ?? tokens
  return Math.min(requests, tokens)
}

function ratio(remaining: number | undefined, limit: number | undefined): Unit | undefined {
  return remaining === undefined || limit === undefined || limit <= 0 ? undefined : remaining / limit
}
