import { rateHeadroom } from '../dialects/rate-headroom.ts'
import type { EndedCall } from '../domain/routing/ended-call.ts'
import type { ProviderHeadroom } from '../domain/routing/health-report.ts'
import type { EpochMs, MonotonicMs, Unit } from '../domain/units.ts'
import { statesLimits } from './states-limits.ts'

/** What providers last said is left of their limits, on whatever target and to whatever key. */
export type HeadroomKeeper = {
  readonly heard: (call: EndedCall) => void
  /** Of each provider of which something is known that holds still. */
  readonly report: (clock: { readonly now: MonotonicMs; readonly at: EpochMs }) => readonly ProviderHeadroom[]
  readonly forget: (isKept: (provider: string) => boolean) => void
}

/** What is said of a limit holds until that is whole again, and so long in any case, that somebody may read it. */
const HOLDS_MS = 60_000

/** Models and keys come from clients: what was heard of first makes room. */
const MOST_HEARD = 128

export function createHeadroomKeeper(): HeadroomKeeper {
  // Limits are those of a model and of an account. What is kept are the answers' headers, read when somebody asks.
  const last = new Map<string, EndedCall>()
  return {
    heard: (call) => {
      if (call.provider.rateLimitHeaders === undefined || !statesLimits(call)) return
      last.set(call.clientKey === undefined ? call.key : `${call.key} ${call.clientKey}`, call)
      if (last.size <= MOST_HEARD) return
      const [oldest] = last.keys()
      if (oldest !== undefined) last.delete(oldest)
    },
    report: (clock) => {
      const left = new Map<string, { requests: Unit | undefined; tokens: Unit | undefined }>()
      for (const { provider, headers, endedAt } of last.values()) {
        const form = provider.rateLimitHeaders
        const at = clock.at - (clock.now - endedAt)
        const said = form === undefined ? undefined : rateHeadroom(form, headers, at)
        if (said === undefined || Math.max(said.resetAt ?? 0, at + HOLDS_MS) <= clock.at) continue
        const before = left.get(provider.name)
        left.set(provider.name, {
          requests: smaller(before?.requests, share(said.requestsRemaining, said.requestsLimit)),
          tokens: smaller(before?.tokens, share(said.tokensRemaining, said.tokensLimit)),
        })
      }
      return [...left].map(([provider, shares]) => ({ provider, ...shares }))
    },
    forget: (isKept) => {
      for (const [key, { provider }] of last) if (!isKept(provider.name)) last.delete(key)
    },
  }
}

function share(remaining: number | undefined, limit: number | undefined): Unit | undefined {
  return remaining === undefined || limit === undefined ? undefined : Math.min(1, remaining / limit)
}

function smaller(one: Unit | undefined, other: Unit | undefined): Unit | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one, other)
}
