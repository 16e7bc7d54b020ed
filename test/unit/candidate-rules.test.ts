import { expect, it } from 'vitest'
import type { Decision } from '../../src/domain/decide.ts'
import { fallbackRules } from '../../src/domain/rollout/candidate-rules.ts'
import type { FallbackRules } from '../../src/domain/routing/route.ts'

const CANDIDATE = { key: 'openai/mini', provider: 'openai', model: 'mini' }
const STABLE = { key: 'openai/big', provider: 'openai', model: 'big' }
const SPARE = { key: 'openai/spare', provider: 'openai', model: 'spare' }
const rules: FallbackRules = {
  on: new Set(['error', 'slow_answer', 'slow_first_token', 'refusal']),
  answerTimeoutMs: 30_000,
  firstTokenTimeoutMs: 10_000,
  maxAttempts: 4,
  retries: 0,
}

function decision(arm: Decision['arm'], ...targets: Decision['targets']): Decision {
  const target = arm === 'candidate' ? CANDIDATE.key : STABLE.key
  const mark = { name: 'mini', revision: 2, epoch: 1, stage: '5%', percent: 5, isCompared: true, target }
  return { route: 'chat', arm, targets, reasons: [], policyVersion: '', rollout: arm === 'none' ? undefined : mark }
}

it('where stable has nobody to fall back to, a candidate is left for its errors alone', () => {
  const own = fallbackRules(decision('candidate', CANDIDATE, STABLE), rules)
  expect([...own.on]).toEqual(['error'])
  expect(own.maxAttempts).toBe(5)
})

it('where stable has, both are left for the same, and the candidate costs no fallback its place', () => {
  const own = fallbackRules(decision('candidate', CANDIDATE, STABLE, SPARE), rules)
  expect(own).toEqual({ ...rules, maxAttempts: 5 })
})

it('nothing changes for the other arms, nor for a candidate that is out', () => {
  for (const arm of ['control', 'stable', 'none'] as const) {
    expect(fallbackRules(decision(arm, STABLE, SPARE), rules)).toBe(rules)
  }
  expect(fallbackRules(decision('candidate', STABLE, SPARE), rules)).toBe(rules)
})
