import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { JournalEntry } from '../../src/domain/changes/journal-entry.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import { type FileKeeper, keepToFile } from '../../src/rollout/keep-file.ts'
import { openRolloutLog, type RolloutLog } from '../../src/rollout/rollout-log.ts'
import { aRollout } from '../fakes/a-rollout.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { quietLog } from '../fakes/clickhouse.ts'
import { anId } from '../fakes/ids-at.ts'

const FILE = aRoutingState('routes:\n  chat: { match: { model: gpt-4o }, target: openai/gpt-4o }\n')

/** As ClickHouse keeps it: of several rows for one revision the first. */
const rows: JournalEntry[] = []
let [now, ids] = [1_000, 0]
const world = { now: () => (now += 1), newId: () => anId(now, (ids += 1)), monotonic: () => now }

type Proxy = {
  readonly keeper: FileKeeper
  readonly log: RolloutLog
  readonly warned: string[]
  read: Rollout
  version: string
}

async function aProxy(instance: string, read: Rollout, version: string): Promise<Proxy> {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-keep-file-'))
  const warned: string[] = []
  const log = await openRolloutLog({
    file: join(dir, 'rollouts.json'),
    journal: {
      append: async (entry) => {
        if (!rows.some(({ name, revision }) => name === entry.name && revision === entry.revision)) rows.push(entry)
        return { kind: 'sent' }
      },
      look: async () => {
        log.follower.take(rows)
        return true
      },
    },
    instance,
    policyVersion: () => proxy.version,
    isWanted: () => true,
    onChange: () => {},
    world,
    log: quietLog,
  })
  onTestFinished(async () => {
    await log.close()
    rmSync(dir, { recursive: true, force: true })
  })
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
  const first = await aProxy('first', rollout, 'v1')
  const second = await aProxy('second', rollout, 'v1')
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
