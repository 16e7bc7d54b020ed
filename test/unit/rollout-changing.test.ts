import { expect, it, onTestFinished } from 'vitest'
import type { JournalEntry } from '../../src/domain/changes/journal-entry.ts'
import type { World } from '../../src/domain/ports.ts'
import { create } from '../../src/domain/rollout/command.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import type { Change } from '../../src/domain/rollout/rollout-event.ts'
import type { RolloutAnswer } from '../../src/domain/rollout/rollout-view.ts'
import { createChanging } from '../../src/rollout/change-rollout.ts'
import { aRollout } from '../fakes/a-rollout.ts'
import { aRolloutLog, aTickingWorld } from '../fakes/a-rollout-log.ts'
import { quietLog } from '../fakes/clickhouse.ts'

const AT_50 = { kind: 'ramping', percent: 50 } as const

/** A proxy that takes verbs for `rollouts`, over the journal in `rows`. */
async function aProxy(rollouts: readonly Rollout[], rows: JournalEntry[], world: World) {
  const log = await aRolloutLog(rows, world)
  onTestFinished(log.discard)
  log.follower.take(rows)
  const ask = createChanging({
    log,
    journal: {
      append: async () => ({ kind: 'sent' }),
      look: async () => {
        log.follower.take(rows)
        return true
      },
    },
    rollouts: () => rollouts,
    keepFile: async () => true,
    onChange: () => {},
    world,
    lines: quietLog,
  })
  const by = { actor: 'ada', reason: '' }
  return {
    log,
    ask: (kind: 'start' | 'retry' | 'rollback' | 'pause', name = 'haiku'): Promise<RolloutAnswer> =>
      ask({ name, verb: { kind }, ...by, ifMatch: undefined }),
    happen: async (rollout: Rollout, ...changes: readonly Change[]): Promise<void> => {
      const { name } = rollout
      await log.offer(name, (known) =>
        known === undefined ? { event: create(rollout, { ...by, at: world.now() }) } : undefined,
      )
      for (const change of changes) {
        await log.offer(name, (known) => ({
          event: { rollout: name, revision: (known?.revision ?? 0) + 1, ...by, at: world.now(), change },
        }))
      }
    },
  }
}

it('a rollback takes the candidate away also where another proxy has begun a new epoch that is not known here yet', async () => {
  const [rows, world, rollout]: [JournalEntry[], World, Rollout] = [[], aTickingWorld(), aRollout()]
  const [one, other] = [await aProxy([rollout], rows, world), await aProxy([rollout], rows, world)]
  await one.happen(rollout, { kind: 'started', into: AT_50 })
  other.log.follower.take(rows)
  const identity = 'identity-2'
  await other.happen(rollout, { kind: 'edited', identity, steps: [5, 25, 50], first: { kind: 'ramping', percent: 5 } })
  expect(one.log.state('haiku')?.epoch, 'one has not looked since').toBe(1)
  expect(await one.ask('rollback')).toEqual({ kind: 'applied', isStored: true })
  for (const { log } of [one, other]) {
    log.follower.take(rows)
    expect(log.state('haiku')).toMatchObject({ epoch: 2, phase: { kind: 'rolled_back' } })
  }
})

it('a pause counts also where the clock of whoever made the last change is ahead', async () => {
  const [rows, world, rollout]: [JournalEntry[], World, Rollout] = [[], aTickingWorld(), aRollout()]
  const ahead = await aProxy([rollout], rows, { ...world, now: () => world.now() + 60_000 })
  await ahead.happen(rollout, { kind: 'started', into: AT_50 })
  const one = await aProxy([rollout], rows, world)
  expect(await one.ask('pause')).toEqual({ kind: 'applied', isStored: true })
  expect(one.log.state('haiku')?.phase.kind).toBe('paused')
})

it('a draft is not started beside a rollout that leads clients of the same route', async () => {
  const [rows, world]: [JournalEntry[], World] = [[], aTickingWorld()]
  const [haiku, sonnet, elsewhere] = [aRollout(), aRollout({ name: 'sonnet' }), aRollout({ name: 'x', route: 'other' })]
  const proxy = await aProxy([haiku, sonnet, elsewhere], rows, world)
  for (const each of [haiku, sonnet, elsewhere]) await proxy.happen(each)
  await proxy.happen(haiku, { kind: 'started', into: AT_50 })
  const because = 'haiku is ramping at 50% on the same route; abort it first.'
  expect(await proxy.ask('start', 'sonnet')).toEqual({ kind: 'refused', because })
  expect(await proxy.ask('start', 'x')).toMatchObject({ kind: 'applied' })
  await proxy.happen(haiku, { kind: 'succeeded' })
  const remedy = 'haiku is succeeded on the same route; write its candidate into the route and take it out first.'
  expect(await proxy.ask('start', 'sonnet')).toEqual({ kind: 'refused', because: remedy })
  await proxy.happen(haiku, { kind: 'aborted' })
  expect(await proxy.ask('start', 'sonnet')).toMatchObject({ kind: 'applied' })
})
