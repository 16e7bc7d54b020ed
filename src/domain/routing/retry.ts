import type { AttemptOutcome } from '../exchange.ts'
import type { Unit } from '../units.ts'
import type { FallbackRules, FallbackTrigger } from './route.ts'

/** How an attempt failed, as far as the next step depends on it. */
export type FailedAttempt = {
  /** Undefined: no reason to leave the target, such as an error that is the client's to fix. */
  readonly trigger: FallbackTrigger | undefined
  /** The provider may have done, and billed, the work. */
  readonly mayHaveRun: boolean
  /** As of `TargetFault`. */
  readonly isLasting?: boolean | undefined
  /** What the provider asked for. */
  readonly retryAfterMs: number | undefined
  /** How much longer the client waits for an answer; undefined where it has not said. */
  readonly clientWaitsMs?: number | undefined
  /** A byte of the answer has reached the client. */
  readonly hasReachedClient: boolean
}

/** Calls of this process that are under way, and how many of them are repeated ones: see `mayRepeat`. */
export type RetryLoad = { readonly activeRequests: number; readonly activeRetries: number }

/** `target` is an index into the decision's targets. */
export type NextStep =
  | { readonly kind: 'next'; readonly target: number; readonly trigger: FallbackTrigger }
  | {
      readonly kind: 'again'
      readonly target: number
      readonly trigger: FallbackTrigger
      readonly delayMs: number
    }
  | { readonly kind: 'stop'; readonly why: StopReason }

export type StopReason =
  | 'reached_client'
  | 'no_trigger'
  | 'trigger_off'
  | 'max_attempts'
  | 'may_have_run'
  | 'retry_after_too_long'
  | 'client_deadline'
  | 'retry_budget'
  | 'no_target_left'

/** Share of the requests under way that may be repeats, and how many may be whatever the share is (Envoy's retry budget). */
const BUDGET_SHARE = 0.2
const BUDGET_FLOOR = 3
/** Full jitter: a wait drawn from [0, base · 2ⁿ], which spreads a crowd best (AWS Architecture Blog, 2015). */
const BASE_DELAY_MS = 200
const LONGEST_DELAY_MS = 5_000
/** A client waits no longer than this for a provider that asked to be left alone. */
const LONGEST_RETRY_AFTER_MS = 10_000

/** Whether one more call to a target that just failed fits the budget. Calls to other targets are no repeats. */
export function mayRepeat({ activeRequests, activeRetries }: RetryLoad): boolean {
  return activeRetries < Math.max(BUDGET_FLOOR, activeRequests * BUDGET_SHARE)
}

/**
 * What to do after the last of `tried` (indexes of targets, in the order of the calls) has failed. The same target is
 * asked again while `rules.retries` allow it and the call cannot have run; then the next one, which may be asked whether
 * or not it has: both costs are on the trace. `draw` spreads the waits.
 */
export function nextStep(
  rules: FallbackRules,
  targetCount: number,
  tried: readonly number[],
  failed: FailedAttempt,
  load: RetryLoad,
  draw: Unit,
): NextStep {
  const { trigger } = failed
  if (failed.hasReachedClient) return { kind: 'stop', why: 'reached_client' }
  if (trigger === undefined) return { kind: 'stop', why: 'no_trigger' }
  if (!rules.on.has(trigger)) return { kind: 'stop', why: 'trigger_off' }
  if (tried.length >= rules.maxAttempts) return { kind: 'stop', why: 'max_attempts' }
  const target = tried.at(-1) ?? 0
  const repeats = tried.filter((index) => index === target).length - 1
  const delayMs = waitMs(repeats, failed.retryAfterMs, draw)
  const obstacle = repeatObstacle(rules, repeats, failed, load, delayMs)
  if (obstacle === undefined) return { kind: 'again', target, trigger, delayMs }
  const next = target + 1
  if (next < targetCount) return { kind: 'next', target: next, trigger }
  return { kind: 'stop', why: obstacle }
}

/** Why the same target may not be asked again; undefined when it may. */
function repeatObstacle(
  rules: FallbackRules,
  repeats: number,
  { trigger, mayHaveRun, isLasting, retryAfterMs, clientWaitsMs }: FailedAttempt,
  load: RetryLoad,
  delayMs: number,
): StopReason | undefined {
  // What the others tell of is the answer or the prompt: asking the same again would change nothing.
  if (trigger !== 'error' && trigger !== 'rate_limit') return 'no_target_left'
  if (isLasting === true || repeats >= rules.retries) return 'no_target_left'
  if (mayHaveRun) return 'may_have_run'
  if (retryAfterMs !== undefined && retryAfterMs > LONGEST_RETRY_AFTER_MS) return 'retry_after_too_long'
  if (clientWaitsMs !== undefined && delayMs >= clientWaitsMs) return 'client_deadline'
  return mayRepeat(load) ? undefined : 'retry_budget'
}

/**
 * How much longer a client waits that has waited for `elapsedMs`, by its SDK's `x-stainless-timeout`: whole seconds, cut
 * off after the point.
 */
export function clientWaitsMs(timeoutSeconds: number | undefined, elapsedMs: number): number | undefined {
  return timeoutSeconds === undefined ? undefined : (timeoutSeconds + 1) * 1000 - elapsedMs
}

/** Never sooner than the provider asked for. */
function waitMs(repeats: number, retryAfterMs: number | undefined, draw: Unit): number {
  const jitter = draw * Math.min(LONGEST_DELAY_MS, BASE_DELAY_MS * 2 ** repeats)
  return Math.round((retryAfterMs ?? 0) + jitter)
}

/** Anthropic's word for being out of capacity. */
const OVERLOADED = 529

/**
 * The trigger that an outcome pulls by its status alone. What only the answer tells (a full context window, a refusal,
 * broken JSON) and what a clock tells (slow answers) is for those who read answers and clocks to say.
 */
export function triggerOf(outcome: AttemptOutcome): FallbackTrigger | undefined {
  switch (outcome.kind) {
    case 'completed':
    case 'cancelled':
      return undefined
    case 'interrupted':
      return 'error'
    case 'unavailable':
      return outcome.error === 'overloaded' ? 'rate_limit' : outcome.error === 'internal' ? undefined : 'error'
    case 'refused':
      if (outcome.status === 429 || outcome.status === OVERLOADED) return 'rate_limit'
      return outcome.status >= 500 ? 'error' : undefined
  }
}
