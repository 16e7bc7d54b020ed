export const TARGET_HEALTH = ['healthy', 'degraded', 'open', 'throttled', 'probing'] as const
/**
 * Whether a target may be chosen. `degraded`: its error rate over the last two minutes is too high. `open`: its
 * breaker is. `probing`: one call at a time is let through to see whether it is back, and the next one is that call.
 * `throttled`: it asked to be left alone until a time that has not come.
 */
export type TargetHealth = (typeof TARGET_HEALTH)[number]

/** Health by target key as read for one decision; a key that is not there is healthy. Stored with the trace. */
export type HealthView = Readonly<Record<string, TargetHealth>>
