import type { EpochMs, Unit } from '../units.ts'
import type { OutReason } from './breaker.ts'
import type { TargetHealth } from './target-health.ts'

/** What one process knows of the targets of its policy. What is undefined may be missing: it travels as JSON. */
export type HealthReport = {
  readonly targets: readonly TargetReport[]
  /** By connection failures alone. */
  readonly providers: readonly ProviderReport[]
}

export const NO_TARGETS: HealthReport = { targets: [], providers: [] }

export type TargetReport = {
  /** As routes call it. */
  readonly target: string
  /** The process that says so: each keeps its own. */
  readonly instance: string
  /** For the next request, its provider's connections counted in. */
  readonly state: TargetHealth
  /** Of the target itself; undefined while it is in use. */
  readonly outage?: OutageReport | undefined
  readonly throttledUntil?: EpochMs | undefined
  readonly window: WindowReport
  readonly durationMs?: Percentiles | undefined
  readonly firstTokenMs?: Percentiles | undefined
  readonly headroom?: HeadroomReport | undefined
  /** Calls under way. */
  readonly active: number
  /** How often it has come into each state since the start; `healthy`: has come back. A storm of limits counts once. */
  readonly changes: Readonly<Record<ChangedState, number>>
}

export type ProviderReport = {
  readonly provider: string
  readonly instance: string
  readonly state: Exclude<TargetHealth, 'throttled'>
  readonly outage?: OutageReport | undefined
  readonly window: WindowReport
  readonly active: number
}

export const CHANGED_STATES = ['healthy', 'degraded', 'open', 'throttled'] as const
export type ChangedState = (typeof CHANGED_STATES)[number]

export type OutageReport = {
  readonly since: EpochMs
  readonly why: OutReason
  /** In the past: the next call is the probe. Undefined: a probe is under way. */
  readonly nextProbeAt?: EpochMs | undefined
  readonly passedProbes: number
}

/** Calls that told something, good or bad; `errorRate` is 0 without any. */
export type WindowReport = { readonly calls: number; readonly failures: number; readonly errorRate: number }

/** Of good calls, newer ones weighing more; `calls` is the sum of the weights. */
export type Percentiles = { readonly p50: number; readonly p95: number; readonly p99: number; readonly calls: number }

/** What the last answer with rate-limit headers said is left. */
export type HeadroomReport = {
  readonly requestsRemaining?: number | undefined
  readonly requestsLimit?: number | undefined
  readonly tokensRemaining?: number | undefined
  readonly tokensLimit?: number | undefined
  readonly resetAt?: EpochMs | undefined
  readonly at: EpochMs
}

/** The least share left of a provider's limits, over its models and the keys that were used; undefined = it does not say. */
export type ProviderHeadroom = {
  readonly provider: string
  readonly requests: Unit | undefined
  readonly tokens: Unit | undefined
}
