import { describe, expect, it } from 'vitest'
import { advance } from '../../src/domain/rollout/advance.ts'
import { POOLED } from '../../src/domain/rollout/evidence.ts'
import type { LivePhase } from '../../src/domain/rollout/phase.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import { applyEvent } from '../../src/domain/rollout/rollout-state.ts'
import { aRollout, aStateAt, evidenceOf, goodReadings, HOUR_MS, STARTED_AT } from '../fakes/a-rollout.ts'

const AT_50: LivePhase = { kind: 'ramping', percent: 50 }
const LATER = STARTED_AT + HOUR_MS
const rollout = aRollout()

describe('a paused rollout', () => {
  const pausedAt = (live: LivePhase) =>
    applyEvent(aStateAt(rollout, live), {
      rollout: 'haiku',
      revision: 3,
      at: STARTED_AT + 1,
      actor: 'ada',
      reason: '',
      change: { kind: 'paused' },
    })

  const seenWorse = (of: Rollout, live: LivePhase) => {
    const paused = pausedAt(live)
    const quality = [{ task: POOLED, pairs: [[-0.5, 200] as const, [0, 200] as const] }]
    return advance(of, paused, evidenceOf(goodReadings(paused, LATER, { quality })), LATER)
  }

  it('rolls back on evidence of harm and when the breaker trips: clients get its answers all the same', () => {
    const rolledBack = seenWorse(rollout, AT_50)
    expect(rolledBack).toMatchObject({ action: 'rollback', rule: 'harm', isAlert: true })
    expect(rolledBack.next.phase).toMatchObject({ kind: 'rolled_back', cause: 'quality' })
    const tripped = advance(rollout, pausedAt(AT_50), evidenceOf(undefined, { breaker: '5 failures in a row' }), LATER)
    expect(tripped).toMatchObject({ action: 'rollback', rule: 'breaker' })
  })

  it.each<['rollback' | 'hold' | undefined, LivePhase]>([
    ['hold', AT_50],
    // As stored before there was a choice: replayed, it comes to the same.
    [undefined, AT_50],
    // No client sees it.
    ['rollback', { kind: 'shadow' }],
  ])('with harm_while_paused: %s and at %o it only tells', (harmWhilePaused, live) => {
    const of = aRollout({ harmWhilePaused })
    const because = ['paused by hand: nothing moves until it is resumed', expect.stringContaining('worse by 0.250')]
    expect(seenWorse(of, live)).toMatchObject({
      action: 'hold',
      rule: 'paused',
      event: undefined,
      isAlert: true,
      because,
    })
  })

  it('stays where stable is failing too, and stays paused', () => {
    const recent = { candidate: { calls: 40, failed: 20 }, stable: { calls: 40, failed: 16 } }
    const evidence = evidenceOf(undefined, { breaker: 'half of the last 20', recent })
    expect(advance(rollout, pausedAt(AT_50), evidence, LATER)).toMatchObject({
      rule: 'paused',
      event: undefined,
      isAlert: true,
      because: [
        'paused by hand: nothing but harm moves it until it is resumed',
        'stable is failing too: 16 of its last 40 calls',
        'breaker: half of the last 20',
      ],
    })
  })
})
