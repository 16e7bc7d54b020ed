import { describe, expect, it } from 'vitest'
import { armEvents } from '../../src/dialects/arm-events.ts'
import type { Decision } from '../../src/domain/decide.ts'
import type { Attempt, AttemptOutcome } from '../../src/domain/exchange.ts'
import { anAttempt, anExchange } from '../fakes/an-exchange.ts'

const CANDIDATE = { key: 'openai/mini', provider: 'openai', model: 'mini' }
const STABLE = { key: 'openai/big', provider: 'openai', model: 'big' }
const decision: Decision = {
  route: 'chat',
  arm: 'candidate',
  targets: [CANDIDATE, STABLE],
  reasons: [],
  policyVersion: '',
  rollout: { name: 'mini', revision: 2, epoch: 1, stage: '5%', percent: 5, isCompared: true, target: CANDIDATE.key },
}

const call = (outcome: AttemptOutcome, parts: Partial<Attempt> = {}): Attempt =>
  anAttempt({ target: CANDIDATE, outcome, ...parts })
const answeredByStable = (reason: Attempt['fallbackReason']): Attempt =>
  anAttempt({ role: 'fallback', target: STABLE, fallbackReason: reason })
const events = (attempts: readonly Attempt[], changes: Partial<Decision> = {}) =>
  armEvents(anExchange({ decision: { ...decision, ...changes }, attempts }))

describe("what goes wrong with the arm's own model is the arm's, whoever answers", () => {
  it.each<[string, AttemptOutcome, Attempt['fallbackReason'], readonly string[]]>([
    ['an error', { kind: 'refused', status: 500, error: 'upstream_error', errorType: undefined }, 'error', ['error']],
    [
      'a limit',
      { kind: 'refused', status: 429, error: 'upstream_error', errorType: undefined },
      'rate_limit',
      ['error'],
    ],
    ['a time-out', { kind: 'unavailable', error: 'slow_answer', mayHaveRun: true }, 'slow_answer', ['timeout']],
    ['a cut', { kind: 'interrupted', status: 200, error: 'upstream_cut' }, 'error', ['error']],
    ['a refusal', { kind: 'completed', status: 200 }, 'refusal', ['refusal']],
    ['broken JSON', { kind: 'completed', status: 200 }, 'invalid_json', ['schema']],
  ])('%s', (_, outcome, reason, expected) => {
    expect(events([call(outcome), answeredByStable(reason)])).toEqual(expected)
  })

  it('a refusal that went to the client', () => {
    expect(events([call({ kind: 'completed', status: 200 }, { finishReason: 'content_filter' })])).toEqual(['refusal'])
  })

  it('a model that was passed over because it was out', () => {
    const rejected = [{ target: CANDIDATE.key, why: 'breaker_open' }] as const
    expect(events([answeredByStable(undefined)], { targets: [STABLE], rejected })).toEqual(['error'])
  })
})

describe('nothing went wrong', () => {
  const well = call({ kind: 'completed', status: 200 })

  it('with an answer, be it at the second try', () => {
    const failed = call({ kind: 'unavailable', error: 'connect_failed', mayHaveRun: false })
    expect(events([well])).toEqual([])
    expect(events([failed, { ...well, fallbackReason: 'error' }])).toEqual([])
  })

  it('where the client left, or the request needs what the model cannot do', () => {
    expect(events([call({ kind: 'cancelled', status: undefined })])).toEqual([])
    const rejected = [{ target: CANDIDATE.key, why: 'context_window' }] as const
    expect(events([answeredByStable(undefined)], { targets: [STABLE], rejected })).toEqual([])
  })

  it('with the control when only its fallback failed', () => {
    const rollout = {
      name: 'mini',
      revision: 2,
      epoch: 1,
      stage: '5%',
      percent: 5,
      isCompared: true,
      target: STABLE.key,
    }
    const stable = { ...well, target: STABLE }
    expect(events([stable], { arm: 'control', targets: [STABLE], rollout })).toEqual([])
  })

  it('outside rollouts', () => {
    const failed = call({ kind: 'interrupted', status: 200, error: 'upstream_cut' })
    expect(events([failed], { arm: 'none', rollout: undefined })).toEqual([])
  })
})
