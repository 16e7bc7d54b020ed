import { describe, expect, test } from 'vitest'
import type { AttemptOutcome } from '../../src/domain/exchange.ts'
import { clientWaitsMs, type FailedAttempt, mayRepeat, nextStep, triggerOf } from '../../src/domain/routing/retry.ts'
import type { FallbackRules, FallbackTrigger } from '../../src/domain/routing/route.ts'

const RULES: FallbackRules = {
  on: new Set<FallbackTrigger>(['error', 'rate_limit', 'slow_answer', 'context_window']),
  answerTimeoutMs: 30_000,
  firstTokenTimeoutMs: 10_000,
  maxAttempts: 4,
  retries: 1,
}
const QUIET = { activeRequests: 1, activeRetries: 0 }
const failed = (changes: Partial<FailedAttempt> = {}): FailedAttempt => ({
  trigger: 'error',
  mayHaveRun: false,
  retryAfterMs: undefined,
  hasReachedClient: false,
  ...changes,
})

describe('the next step', () => {
  test('is never another call once a byte has reached the client', () => {
    expect(nextStep(RULES, 3, [0], failed({ hasReachedClient: true }), QUIET, 0.5)).toEqual({
      kind: 'stop',
      why: 'reached_client',
    })
  })

  test('is to stop where nothing pulled, or what pulled is switched off', () => {
    expect(nextStep(RULES, 3, [0], failed({ trigger: undefined }), QUIET, 0.5)).toEqual({
      kind: 'stop',
      why: 'no_trigger',
    })
    expect(nextStep(RULES, 3, [0], failed({ trigger: 'refusal' }), QUIET, 0.5)).toEqual({
      kind: 'stop',
      why: 'trigger_off',
    })
  })

  test('is the same target as often as retries allow, then each target after it once', () => {
    const step = (tried: readonly number[]): unknown => {
      const next = nextStep(RULES, 2, tried, failed(), QUIET, 0)
      return next.kind === 'stop' ? next.why : [next.kind, next.target]
    }
    expect(step([0])).toEqual(['again', 0])
    expect(step([0, 0])).toEqual(['next', 1])
    expect(step([0, 0, 1])).toEqual(['again', 1])
    expect(step([0, 0, 1, 1])).toBe('max_attempts')
    expect(nextStep({ ...RULES, maxAttempts: 9 }, 2, [0, 0, 1, 1], failed(), QUIET, 0)).toEqual({
      kind: 'stop',
      why: 'no_target_left',
    })
  })

  test('is never the same target where the call may have run, but may be the next', () => {
    const ran = failed({ mayHaveRun: true })
    expect(nextStep(RULES, 2, [0], ran, QUIET, 0)).toEqual({ kind: 'next', target: 1, trigger: 'error' })
    expect(nextStep(RULES, 1, [0], ran, QUIET, 0)).toEqual({ kind: 'stop', why: 'may_have_run' })
  })

  test('is never the same target for what the prompt, the answer, the key or the model is to blame', () => {
    expect(nextStep(RULES, 1, [0], failed({ trigger: 'context_window' }), QUIET, 0)).toEqual({
      kind: 'stop',
      why: 'no_target_left',
    })
    expect(nextStep(RULES, 2, [0], failed({ isLasting: true }), QUIET, 0)).toMatchObject({ kind: 'next', target: 1 })
    expect(nextStep(RULES, 2, [0], failed({ trigger: 'slow_answer' }), QUIET, 0)).toEqual({
      kind: 'next',
      target: 1,
      trigger: 'slow_answer',
    })
  })

  test('waits at least as long as the provider asked, plus a draw; too long is the next target', () => {
    const wait = (retryAfterMs: number | undefined, draw: number): unknown => {
      const next = nextStep(RULES, 2, [0], failed({ trigger: 'rate_limit', retryAfterMs }), QUIET, draw)
      return next.kind === 'again' ? next.delayMs : next.kind
    }
    expect(wait(undefined, 0)).toBe(0)
    expect(wait(undefined, 0.5)).toBe(100)
    expect(wait(3000, 0.5)).toBe(3100)
    expect(wait(10_001, 0.5)).toBe('next')
    const alone = nextStep(RULES, 1, [0], failed({ trigger: 'rate_limit', retryAfterMs: 60_000 }), QUIET, 0)
    expect(alone).toEqual({ kind: 'stop', why: 'retry_after_too_long' })
  })

  test('is not to wait beyond the time that the client’s SDK has set itself', () => {
    const step = (timeoutSeconds: number | undefined, elapsedMs: number): unknown => {
      const waits = clientWaitsMs(timeoutSeconds, elapsedMs)
      const asked = failed({ trigger: 'rate_limit', retryAfterMs: 3000, clientWaitsMs: waits })
      const next = nextStep(RULES, 1, [0], asked, QUIET, 0)
      return next.kind === 'stop' ? next.why : next.kind
    }
    expect(step(undefined, 1_000_000)).toBe('again')
    expect(step(600, 1000)).toBe('again')
    expect(step(600, 597_999)).toBe('again')
    expect(step(600, 598_000)).toBe('client_deadline')
    expect(step(2, 0)).toBe('client_deadline')
  })

  test('doubles the wait with every repeat, to an end', () => {
    const rules = { ...RULES, retries: 9, maxAttempts: 20 }
    const waits = Array.from({ length: 8 }, (_, index) => {
      const next = nextStep(
        rules,
        1,
        Array.from({ length: index + 1 }, () => 0),
        failed(),
        QUIET,
        0.999_999,
      )
      return next.kind === 'again' ? next.delayMs : undefined
    })
    expect(waits).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 5000])
  })

  test('does not repeat beyond a fifth of what is under way, but always three; the next target is no repeat', () => {
    expect([0, 1, 2, 3].map((activeRetries) => mayRepeat({ activeRequests: 1, activeRetries }))).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect(mayRepeat({ activeRequests: 200, activeRetries: 39 })).toBe(true)
    expect(mayRepeat({ activeRequests: 200, activeRetries: 40 })).toBe(false)
    const storm = { activeRequests: 200, activeRetries: 40 }
    expect(nextStep(RULES, 2, [0], failed(), storm, 0)).toEqual({ kind: 'next', target: 1, trigger: 'error' })
    expect(nextStep(RULES, 1, [0], failed(), storm, 0)).toEqual({ kind: 'stop', why: 'retry_budget' })
  })
})

test.each<[outcome: AttemptOutcome, trigger: FallbackTrigger | undefined]>([
  [{ kind: 'completed', status: 200 }, undefined],
  [{ kind: 'cancelled', status: undefined }, undefined],
  [{ kind: 'interrupted', status: 200, error: 'upstream_cut' }, 'error'],
  [{ kind: 'unavailable', error: 'connect_failed', mayHaveRun: false }, 'error'],
  [{ kind: 'unavailable', error: 'overloaded', mayHaveRun: false }, 'rate_limit'],
  [{ kind: 'unavailable', error: 'internal', mayHaveRun: true }, undefined],
  [{ kind: 'refused', status: 400, error: 'upstream_error', errorType: undefined }, undefined],
  [{ kind: 'refused', status: 401, error: 'upstream_error', errorType: undefined }, undefined],
  [{ kind: 'refused', status: 429, error: 'upstream_error', errorType: undefined }, 'rate_limit'],
  [{ kind: 'refused', status: 500, error: 'upstream_error', errorType: undefined }, 'error'],
  [{ kind: 'refused', status: 529, error: 'upstream_error', errorType: undefined }, 'rate_limit'],
])('%j pulls %s', (outcome, trigger) => {
  expect(triggerOf(outcome)).toBe(trigger)
})
