import { expect, it, onTestFinished } from 'vitest'
import type { JournalEntry } from '../../src/domain/changes/journal-entry.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import { type FileKeeper, keepToFile } from '../../src/rollout/keep-file.ts'
import type { RolloutLog } from '../../src/rollout/rollout-log.ts'
import { aRollout } from '../fakes/a-rollout.ts'
import { aRolloutLog, aTickingWorld } from '../fakes/a-rollout-log.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { quietLog } from '../fakes/clickhouse.ts'

const FILE = aRoutingState('routes:\n  chat: { match: { model: gpt-4o }, target: openai/gpt-4o }\n')

const rows: JournalEntry[] = []
const world = aTickingWorld()

type Proxy = {
  readonly keeper: FileKeeper
  readonly log: RolloutLog
  readonly warned: string[]
  read: Rollout
  version: string
}

async function aProxy(read: Rollout, version: string): Promise<Proxy> {
  const warned: string[] = []
  const log = await aRolloutLog(rows, world, () => proxy.version)
  onTestFinished(log.discard)
  const keeper = keepToFile({
    log,
    state: () => ({ ...FILE, policyVersion: proxy.version }),
    rollouts: () => [proxy.read],
    world,
    lines: { ...quietLog, warn: (event) => warned.push(event) },
  })
  const proxy: Proxy = { keeper, log, warned, read, version }
  return proxy
}

it('a proxy with an older file than another one changes nothing, and says so once', async () => {
  const rollout = aRollout()
  const first = await aProxy(rollout, 'v1')
  const second = await aProxy(rollout, 'v1')
  first.log.follower.take(rows)
  second.log.follower.take(rows)
  await first.keeper.keep(false)
  second.log.follower.take(rows)
  second.keeper.warnOfOthers()
  expect(second.warned, 'both have the same file').toEqual([])
  const [step, ...more] = rollout.plan.steps
  if (step === undefined) throw new Error('a plan has steps')
  first.read = { ...rollout, plan: { ...rollout.plan, steps: [{ ...step, percent: 7 }, ...more] } }
  first.version = 'v2'
  await first.keeper.keep(true)
  second.log.follower.take(rows)
  for (let turn = 0; turn < 2; turn++) {
    second.keeper.warnOfOthers()
    await second.keeper.keep(false)
  }
  expect(second.log.state(rollout.name)?.steps).toEqual([7, 25, 50])
  expect(second.warned).toEqual(['rollout_file_differs'])
  first.keeper.warnOfOthers()
  expect(first.warned).toEqual([])
})
