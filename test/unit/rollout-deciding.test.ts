import { expect, it, onTestFinished } from 'vitest'
import { create } from '../../src/domain/rollout/command.ts'
import { createDeciding } from '../../src/rollout/decide-all.ts'
import { aRollout, evidenceOf } from '../fakes/a-rollout.ts'
import { aRolloutLog, aTickingWorld } from '../fakes/a-rollout-log.ts'
import { quietLog } from '../fakes/clickhouse.ts'

it('who no longer decides no longer tells what it decided last: an alert would go on for good', async () => {
  const [world, rollout] = [aTickingWorld(), aRollout()]
  const log = await aRolloutLog([], world)
  onTestFinished(log.discard)
  const by = { actor: 'ada', reason: '', at: world.now() }
  log.follower.take([])
  await log.offer(rollout.name, () => ({ event: create(rollout, by) }))
  await log.offer(rollout.name, () => ({
    event: { rollout: rollout.name, revision: 2, ...by, change: { kind: 'started', into: { kind: 'shadow' } } },
  }))
  let mayDecide = true
  const deciding = createDeciding({
    log,
    store: { record: async () => ({ kind: 'sent' }) },
    evidenceOf: async () => evidenceOf(undefined),
    mayDecide: () => mayDecide,
    policyVersion: () => 'v1',
    instance: 'test',
    world,
    lines: quietLog,
  })
  await deciding.decide(rollout)
  expect(deciding.looked(rollout.name)?.transition).toMatchObject({ rule: 'no_data', isAlert: true })
  expect(log.state(rollout.name)?.phase.kind).toBe('holding')
  mayDecide = false
  expect(deciding.looked(rollout.name)).toBeUndefined()
})
