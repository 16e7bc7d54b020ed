import type { Dialect } from '../request.ts'
import type { Match, RouteTarget } from '../routing/route.ts'
import type { PicoUsd, Unit } from '../units.ts'

/** One entry of `shadows:`: which live requests other models answer as well, unseen by any client. */
export type Shadow = {
  readonly name: string
  readonly isEnabled: boolean
  /** That of all its candidates; requests in another one do not match. */
  readonly dialect: Dialect
  readonly match: Match
  /** Share of the matching requests that is mirrored. */
  readonly sample: Unit
  /** Which requests fall into the sample; the shadow's name unless the file says otherwise. */
  readonly salt: string
  /** Each sampled request goes to one of them. */
  readonly candidates: readonly [RouteTarget, ...RouteTarget[]]
  /** Share of the sampled requests that the stable model answers again, so that it is known what noise looks like. */
  readonly aaShare: Unit
  readonly budget: ShadowBudget
  readonly maxConcurrent: number
  readonly maxQueued: number
  /** Of one call, from its start to the last byte of its answer. */
  readonly timeoutMs: number
  /** Share of a provider's rate limit that must be left for a shadow to use it. */
  readonly headroomFloor: Unit
  readonly maxRequestBytes: number
  /** Who may see mirrored prompts; undefined: the candidates' own providers, and the stable model's. */
  readonly providers: ReadonlySet<string> | undefined
  /** Whether candidates are sent what `content.redact` leaves of a prompt; the stable model's second answer is not. */
  readonly redactsCandidate: boolean
  /** Whether streamed requests are mirrored, as streams. */
  readonly streaming: boolean
  /** Of a rollout's own: mirrors what is part of that rollout while it is in its shadow, and nothing else. */
  readonly rollout?: string | undefined
  /** Of a routing audit's own: each sampled request goes to every candidate but the one that answered it. */
  readonly audit?: RoutingAudit | undefined
}

/** What a routing audit asks: whether the route's pick was the best of its targets. */
export type RoutingAudit = {
  /** Requests of other routes are none of its business. */
  readonly route: string
  /** What 0.01 of quality is worth, in US dollars per request; above 0. */
  readonly pointUsd: number
}

/** The shadow that an audit brings along for each route that it looks at. */
export function auditShadowName(audit: string, route: string): string {
  return `audit:${audit}:${route}`
}

/** The shadow that a rollout brings along; no name in a file has a colon. */
export function impliedShadowName(rollout: string): string {
  return `rollout:${rollout}`
}

/** Most that a shadow may spend in one clock hour and one day of UTC. */
export type ShadowBudget = { readonly perHour: PicoUsd; readonly perDay: PicoUsd }

/** Which of the calls of a shadow this is; `aa`: the stable model again. */
export type ShadowArm = 'candidate' | 'aa'

/** Why a request that matched a shadow was not mirrored, in about the order in which it is found out. */
export const SKIP_REASONS = [
  'header_off',
  'unsupported_api',
  'streaming_off',
  'not_called',
  'client_disconnected',
  'not_sampled',
  'too_large',
  'no_content',
  'unreadable',
  'batch',
  'hosted_tools',
  'stored_conversation',
  'files',
  'not_first_assistant_turn',
  'unknown_provider',
  'no_key',
  'provider_not_allowed',
  'no_alternative',
  'not_redactable',
  'sdk_retry_duplicate',
  'backed_off',
  'headroom',
  'live_load',
  'unpriced',
  'budget',
  'concurrency',
  'queue_full',
  'shutting_down',
] as const
export type SkipReason = (typeof SKIP_REASONS)[number]

/** How a mirrored call came to nothing that could be compared. */
export const FAILURE_KINDS = [
  'unreachable',
  'timeout',
  'rate_limited',
  'refused',
  'error',
  'cut',
  'too_large',
  'unreadable',
  'aborted',
  'not_compared',
] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]
