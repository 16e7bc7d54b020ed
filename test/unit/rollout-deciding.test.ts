import { expect, it, onTestFinished } from 'vitest'
import type { Log } from '../../src/domain/ports.ts'
import { create } from '../../src/domain/rollout/command.ts'
import type { DecisionRecord } from '../../src/domain/rollout/decision-record.ts'
import { type Evidence, POOLED } from '../../src/domain/rollout/evidence.ts'
import { PACES } from '../../src/domain/rollout/pace.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import type { Change } from '../../src/domain/rollout/rollout-event.ts'
import type { RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import { createDeciding, type DecideOptions } from '../../src/rollout/decide-all.ts'
import { aRollout, evidenceOf, goodReadings } from '../fakes/a-rollout.ts'
import { aRolloutLog, aTickingWorld } from '../fakes/a-rollout-log.ts'
import { quietLog } from '../fakes/clickhouse.ts'

const SHADOW = { kind: 'shadow' } as const
const AT_50 = { kind: 'ramping', percent: 50 } as const

/** One that decides about `rollout`, to which `changes` have happened, by what `evidenceOf` says. */
async function aDecider(rollout: Rollout, changes: readonly Change[], options: Partial<DecideOptions> = {}) {
  const world = aTickingWorld()
  const log = await aRolloutLog([], world)
  onTestFinished(log.discard)
  log.follower.take([])
  const by = { actor: 'ada', reason: '', at: world.now() }
  await log.offer(rollout.name, () => ({ event: create(rollout, by) }))
  for (const [index, change] of changes.entries()) {
    await log.offer(rollout.name, () => ({ event: { rollout: rollout.name, revision: index + 2, ...by, change } }))
  }
  const deciding = createDeciding({
    log,
    store: { record: async () => ({ kind: 'sent' }) },
    tellLater: () => {},
    evidenceOf: async () => evidenceOf(undefined),
    mayDecide: () => true,
    policyVersion: () => 'v1',
    instance: 'test',
    world,
    lines: quietLog,
    ...options,
  })
  return { deciding, log }
}

/** Evidence of `state` that the candidate does harm. */
function harmIn(state: RolloutState): Evidence {
  const quality = [{ task: POOLED, pairs: [[-0.5, 400]] as const }]
  return evidenceOf(goodReadings(state, state.changedAt, { quality }))
}

it('who no longer decides no longer tells what it decided last: an alert would go on for good', async () => {
  const rollout = aRollout()
  let mayDecide = true
  const { deciding, log } = await aDecider(rollout, [{ kind: 'started', into: SHADOW }], { mayDecide: () => mayDecide })
  await deciding.decide(rollout)
  expect(deciding.looked(rollout.name)?.transition).toMatchObject({ rule: 'no_data', isAlert: true })
  expect(log.state(rollout.name)?.phase.kind).toBe('holding')
  mayDecide = false
  expect(deciding.looked(rollout.name)).toBeUndefined()
})

it('tells of harm that comes while a rollout is paused, once, and puts it on record', async () => {
  const rollout = aRollout({ harmWhilePaused: 'hold' })
  const warned: string[] = []
  let records = 0
  let isHarmful = false
  const lines: Log = { ...quietLog, warn: (event) => void warned.push(event) }
  const { deciding } = await aDecider(rollout, [{ kind: 'started', into: AT_50 }, { kind: 'paused' }], {
    lines,
    store: { record: async () => ((records += 1), { kind: 'sent' }) },
    evidenceOf: async (_rollout, state) => (isHarmful ? harmIn(state) : evidenceOf(undefined)),
  })
  await deciding.decide(rollout)
  expect([warned.length, records]).toEqual([0, 1])
  isHarmful = true
  await deciding.decide(rollout)
  await deciding.decide(rollout)
  expect([warned, records]).toEqual([['rollout_alert'], 2])
})

it('rolls back here at once where the store can be read and not written, and tells it as soon as it can', async () => {
  const rollout = aRollout()
  const later: DecisionRecord[] = []
  const { deciding, log } = await aDecider(rollout, [{ kind: 'started', into: AT_50 }], {
    store: { record: async () => ({ kind: 'unavailable', detail: 'disk full' }) },
    tellLater: (record) => void later.push(record),
    evidenceOf: async (_rollout, state) => harmIn(state),
  })
  await deciding.decide(rollout)
  expect(log.state(rollout.name)?.phase).toMatchObject({ kind: 'rolled_back', cause: 'quality' })
  expect(log.stored(rollout.name)?.state.phase, 'the journal has not heard of it').toEqual(AT_50)
  expect(later).toMatchObject([{ transition: { action: 'rollback' } }])
  expect(log.waiting()).toMatchObject([{ decision: later[0]?.id, change: { kind: 'rolled_back' } }])
  await log.tellWaiting()
  expect(log.stored(rollout.name)?.state.phase).toMatchObject({ kind: 'rolled_back', cause: 'quality' })
})

it('goes no step further without a record of why', async () => {
  const steps = PACES.normal.steps.map((step) => ({ ...step, dwellMs: 0 }))
  const rollout = aRollout({ plan: { ...PACES.normal, steps } })
  const later: DecisionRecord[] = []
  const { deciding, log } = await aDecider(rollout, [{ kind: 'started', into: AT_50 }], {
    store: { record: async () => ({ kind: 'unavailable', detail: 'disk full' }) },
    tellLater: (record) => void later.push(record),
    evidenceOf: async (_rollout, state) => evidenceOf(goodReadings(state, state.changedAt)),
  })
  await deciding.decide(rollout)
  expect(deciding.looked(rollout.name)?.transition.action).toBe('promote')
  expect(log.state(rollout.name)?.phase).toEqual(AT_50)
  expect([later, log.waiting()]).toEqual([[], []])
})

it('one rollout that cannot be decided keeps no other from it', async () => {
  const rollout = aRollout()
  const failed: unknown[] = []
  const { deciding } = await aDecider(rollout, [{ kind: 'started', into: AT_50 }], {
    lines: { ...quietLog, error: (event) => void failed.push(event) },
    // As no score is: what reads it throws.
    evidenceOf: async (_rollout, state) =>
      evidenceOf(goodReadings(state, state.changedAt, { quality: [{ task: POOLED, pairs: [[2, 1]] }] })),
  })
  await deciding.decide(rollout)
  expect(failed).toEqual(['rollout_not_decided'])
})
