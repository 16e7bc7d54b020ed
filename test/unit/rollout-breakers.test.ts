import { describe, expect, it } from 'vitest'
import type { TraceArm } from '../../src/domain/decide.ts'
import type { AttemptOutcome, Exchange } from '../../src/domain/exchange.ts'
import type { Trip } from '../../src/domain/rollout/rollout-view.ts'
import { watchBreakers } from '../../src/rollout/watch-breakers.ts'
import { anAttempt, anExchange } from '../fakes/an-exchange.ts'

const GOOD: AttemptOutcome = { kind: 'completed', status: 200 }
const FAILED: AttemptOutcome = { kind: 'unavailable', error: 'connect_failed', mayHaveRun: false }

/** A request of a live rollout whose first call was to the model of its arm, unless `called` says otherwise. */
function aCall(
  outcome: AttemptOutcome,
  {
    arm = 'candidate' as TraceArm,
    epoch = 1,
    stage = '5%',
    called = 'openai/new',
  }: { arm?: TraceArm; epoch?: number; stage?: string; called?: string } = {},
): Exchange {
  const mark = { name: 'swap', revision: 2, epoch, stage, percent: 5, isCompared: true, target: 'openai/new' }
  return anExchange({
    decision: {
      route: 'chat',
      arm,
      targets: [{ provider: 'openai', model: 'new', key: called }],
      reasons: [],
      policyVersion: 'v',
      rollout: mark,
    },
    attempts: [anAttempt({ outcome })],
  })
}

/** What is told of after these calls. */
function tripsOf(calls: readonly Exchange[]): readonly Trip[] {
  const trips: Trip[] = []
  const watch = watchBreakers((trip) => void trips.push(trip))
  for (const call of calls) watch(call)
  return trips
}

const times = (count: number, call: Exchange): readonly Exchange[] => Array.from({ length: count }, () => call)

describe('a candidate is told of', () => {
  it('after five failures in a row, once', () => {
    expect(tripsOf(times(4, aCall(FAILED)))).toEqual([])
    expect(tripsOf(times(9, aCall(FAILED)))).toEqual([{ rollout: 'swap', epoch: 1, why: '5 failures in a row' }])
  })

  it('when half of its last 20 calls failed', () => {
    const calls = Array.from({ length: 20 }, (_none, index) => aCall(index % 2 === 0 ? GOOD : FAILED))
    expect(tripsOf(calls)).toMatchObject([{ why: '10 of the last 20 calls failed' }])
  })

  it('not for what the client did, what we did, or what came of other models', () => {
    const refused = (status: number): AttemptOutcome => ({
      kind: 'refused',
      status,
      error: 'upstream_error',
      errorType: undefined,
    })
    for (const call of [
      aCall(refused(400)),
      aCall(refused(422)),
      aCall({ kind: 'unavailable', error: 'overloaded', mayHaveRun: false }),
      aCall({ kind: 'cancelled', status: undefined }),
      aCall(FAILED, { arm: 'control' }),
      aCall(FAILED, { called: 'openai/old' }),
      aCall(FAILED, { stage: 'succeeded' }),
      anExchange(),
    ]) {
      expect(tripsOf(times(30, call))).toEqual([])
    }
    for (const status of [401, 404, 429, 500, 503]) {
      expect(tripsOf(times(5, aCall(refused(status))))).toHaveLength(1)
    }
  })

  it('not for calls of an earlier epoch', () => {
    expect(tripsOf([...times(4, aCall(FAILED)), ...times(4, aCall(FAILED, { epoch: 2 }))])).toEqual([])
  })
})
