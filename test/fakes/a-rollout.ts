import { create } from '../../src/domain/rollout/command.ts'
import { type Evidence, POOLED, type Readings } from '../../src/domain/rollout/evidence.ts'
import { PACES } from '../../src/domain/rollout/pace.ts'
import type { LivePhase } from '../../src/domain/rollout/phase.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import { applyEvent, fold, type RolloutState } from '../../src/domain/rollout/rollout-state.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
/** 2026-11-20T00:00:00Z */
export const STARTED_AT = 1_795_132_800_000

/** A rollout at the normal pace, whose judge is taken at its word. */
export function aRollout(changes: Partial<Rollout> = {}): Rollout {
  return {
    name: 'haiku',
    route: 'chat',
    stable: { key: 'openai/gpt-big', provider: 'openai', model: 'gpt-big' },
    candidate: { key: 'anthropic/claude-small', provider: 'anthropic', model: 'claude-small' },
    salt: 'ro_9f2c',
    identity: 'identity-1',
    plan: PACES.normal,
    badEvents: ['error', 'timeout', 'slow'],
    tasksApart: [],
    alphaPromote: 0.05,
    alphaRollback: 0.05,
    staleAfterMs: 10 * MINUTE_MS,
    harmWhilePaused: 'rollback',
    isJudgeTrustWaived: true,
    metric: 'judge',
    scoredShare: 0.25,
    shadow: 'rollout:haiku',
    asked: { state: 'running', promoteTo: undefined },
    ...changes,
  }
}

/** The state of `rollout` at `phase`, entered at `at`. */
export function aStateAt(rollout: Rollout, phase: LivePhase, at = STARTED_AT): RolloutState {
  const draft = fold([create(rollout, { actor: 'ada', reason: 'test', at })])
  if (draft === undefined) throw new Error('a created rollout has a state')
  return applyEvent(draft, {
    rollout: rollout.name,
    revision: 2,
    at,
    actor: 'ada',
    reason: 'test',
    change: { kind: 'started', into: phase },
  })
}

/** Readings of the stage in which `state` is, in which all is well and enough is known to go on. */
export function goodReadings(state: RolloutState, asOf: number, changes: Partial<Readings> = {}): Readings {
  return {
    epoch: state.epoch,
    since: state.enteredAt,
    asOf,
    quality: [{ task: POOLED, pairs: [[0, 4000]] }],
    success: [{ task: POOLED, pairs: [[0, 4000]] }],
    badEvents: [
      {
        event: 'error',
        task: POOLED,
        windows: [{ candidate: 4000, control: 4000, badCandidate: 40, badControl: 40 }],
      },
    ],
    units: { since: state.dealtAt, candidate: 0, control: 0, neither: 0, inBoth: 0 },
    scores: { candidate: { expected: 4000, scored: 3990 }, control: { expected: 4000, scored: 3990 } },
    judge: {
      isTrusted: false,
      asked: { candidate: 4000, control: 4000 },
      failed: { candidate: 8, control: 8 },
      sameWithSame: [[0, 100]],
    },
    signals: [],
    ...changes,
  }
}

/** Evidence of nothing but these readings. */
export function evidenceOf(readings: Readings | undefined, changes: Partial<Evidence> = {}): Evidence {
  const quiet = { calls: 100, failed: 1 }
  return { breaker: undefined, recent: { candidate: quiet, stable: quiet }, readings, ...changes }
}
