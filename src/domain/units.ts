/** Milliseconds since 1970-01-01 UTC, wall clock. */
export type EpochMs = number

/** Milliseconds of a monotonic clock with an arbitrary zero; only differences mean anything. */
export type MonotonicMs = number

/** A number in [0, 1). */
export type Unit = number

/** UUIDv7, lower case with dashes. One per client request; attempts have their own. */
export type RequestId = string

/** Whole pico-dollars (10⁻¹² USD). A bigint, so that sums stay exact at any size. */
export type PicoUsd = bigint
