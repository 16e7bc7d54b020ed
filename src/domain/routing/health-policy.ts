/** When a target counts as ill, and how it gets well again: `health:` of the config file. */
export type HealthPolicy = {
  /** Length of the window over which the error rate is taken. */
  readonly windowMs: number
  /** Share of failed calls in the window above which a target is left out: 0 to 1. */
  readonly errorRate: number
  /** Fewer calls in the window say nothing. */
  readonly minRequests: number
  /** So many failures in a row open the breaker. */
  readonly consecutiveFailures: number
  /** Wait before the first probe; twice as long after each one that fails, up to `probeAfterMaxMs`. */
  readonly probeAfterMs: number
  readonly probeAfterMaxMs: number
  /** A probe that has not ended by then frees its place. */
  readonly probeTimeoutMs: number
  /** So many good probes, one after the other, and the target is well. */
  readonly probes: number
}

/** Two minutes, 5 % and 20 calls, five in a row, three probes; a target that is back has a probe within 5 s. */
export const DEFAULT_HEALTH: HealthPolicy = {
  windowMs: 120_000,
  errorRate: 0.05,
  minRequests: 20,
  consecutiveFailures: 5,
  probeAfterMs: 1_000,
  probeAfterMaxMs: 5_000,
  probeTimeoutMs: 10_000,
  probes: 3,
}
